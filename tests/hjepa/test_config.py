"""What a configuration of H-JEPA says by itself."""

from pathlib import Path

import pytest

from sightline.hjepa import HJEPAConfig
from sightline.hjepa.encoder import SIZES
from sightline.training import load_config
from sightline.training.config import flatten

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "hjepa").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_that_comes_along_is_valid(path):
    assert load_config(HJEPAConfig, path).model.num_hierarchies == 3


@pytest.mark.parametrize("size", SIZES)
def test_a_named_size_sets_width_depth_and_heads(size):
    model = load_config(HJEPAConfig, None, (f"model.size={size}",)).model
    assert (model.embed_dim, model.depth, model.num_heads) == SIZES[size]


def test_a_size_and_another_width_is_a_contradiction():
    with pytest.raises(ValueError, match="expected embed_dim 192 with size tiny, got 64"):
        load_config(HJEPAConfig, None, ("model.size=tiny", "model.embed_dim=64"))


def test_a_resolved_size_is_the_same_once_more():
    config = load_config(HJEPAConfig, None, ("model.size=tiny",))
    assert HJEPAConfig.model_validate(config.model_dump()) == config
    assert flatten(config)["model.embed_dim"] == 192
