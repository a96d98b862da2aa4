"""Log one of each kind that there is: `sightline board runs` and `sightline show runs` show it.

The data are made up, and the model is not trained: it takes a few seconds.
"""

from __future__ import annotations

import numpy as np
import torch

from sightline import MetricsLogger

NUM_STEPS = 100


def main(log_dir: str = "runs") -> None:
    """Log numbers at every step, and everything else twice."""
    random = np.random.default_rng(0)
    model = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    model(torch.ones(1, 16)).sum().backward()
    with MetricsLogger("everything", log_dir, config={"model": {"width": 64}}) as logger:
        logger.log_hparams({"lr": 1e-3, "optimizer": "adamw"})
        logger.log_layout({"loss": {"train and validation": ["train/loss", "val/loss"]}})
        logger.log_graph(model)
        for step in range(1, NUM_STEPS + 1):
            loss = np.exp(-step / 40) + 0.02 * random.standard_normal()
            logger.log_metrics({"train/loss": loss, "train/lr": 1e-3}, step=step)
            logger.accumulate_metrics({"accuracy": 1 - loss / 2})
            if step % 50 == 0:
                logger.log_accumulated_metrics(step=step, prefix="epoch/")
                logger.log_metrics({"val/loss": loss + 0.1}, step=step)
                log_media(logger, step, random)
                logger.log_model_weights(model, step=step)
                logger.log_model_gradients(model, step=step)
                log_arrays(logger, step, random)
                log_notes(logger, step)


def log_media(logger: MetricsLogger, step: int, random: np.random.Generator) -> None:
    """What is seen or heard."""
    pictures = random.random((8, 32, 32, 3))
    logger.log_image("media/image", pictures[0], step=step, caption=f"step {step}")
    logger.log_images("media/grid", pictures, step=step, captions=list("abcdefgh"))
    ramp = np.linspace(0, 1, 32)
    clip = np.stack([np.outer(np.roll(ramp, 4 * frame), ramp) for frame in range(8)])
    logger.log_video("media/video", clip, step=step, fps=8)
    seconds = np.arange(8_000) / 16_000
    logger.log_audio("media/tone", 0.3 * np.sin(880 * np.pi * seconds), step, sample_rate=16_000)


def log_arrays(logger: MetricsLogger, step: int, random: np.random.Generator) -> None:
    """What a model gives."""
    logger.log_histogram("residuals", random.standard_normal(1_000), step=step)
    labels = random.integers(0, 2, 500)
    scores = np.clip(0.3 + 0.4 * labels + 0.2 * random.standard_normal(500), 0, 1)
    logger.log_pr_curve("val/pr_curve", labels, scores, step=step)
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    logger.log_mesh("tetrahedron", corners, faces, 255 * corners.astype(np.uint8), step=step)
    classes = random.integers(0, 3, 100)
    features = random.standard_normal((100, 16)) + 4 * np.eye(3, 16)[classes]
    logger.log_embedding("features", features, step=step, metadata={"class": classes})


def log_notes(logger: MetricsLogger, step: int) -> None:
    """What is read."""
    logger.log_text("note", f"Step **{step}** of {NUM_STEPS}.", step=step)
    logger.log_table("confusion", ["", "cat", "dog"], [["cat", 8, 2], ["dog", 1, 9]], step=step)
    if step == NUM_STEPS:
        logger.log_alert("The loss no longer falls.", step=step)


if __name__ == "__main__":
    main()
