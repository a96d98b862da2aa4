"""What can be set about any run, whatever it trains: logs, checkpoints, health."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
)

from sightline.callbacks import PRESETS, Cadences, Preset
from sightline.callbacks.health import OnError
from sightline.events import to_local_path, to_path
from sightline.training.config import Config

Share = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]


def _path_unless_url(given: str | Path) -> str | Path:
    path = to_path(given)
    return path if isinstance(path, Path) else str(given)  # as YAML and checkpoints keep it


def _not_a_url(given: Any) -> Any:
    return to_local_path(given) if isinstance(given, str) else given


PathOrURL = Annotated[str | Path, AfterValidator(_path_unless_url)]
LocalPath = Annotated[Path, BeforeValidator(_not_a_url)]


class CheckpointConfig(Config):
    """What is kept of a run, and where."""

    save_frequency: PositiveInt = Field(10, description="epochs between checkpoints")
    keep_best_n: PositiveInt = Field(3, description="best checkpoints to keep beside the latest")
    checkpoint_dir: LocalPath | None = Field(
        None,
        description="default: the folder checkpoints/ of the run; needed where log_dir is a URL",
    )


class WandbConfig(Config):
    """Weights & Biases, next to TensorBoard."""

    enabled: bool = False
    project: str | None = None
    entity: str | None = None
    tags: tuple[str, ...] = ()


class TensorBoardConfig(Config):
    """TensorBoard event files."""

    enabled: bool = True


class LoggingConfig(Config):
    """What is written while training, and where."""

    experiment_name: str = Field("run", min_length=1, description="name of the run")
    log_dir: PathOrURL = Field(
        Path("runs"), description="folder that holds all runs, or a URL such as s3://bucket/runs"
    )
    log_frequency: PositiveInt = Field(10, description="steps between logged scalars")
    preset: Preset = Field("standard", description="how much is watched: economy, standard or full")
    monitor_frequency: PositiveInt | None = Field(
        None, description="steps between readings of a batch; null as the preset says, as below"
    )
    gradient_frequency: PositiveInt | None = Field(
        None, description="steps between readings of gradients, updates and the EMA"
    )
    quality_frequency: PositiveInt | None = Field(
        None, description="steps between measures of quality, which take forward passes"
    )
    histogram_frequency: PositiveInt | None = Field(
        None, description="steps between histograms of weights and gradients"
    )
    figure_frequency: PositiveInt | None = Field(None, description="steps between figures")
    system_seconds: PositiveFloat = Field(10.0, description="seconds between system readings")
    wandb: WandbConfig = WandbConfig()
    tensorboard: TensorBoardConfig = TensorBoardConfig()

    @property
    def cadences(self) -> Cadences:
        """Those of the preset, but for what is set."""
        preset = PRESETS[self.preset]
        return Cadences(
            readings=self.monitor_frequency or preset.readings,
            gradients=self.gradient_frequency or preset.gradients,
            quality=self.quality_frequency or preset.quality,
            histograms=self.histogram_frequency or preset.histograms,
            figures=self.figure_frequency or preset.figures,
        )


class HealthConfig(Config):
    """How the run is judged while it goes on, and what follows from it."""

    enabled: bool = Field(True, description="judge every logged value")
    on_error: OnError = Field(
        "warn",
        description="warn: tell; stop: save and end; rollback: go back to before it, more slowly",
    )
    webhook: SecretStr | None = Field(
        None,
        description="URL that findings are posted to, or $NAME of an environment variable with it",
    )
    rollback_lr_factor: float = Field(
        0.5, gt=0, le=1, description="what a rollback multiplies the learning rate with"
    )
    max_rollbacks: PositiveInt = Field(2, description="rollbacks after which the run stops")
