"""Watch a model in a torch loop of your own: an autoencoder whose features you want to trust.

Run it, then `sightline board runs`: gradients and updates of each layer, how spread out the
features are, learning rate, speed, and dashboards under Custom Scalars.
"""

from __future__ import annotations

import torch
from torch import nn

import sightline
from sightline import MetricsLogger


def main(log_dir: str = "runs", num_steps: int = 300) -> None:
    """Squeeze 16 numbers that depend on 4 through a layer of 8."""
    torch.manual_seed(0)
    mixing = torch.randn(4, 16)
    encoder = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 8))
    decoder = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 16))
    model = nn.ModuleDict({"encoder": encoder, "decoder": decoder})
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_steps)

    with (
        MetricsLogger("autoencoder", log_dir, config={"lr": 3e-3}) as logger,
        sightline.watch(model, logger, every=50, figures_every=100, optimizer=optimizer) as w,
    ):
        for step in range(1, num_steps + 1):
            x = torch.randn(64, 4) @ mixing
            features = encoder(x)
            loss = (decoder(features) - x).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            w.step(loss=loss, features=features, num_samples=len(x))

            if step % 100 == 0:
                with torch.no_grad():
                    unseen = torch.randn(256, 4) @ mixing
                    w.validation(loss=(decoder(encoder(unseen)) - unseen).square().mean())


if __name__ == "__main__":
    main()
