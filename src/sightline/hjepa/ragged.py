"""Images with different numbers of tokens in one batch, without computing on padding.

Shape legend: B batch, M slots an image, T real tokens of the whole batch, D features.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Ragged(NamedTuple):
    """Where the tokens of a batch lie in a padded (B, M) rectangle.

    What works token by token (linear layers, norms) runs on the T packed tokens; only attention,
    which needs the tokens of an image side by side, sees the rectangle.

    Args:
        valid_BM: Whether a slot holds a token, bool.
        slot_T: Number of each token's slot in the flattened rectangle, int64.
    """

    valid_BM: Tensor
    slot_T: Tensor

    @classmethod
    def of(cls, valid_BM: Tensor) -> Ragged:
        """Find the tokens of a rectangle.

        Args:
            valid_BM: Whether a slot holds a token, bool. Keep it on the host: T is read from it.

        Returns:
            Their places.
        """
        return cls(valid_BM, true_places(valid_BM))

    @classmethod
    def of_lengths(cls, length_B: Tensor) -> Ragged:
        """The rectangle that holds images of known numbers of tokens, each from the left.

        Args:
            length_B: Tokens of each image, int32 or int64. Keep it on the host: M is read from it.

        Returns:
            The places of their tokens.
        """
        longest = int(length_B.max())
        # Rows of a table are copied many times as fast as numbers are compared.
        is_below_LM = torch.arange(longest) < torch.arange(longest + 1)[:, None]
        return cls.of(is_below_LM.index_select(0, length_B))

    @property
    def image_T(self) -> Tensor:
        """Number of each token's image, int64."""
        return self.slot_T // self.valid_BM.shape[1]

    def pack(self, x_BMD: Tensor) -> Tensor:
        """Leave out the padding.

        Args:
            x_BMD: The rectangle.

        Returns:
            The tokens, (T, D).
        """
        return x_BMD.flatten(0, 1).index_select(0, self.slot_T)

    def pad(self, x_TD: Tensor) -> Tensor:
        """Put tokens into their slots.

        Args:
            x_TD: The tokens.

        Returns:
            The rectangle, (B, M, D), zero where there is no token.
        """
        x_SD = x_TD.new_zeros(self.valid_BM.numel(), x_TD.shape[-1])
        return x_SD.index_copy(0, self.slot_T, x_TD).unflatten(0, self.valid_BM.shape)

    def beside(self, other: Ragged, most: int) -> Ragged:
        """The places in a rectangle where the tokens of two stand side by side, without a gap.

        Args:
            other: Places of the tokens that stand to the right, for the same B images.
            most: A bound on the tokens that an image has in both, so that none need be read.

        Returns:
            The places of the left one's tokens, then those of the right one's.
        """
        longest = min(self.valid_BM.shape[1] + other.valid_BM.shape[1], most)
        left_B, right_B = self.valid_BM.sum(dim=1), other.valid_BM.sum(dim=1)
        slot_T = torch.cat([
            self._rank(left_B) + self.image_T * longest,
            other._rank(right_B) + other.image_T * longest + left_B[other.image_T],
        ])
        slots_M = torch.arange(longest, device=slot_T.device)
        return Ragged(slots_M < (left_B + right_B)[:, None], slot_T)

    def _rank(self, length_B: Tensor) -> Tensor:
        """How many tokens of its image come before each token."""
        begin_B = length_B.cumsum(0) - length_B
        return torch.arange(len(self.slot_T), device=length_B.device) - begin_B[self.image_T]

    def to(self, device: torch.device) -> Ragged:
        """Move to a device without waiting for it.

        Args:
            device: Where to.

        Returns:
            The same places there.
        """
        return Ragged(
            self.valid_BM.to(device, non_blocking=True), self.slot_T.to(device, non_blocking=True)
        )


def true_places(mask: Tensor) -> Tensor:
    """Where a mask on the host is true.

    Args:
        mask: Of any shape, bool.

    Returns:
        Places in the flattened mask, int64, in order.
    """
    return torch.from_numpy(np.flatnonzero(mask.numpy()))  # ten times as fast as `nonzero`
