"""Packing leaves out the padding, and nothing else."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sightline.hjepa.ragged import Ragged


@st.composite
def rectangles(draw: st.DrawFn, num_images: int = 3) -> Tensor:
    longest = draw(st.integers(1, 5))
    cells = draw(
        st.lists(st.booleans(), min_size=longest * num_images, max_size=longest * num_images)
    )
    return torch.tensor(cells).view(num_images, longest)


@given(valid_BM=rectangles())
def test_packing_undoes_padding(valid_BM: Tensor) -> None:
    ragged = Ragged.of(valid_BM)
    tokens = torch.arange(1.0, 1 + 2 * int(valid_BM.sum())).view(-1, 2)
    padded = ragged.pad(tokens)
    assert torch.equal(padded[valid_BM], tokens)
    assert (padded[~valid_BM] == 0).all()
    assert torch.equal(ragged.pack(padded), tokens)


@given(left=rectangles(), right=rectangles())
def test_two_rectangles_side_by_side_hold_the_tokens_of_both(left: Tensor, right: Tensor) -> None:
    first, second = Ragged.of(left), Ragged.of(right)
    tokens = torch.arange(1.0, 1 + len(first.slot_T) + len(second.slot_T))[:, None]
    both = first.beside(second)
    padded = both.pad(tokens)
    num_first = len(first.slot_T)
    expected = torch.cat([first.pad(tokens[:num_first]), second.pad(tokens[num_first:])], dim=1)
    assert torch.equal(padded, expected)
    assert torch.equal(both.valid_BM, torch.cat([left, right], dim=1))


def test_gradients_reach_every_token_once() -> None:
    ragged = Ragged.of(torch.tensor([[True, False], [True, True]]))
    tokens = torch.ones(3, 1, requires_grad=True)
    ragged.pad(tokens).sum().backward()
    assert tokens.grad is not None
    assert tokens.grad.flatten().tolist() == [1.0, 1.0, 1.0]
