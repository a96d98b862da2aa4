from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

NUM_POINTS = 1_500


@pytest.fixture(scope="session")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log directory with one run of more points than TensorBoard shows by itself."""
    from torch.utils.tensorboard import SummaryWriter

    logs = tmp_path_factory.mktemp("runs")
    with SummaryWriter(logs / "digits") as writer:
        for step in range(NUM_POINTS):
            writer.add_scalar("loss/total", 1 / (1 + step), step)
        writer.add_image("masking/samples", np.zeros((3, 8, 8)), 0)
        writer.add_histogram("weights/head", np.arange(10.0), 0)
    return logs
