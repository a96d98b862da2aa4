from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightline.logger import MetricsLogger

NUM_POINTS = 1_500


@pytest.fixture(scope="session")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log directory with one run of more points than TensorBoard shows by itself."""
    logs = tmp_path_factory.mktemp("runs")
    with MetricsLogger("digits", logs) as logger:
        for step in range(NUM_POINTS):
            logger.log_metrics({"loss/total": 1 / (1 + step)}, step=step)
        logger.log_image("masking/samples", np.zeros((8, 8, 3)), step=0)
        logger.log_histogram("weights/head", np.arange(10.0), step=0)
    return logs
