"""A trained encoder as one file: for PyTorch without this package, for ONNX, or for this package.

Shape legend: B batch, C channels, H and W pixels, N patches, D width.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sightline._optional import missing
from sightline.hjepa.block import Block, LayerScale
from sightline.hjepa.encoder import VisionTransformer
from sightline.hjepa.pixels import Standardize
from sightline.training.weights import load_weights

ExportFormat = Literal["pt2", "onnx", "safetensors"]
PixelType = Literal["float32", "uint8"]
SETTINGS = "sightline.encoder"  # key of the metadata under which the sizes of the encoder lie


class FeatureExtractor(nn.Module):
    """An encoder with named results, as it is written to a file.

    Args:
        encoder: The encoder.
    """

    def __init__(self, encoder: VisionTransformer) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Encode whole images.

        Args:
            images: Images of shape (B, C, H, W), uint8, or float in 0 .. 1, not standardised.

        Returns:
            `patch_features`, (B, rows, columns, D), and `features`, their mean, (B, D).
        """
        features_BND = self.encoder(images)
        grid = self.encoder.grid_of(*images.shape[-2:])
        return {
            "patch_features": features_BND.unflatten(1, grid),
            "features": features_BND.mean(dim=1),
        }


def export_format(path: str | Path) -> ExportFormat:
    """What the ending of a file asks for.

    Args:
        path: The file.

    Returns:
        The format.

    Raises:
        ValueError: If it is none of them.

    Example:
        >>> export_format("encoder.onnx")
        'onnx'
    """
    for known in get_args(ExportFormat):
        if Path(path).suffix == f".{known}":
            return known
    raise ValueError(
        f"expected a file that ends in .pt2, .onnx or .safetensors, got '{path}'; rename it"
    )


def export_encoder(
    encoder: VisionTransformer, path: str | Path, *, pixels: PixelType = "float32"
) -> None:
    """Write an encoder to a file; its ending says how.

    - `.pt2`: a graph that `torch.export.load(path).module()` runs, without this package.
    - `.onnx`: a graph for any ONNX runtime.
    - `.safetensors`: the weights and sizes, which `load_encoder` makes an encoder of.

    The graphs take any number of images of the size that the encoder is made for, standardise them
    and give `patch_features` of shape (B, rows, columns, D) and `features`, their mean, of shape
    (B, D). The encoder that is read back takes other image sizes, too.

    Args:
        encoder: The encoder; it is not changed.
        path: The file; one that is there is replaced.
        pixels: What a graph is fed with: `float32` in 0 .. 1, or `uint8`.

    Raises:
        ValueError: If the ending is not a known one.
        ModuleNotFoundError: If `.onnx` is asked for without the packages that it takes.
        FileNotFoundError: If there is no folder to write it to.
    """  # noqa: DOC502  what it calls raises it
    form, path = export_format(path), Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"expected a folder at '{path.parent}' to write {path.name} to, got none; make it first"
        )
    # A graph remembers its device and its weights' gradients; the copy has neither.
    encoder = copy.deepcopy(encoder).cpu().eval().requires_grad_(False)
    if form == "safetensors":
        save_file(encoder.state_dict(), path, {SETTINGS: json.dumps(_settings(encoder))})
        return
    rows, columns = encoder.grid_size
    height, width = rows * encoder.patch_size, columns * encoder.patch_size
    # Two images: a batch of one would be taken for a constant.
    images = torch.zeros(2, _channels(encoder), height, width, dtype=getattr(torch, pixels))
    batch = {"images": {0: torch.export.Dim("batch")}}
    program = torch.export.export(FeatureExtractor(encoder), (images,), dynamic_shapes=batch)
    if form == "pt2":
        torch.export.save(program, path)
    else:
        _write_onnx(program, path)


def load_encoder(path: str | Path) -> VisionTransformer:
    """Read an encoder that was exported to a `.safetensors` file.

    Args:
        path: The file.

    Returns:
        The encoder, on the CPU, in evaluation mode. It takes uint8 images, or float in 0 .. 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or holds something else.
    """  # noqa: DOC502  what it calls raises it
    try:
        with safe_open(path, "pt") as file:
            settings = json.loads((file.metadata() or {}).get(SETTINGS, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"expected a whole .safetensors file at '{path}', got a damaged one ({error}); "
            "export it again"
        ) from error
    if settings is None:
        raise ValueError(
            f"expected an encoder that sightline exported at '{path}', got other weights; write it "
            "by HJEPAModel.export"
        )
    channels = settings.pop("channels")
    unset = Standardize(torch.zeros(channels), torch.ones(channels))
    encoder = VisionTransformer(standardize=unset, **settings)
    load_weights(encoder, tensors, "encoder")
    return encoder.eval()


def _settings(encoder: VisionTransformer) -> dict[str, Any]:
    """Everything that an encoder of the same structure is made from."""
    block = encoder.blocks[0]
    assert isinstance(block, Block)
    first = block.mlp[0]
    assert isinstance(first, nn.Linear)
    return {
        "image_size": [cells * encoder.patch_size for cells in encoder.grid_size],
        "patch_size": encoder.patch_size,
        "width": encoder.width,
        "depth": len(encoder.blocks),
        "num_heads": block.num_heads,
        "mlp_ratio": first.out_features / encoder.width,
        "positions": encoder.positions.kind,
        "layer_scale": 1.0 if isinstance(block.scale1, LayerScale) else None,
        "channels": _channels(encoder),
    }


def _channels(encoder: VisionTransformer) -> int:
    return encoder.patch_embed.in_channels


def _write_onnx(program: torch.export.ExportedProgram, path: Path) -> None:
    try:
        import onnx  # noqa: F401  torch writes with both
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        missing(error.name or "onnx", "onnx")
    written = torch.onnx.export(
        program,
        input_names=["images"],
        output_names=["patch_features", "features"],
        dynamic_shapes={"images": {0: "batch"}},
        dynamo=True,
        verbose=False,
    )
    assert written is not None
    written.save(path)
