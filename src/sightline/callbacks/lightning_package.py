"""PyTorch Lightning under either of the names it is installed by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline._optional import missing

if TYPE_CHECKING:
    import lightning.pytorch as pl
    from lightning.fabric.loggers.logger import rank_zero_experiment
else:
    try:
        import lightning.pytorch as pl
        from lightning.fabric.loggers.logger import rank_zero_experiment
    except ModuleNotFoundError:
        try:
            import pytorch_lightning as pl
            from lightning_fabric.loggers.logger import rank_zero_experiment
        except ModuleNotFoundError:
            missing("lightning", "lightning")

__all__ = ["pl", "rank_zero_experiment"]
