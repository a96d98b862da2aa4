from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sightline.cli.sparkline import ASCII, BLOCKS, cell_means, sparkline


def test_points_are_averaged_in_equal_cells() -> None:
    assert cell_means(np.arange(12.0), 4).tolist() == [1.0, 4.0, 7.0, 10.0]
    assert cell_means(np.arange(3.0), 8).tolist() == [0.0, 1.0, 2.0]
    assert cell_means(np.empty(0), 8).tolist() == []


def test_a_cell_with_a_point_that_is_not_finite_is_a_gap() -> None:
    values = np.array([1, 1, np.nan, 1, 1, np.inf, 1, 1])
    assert sparkline(cell_means(values, 4)) == "▄!!▄"


def test_the_lowest_and_the_highest_mean_have_the_ends_of_the_alphabet() -> None:
    assert sparkline(np.arange(8.0)) == BLOCKS
    assert sparkline(np.arange(8.0)[::-1], ASCII) == ASCII[::-1]


def test_a_constant_is_a_line_in_the_middle() -> None:
    assert sparkline(np.full(3, 7.5)) == "▄▄▄"
    assert sparkline(np.zeros(1)) == "▄"


def test_a_curve_without_a_finite_value_is_all_gaps() -> None:
    assert sparkline(np.full(3, np.nan)) == "!!!"
    assert sparkline(np.empty(0)) == ""


def test_the_largest_numbers_do_not_overflow() -> None:
    values = np.array([-1.7e308, -1.7e308, 1.7e308, 1.7e308])
    assert sparkline(cell_means(values, 2)) == "▁█"


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6)), st.integers(1, 30))
def test_means_stay_within_their_points_and_none_is_lost(
    values: np.ndarray, num_cells: int
) -> None:
    means = cell_means(values, num_cells)
    assert len(means) == min(len(values), num_cells)
    assert means.min() >= values.min() - 1e-6
    assert means.max() <= values.max() + 1e-6
    sizes = np.diff([*(np.arange(len(means)) * len(values) // len(means)), len(values)])
    assert (means * sizes).sum() == pytest.approx(values.sum(), abs=1e-4)
