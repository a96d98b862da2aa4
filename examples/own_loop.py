"""Log from a loop of your own: a NumPy regression, watched in TensorBoard.

Run it, then `sightline board runs`.
"""

from __future__ import annotations

import numpy as np

from sightline import MetricsLogger


def main(log_dir: str = "runs", num_steps: int = 200) -> None:
    """Fit a line through noisy points."""
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (256, 1))
    y = 3 * x - 1 + 0.1 * random.standard_normal(x.shape)
    weight, bias = np.zeros(1), np.zeros(1)

    with MetricsLogger("regression", log_dir, config={"lr": 0.1}) as logger:
        for step in range(1, num_steps + 1):
            error = x * weight + bias - y
            weight -= 0.1 * 2 * np.mean(error * x)
            bias -= 0.1 * 2 * np.mean(error)
            logger.log_metrics({"train/loss": np.mean(error**2), "train/lr": 0.1}, step=step)
            if step % 50 == 0:
                logger.log_histogram("residuals", error, step=step)


if __name__ == "__main__":
    main()
