"""Ten dashboards on the Custom Scalars page, made for the model that is trained."""

from __future__ import annotations

from sightline.callbacks.base import Callback, Trainer
from sightline.callbacks.modules import block_of, module_of, neighbours
from sightline.catalogue import layout


class Dashboards(Callback):
    """Logs which curves belong in one chart, for TensorBoard's Custom Scalars page.

    | tag | meaning |
    |---|---|
    | `custom_scalars__config__` | layout: the dashboards |

    Args:
        recipe: Whose tags are drawn beside those of every trainer; `common` for no others.
        num_levels: Levels of the hierarchy, where there is one.
    """

    def __init__(self, recipe: str = "common", *, num_levels: int = 1) -> None:
        self.recipe = recipe
        self.num_levels = num_levels

    def on_train_begin(self, trainer: Trainer) -> None:
        """Log the dashboards."""
        names = list(trainer.parameters)
        modules = dict.fromkeys(map(module_of(names), names))
        deeper = [block for _, block in neighbours(map(block_of, names))]
        dashboards = layout(
            self.recipe,
            num_levels=self.num_levels,
            modules=list(modules),
            blocks=deeper,
            num_param_groups=len(trainer.learning_rates),
        )
        trainer.logger.log_layout(dashboards)
