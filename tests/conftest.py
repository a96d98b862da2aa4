from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import loaders

# W&B reads its environment once a process, so a fixture of one test would come too late.
os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true")
# Neither tells its makers about our tests.
os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", WANDB_ERROR_REPORTING="false")
# Models are made in the tests; nothing is looked up at Hugging Face.
os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")


def pytest_configure(config: pytest.Config) -> None:
    # MLflow 3.17's tables ask SQLAlchemy 2.1 for what it deprecates; nobody else is let off.
    config.addinivalue_line("filterwarnings", "ignore:The ``noload``:DeprecationWarning")


# How long an example takes depends on who else uses the machine.
hypothesis.settings.register_profile("sightline", deadline=None)
hypothesis.settings.load_profile("sightline")


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """What a command sets up for its messages ends with the test."""
    logger = logging.getLogger("sightline")
    before = (logger.handlers[:], logger.level, logger.propagate)
    yield
    logger.handlers, logger.level, logger.propagate = before


@pytest.fixture
def read_python() -> Callable[[Path], loaders.Shown]:
    """What TensorBoard's Python loader shows of a log directory."""
    return loaders.read_python


@pytest.fixture
def read_rust() -> Callable[[Path], loaders.Shown]:
    """What TensorBoard's data server shows of a log directory."""
    return loaders.read_rust


@pytest.fixture(params=["python", "rust"])
def read_loader(request: pytest.FixtureRequest) -> Callable[[Path], loaders.Shown]:
    """Each of TensorBoard's two loaders in turn."""
    return {"python": loaders.read_python, "rust": loaders.read_rust}[request.param]


@pytest.fixture(params=["python", "rust"])
def open_loader(request: pytest.FixtureRequest) -> Callable[[Path], AbstractContextManager[Any]]:
    """Each of TensorBoard's two loaders in turn, for a plugin of TensorBoard to ask."""
    return {"python": loaders.python_loader, "rust": loaders.data_server}[request.param]
