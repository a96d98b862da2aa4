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


@given(left=rectangles(), right=rectangles(), spare=st.integers(0, 3))
def test_two_rectangles_side_by_side_hold_the_tokens_of_both_without_a_gap(
    left: Tensor, right: Tensor, spare: int
) -> None:
    first, second = Ragged.of(left), Ragged.of(right)
    tokens = torch.arange(1.0, 1 + len(first.slot_T) + len(second.slot_T))[:, None]
    most = int((left.sum(1) + right.sum(1)).max()) + spare
    both = first.beside(second, most)
    padded, num_first = both.pad(tokens)[..., 0], len(first.slot_T)
    parts = first.pad(tokens[:num_first])[..., 0], second.pad(tokens[num_first:])[..., 0]
    for image, row in enumerate(padded):
        expected = torch.cat([part[image][part[image] > 0] for part in parts])
        assert torch.equal(row[: len(expected)], expected)
        assert not row[len(expected) :].any()
    assert torch.equal(both.valid_BM, padded > 0)
    assert both.valid_BM.shape[1] == min(most, left.shape[1] + right.shape[1])
    assert torch.equal(both.pack(both.pad(tokens)), tokens)


@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_a_rectangle_of_known_lengths_is_filled_from_the_left(lengths: list[int]) -> None:
    ragged = Ragged.of_lengths(torch.tensor(lengths))
    assert ragged.valid_BM.sum(dim=1).tolist() == lengths
    assert ragged.valid_BM.shape == (len(lengths), max(lengths))
    assert (ragged.valid_BM[:, 1:] <= ragged.valid_BM[:, :-1]).all()
    assert torch.equal(ragged.slot_T, ragged.valid_BM.flatten().nonzero().flatten())


def test_gradients_reach_every_token_once() -> None:
    ragged = Ragged.of(torch.tensor([[True, False], [True, True]]))
    tokens = torch.ones(3, 1, requires_grad=True)
    ragged.pad(tokens).sum().backward()
    assert tokens.grad is not None
    assert tokens.grad.flatten().tolist() == [1.0, 1.0, 1.0]
