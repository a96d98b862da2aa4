"""Every diagnostic runs on three array libraries and is compared with one slow twin."""

import importlib.util
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import torch

LIBRARIES = {"numpy": np.asarray, "torch": torch.asarray, "jax": jnp.asarray}


@pytest.fixture(params=LIBRARIES)
def arrays(request):
    """Turns a NumPy array into an array of the library under test."""
    return LIBRARIES[request.param]


@pytest.fixture(scope="session")
def twin():
    """The slow float64 twins."""
    path = Path(__file__).parents[1] / "references" / "diagnostics.py"
    spec = importlib.util.spec_from_file_location("references_diagnostics", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rng():
    return np.random.default_rng(7)
