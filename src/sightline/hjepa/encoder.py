"""The vision transformer that both encoders are.

Shape legend: B batch, C channels, H and W pixels, N patches, M chosen patches, T packed tokens,
D width, L blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from torch import Tensor, nn

from sightline.hjepa.block import Block, init_weights, run_blocks
from sightline.hjepa.pixels import Standardize
from sightline.hjepa.positions import Grid, PatchPositions, Positions
from sightline.hjepa.selection import Selection

Size = Literal["tiny", "small", "base", "large", "huge"]


class Sizes(NamedTuple):
    """The three numbers that the size of a vision transformer comes down to.

    Args:
        width: Embedding size D.
        depth: Transformer blocks.
        num_heads: Attention heads.
    """

    width: int
    depth: int
    num_heads: int


# Touvron et al. 2021, Training data-efficient image transformers (tiny, small); Dosovitskiy et al.
# 2021, An Image is Worth 16x16 Words (base, large, huge).
SIZES: dict[Size, Sizes] = {
    "tiny": Sizes(192, 12, 3),
    "small": Sizes(384, 12, 6),
    "base": Sizes(768, 12, 12),
    "large": Sizes(1024, 24, 16),
    "huge": Sizes(1280, 32, 16),
}


class VisionTransformer(nn.Module):
    """Images in, one feature vector a patch out; a patch not asked for costs its embedding.

    Images of another size than the one it is made for are taken, too, as long as patches tile them.

    Args:
        image_size: Pixels that it is made for, height and width or one number for both, multiples
            of `patch_size`.
        patch_size: Patch edge in pixels.
        standardize: Brings images to mean 0 and deviation 1; it knows the number of channels.
        width: Embedding size D.
        depth: Transformer blocks.
        num_heads: Attention heads; they divide D.
        mlp_ratio: Hidden over embedding size of the perceptrons.
        positions: How patches are told where they lie: `sincos` or `rope`.
        layer_scale: What the factors of the residual branches start from; None for none.
        is_checkpointed: Compute the blocks' insides again in the backward pass instead of keeping
            them.

    Raises:
        ValueError: If patches do not tile the image.

    Source: Dosovitskiy et al. 2021, An Image is Worth 16x16 Words.
    """

    def __init__(
        self,
        *,
        image_size: int | tuple[int, int],
        patch_size: int,
        standardize: Standardize,
        width: int,
        depth: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
        positions: Positions = "sincos",
        layer_scale: float | None = None,
        is_checkpointed: bool = False,
    ) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.grid_size = self.grid_of(
            *((image_size, image_size) if isinstance(image_size, int) else image_size)
        )
        self.width = width
        self.is_checkpointed = is_checkpointed
        self.standardize = standardize
        in_channels = len(standardize.mean_C11)
        self.patch_embed = nn.Conv2d(in_channels, width, patch_size, stride=patch_size)
        self.blocks = nn.ModuleList(
            Block(width, num_heads, mlp_ratio, layer_scale) for _ in range(depth)
        )
        self.positions = PatchPositions(positions, self.grid_size, width, num_heads)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        init_weights(self)

    def grid_of(self, height: int, width: int) -> Grid:
        """Patches that tile an image.

        Args:
            height: Of the image, in pixels.
            width: Likewise.

        Returns:
            Patches (rows, columns).

        Raises:
            ValueError: If patches do not tile the image.
        """
        size = self.patch_size
        for pixels in (height, width):
            if pixels % size:
                raise ValueError(
                    f"expected an image size that is a multiple of the patch size, got {pixels} "
                    f"and {size}: use {max(pixels // size, 1) * size}"
                )
        return height // size, width // size

    def forward(
        self,
        images_BCHW: Tensor,
        keep: Selection | None = None,
        gates_L2B: Tensor | None = None,
        depths: Sequence[int] | None = None,
    ) -> Tensor | list[Tensor]:
        """Encode the patches of each image.

        Args:
            images_BCHW: Images, uint8, or float in 0 .. 1.
            keep: The patches to encode; the others are dropped before the first block. None for
                all.
            gates_L2B: Factor of each branch of each block for each image, as `stochastic_depth`
                draws them; None for 1.
            depths: After how many blocks features are wanted, in any order; the deepest is the last
                block that is computed. None for the end alone.

        Returns:
            Features of shape (B, M, D) of the kept patches, or (B, N, D) of all, in raster order,
            through the final norm; a list of them where there are `depths`.
        """
        patches_BDHW = self.patch_embed(self.standardize(images_BCHW))
        embedding_ND, rotary = self.positions(self.grid_of(*images_BCHW.shape[-2:]))
        x = patches_BDHW.flatten(2).transpose(1, 2)
        if embedding_ND is not None:
            x = x + embedding_ND
        ragged = None
        if keep is not None:
            ragged = keep.ragged
            x = x.flatten(0, 1).index_select(0, keep.place_T)
            rotary = None if rotary is None else rotary.take(keep.index_T)
        ends = [len(self.blocks)]
        found: dict[int, Tensor] = {}
        for begin, end in pairwise([0, *sorted(set(depths or ends))]):
            x = run_blocks(
                self.blocks[begin:end],
                x,
                ragged,
                rotary,
                None if gates_L2B is None else gates_L2B[begin:end],
                is_checkpointed=self.is_checkpointed,
            )
            normed = self.norm(x)
            found[end] = normed if ragged is None else ragged.pad(normed)
        return found[ends[0]] if depths is None else [found[depth] for depth in depths]
