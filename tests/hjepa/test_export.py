"""What was exported gives the features of the encoder that it was made of."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from sightline.hjepa import HJEPAConfig, HJEPAModel, load_encoder
from sightline.hjepa.build import assemble
from sightline.hjepa.export import PixelType, export_format
from sightline.hjepa.pixels import Standardize
from sightline.training import load_config
from tests.hjepa.conftest import TINY

# torch's exporter asks torch for what it deprecates.
pytestmark = pytest.mark.filterwarnings(r"ignore:`isinstance\(treespec, LeafSpec\)`:FutureWarning")
PIXELS: tuple[PixelType, ...] = ("float32", "uint8")


def create(*overrides: str) -> HJEPAModel:
    torch.manual_seed(0)
    config = load_config(HJEPAConfig, None, (*TINY, *overrides))
    model = assemble(config, Standardize(torch.tensor([0.3]), torch.tensor([0.4])))
    with torch.no_grad():  # so that it matters which encoder is written
        model.context_encoder.norm.weight.mul_(2)
    return model


def draw_images(num: int, pixels: str = "float32", size: tuple[int, int] = (8, 8)) -> torch.Tensor:
    images = torch.randint(0, 256, (num, 1, *size), generator=torch.Generator().manual_seed(num))
    return images.to(torch.uint8) if pixels == "uint8" else images.float() / 255


def run_onnx(path: Path, images: torch.Tensor) -> dict[str, torch.Tensor]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found: Any = session.run(names, {"images": images.numpy()})
    return dict(zip(names, map(torch.from_numpy, found), strict=True))


def run_torch(path: Path, images: torch.Tensor) -> dict[str, torch.Tensor]:
    return torch.export.load(path).module()(images)


RUNNERS = {"pt2": run_torch, "onnx": run_onnx}


@pytest.mark.parametrize("positions", ["sincos", "rope"])
@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize("form", RUNNERS)
def test_a_graph_gives_the_features_of_any_number_of_images(
    tmp_path: Path, form: str, pixels: PixelType, positions: str
) -> None:
    model = create(f"model.positions={positions}", "model.activation_checkpointing=true")
    path = tmp_path / f"encoder.{form}"
    model.export(path, pixels=pixels)
    for num in (1, 5):
        images = draw_images(num, pixels)
        found = RUNNERS[form](path, images)
        expected = {
            "patch_features": model.extract_features(images, level=0),
            "features": model.extract_features(images),
        }
        assert found.keys() == expected.keys()
        for name, features in expected.items():
            assert found[name].shape == features.shape
            assert torch.allclose(found[name], features, atol=1e-4)
            assert not found[name].requires_grad


@pytest.mark.parametrize(
    "settings",
    [(), ("model.positions=rope", "model.layer_scale=0.1", "model.depth=2", "model.patch_size=4")],
)
def test_an_encoder_is_read_back_bit_for_bit(tmp_path: Path, settings: tuple[str, ...]) -> None:
    model = create(*settings, "model.num_hierarchies=1", "loss.hierarchy_weights=[1]")
    model.export(tmp_path / "encoder.safetensors")
    encoder = load_encoder(tmp_path / "encoder.safetensors")
    assert not encoder.training
    for size in ((8, 8), (16, 24)):
        images = draw_images(3, size=size)
        assert torch.equal(encoder(images), model.target_encoder(images))
    original = model.target_encoder.state_dict()
    assert encoder.state_dict().keys() == original.keys()


def test_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    model = create("model.target_encoder=shared", "loss.regularization.type=vicreg").train()
    model.export(tmp_path / "encoder.pt2")
    assert all(module.training for module in model.modules())
    assert all(weight.requires_grad for weight in model.parameters())


def test_an_unknown_ending_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in \.pt2, \.onnx or \.safetensors, got"):
        create().export(tmp_path / "encoder.pth")
    assert list(tmp_path.iterdir()) == []
    assert export_format("RUN/encoder.safetensors") == "safetensors"


def test_other_weights_and_damaged_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "encoder.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="expected an encoder that sightline exported at"):
        load_encoder(path)
    path.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"expected a whole \.safetensors file at"):
        load_encoder(path)
    with pytest.raises(FileNotFoundError):
        load_encoder(tmp_path / "none.safetensors")


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=rf"{package} is not .*sightline\[onnx\]"):
        create().export(tmp_path / "encoder.onnx")
    assert list(tmp_path.iterdir()) == []
