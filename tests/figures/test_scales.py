import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.figures import scales
from sightline.figures.style import new_figure


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.5, "-0.5"), (0.001, "0.001"), (0.0009999, "9.999e-4"), (1e-12, "1e-12"),
     (999.4, "999.4"), (999.9, "999.9"), (1000, "1k"), (999_999, "1M"), (2.5e9, "2.5G"),
     (1e15, "1e15"), (np.nan, "nan"), (np.inf, "inf")],
)  # fmt: skip
def test_numbers_are_written_short(value, text):
    assert scales.compact(value) == text


@given(st.floats(-1e18, 1e18, allow_subnormal=False))
def test_a_short_number_is_still_the_number(value):
    text = scales.compact(value)
    factor = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.get(text[-1], 1.0)
    assert float(text.rstrip("kMGT")) * factor == pytest.approx(value, rel=6e-4)


@given(st.floats(-12, 12), st.floats(0.7, 20))
def test_a_logarithmic_axis_has_a_few_round_numbers_in_view(low, decades):
    axes = new_figure(300).add_axes((0.1, 0.1, 0.8, 0.8))
    scales.logarithmic(axes.yaxis, 10**low, 10 ** (low + decades))
    ticks = axes.yaxis.get_ticklocs()
    assert 2 <= len(ticks) <= 6
    assert min(ticks) >= 10**low
    assert max(ticks) <= 10 ** (low + decades)


@pytest.mark.parametrize(
    ("values", "scale"),
    [([1, 5], "log"), ([1, 4.9], "linear"), ([0, 100], "linear"), ([-1, 100], "linear"),
     ([1, 100, np.nan], "log"), ([np.nan], "linear"), ([], "linear")],
)  # fmt: skip
def test_an_axis_is_logarithmic_where_values_are_positive_and_far_apart(values, scale):
    axes = new_figure(300).add_axes((0.1, 0.1, 0.8, 0.8))
    scales.fit(axes.yaxis, np.array(values, float))
    assert axes.get_yscale() == scale
