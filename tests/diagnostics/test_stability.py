import math

import numpy as np
import pytest
from scipy.stats import linregress

from sightline.diagnostics import trend


def correlated(rng, num_points, memory):
    values = [rng.standard_normal()]
    for _ in range(num_points - 1):
        values.append(memory * values[-1] + math.sqrt(1 - memory**2) * rng.standard_normal())
    return np.array(values)


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_the_line_and_its_error_are_those_of_the_slow_twin(rng, twin, memory):
    steps = np.sort(rng.choice(10_000, 60, replace=False))
    values = 3 - steps / 5_000 + correlated(rng, 60, memory)
    line = trend(steps, values)
    slope, error = twin.line(steps, values)
    assert line.slope == pytest.approx(slope, rel=1e-9)
    assert line.slope_error == pytest.approx(error, rel=1e-9)
    level = np.abs(values).mean()
    assert line.change == pytest.approx(100 * slope * (steps[-1] - steps[0]) / level, rel=1e-9)
    assert line.change_error / line.change == pytest.approx(abs(error / slope), rel=1e-9) or (
        line.change < 0
    )


def test_without_memory_the_error_is_the_textbooks(rng):
    steps, values = np.arange(5.0), np.array([1.0, 3.0, 2.0, 5.0, 3.0])
    expected = linregress(steps, values)
    line = trend(steps, values)
    assert line.slope == pytest.approx(expected.slope)
    assert line.slope_error == pytest.approx(expected.stderr)


def test_a_straight_line_has_its_slope_and_no_error():
    line = trend(np.arange(10, 20), 2.0 - 0.1 * np.arange(10))
    assert line.slope == pytest.approx(-0.1)
    assert line.slope_error == pytest.approx(0, abs=1e-9)
    assert line.change == pytest.approx(100 * -0.9 / 1.55)
    assert line.direction == -1


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_noise_is_flat(rng, memory):
    steps = np.arange(400)
    verdicts = [trend(steps, 1 + correlated(rng, 400, memory)).direction for _ in range(200)]
    assert np.count_nonzero(verdicts) <= 4


def test_a_fall_within_noise_is_seen(rng):
    steps = np.arange(100)
    verdicts = [trend(steps, -steps / 50 + rng.standard_normal(100)).direction for _ in range(50)]
    assert verdicts.count(-1) >= 48
    assert 1 not in verdicts


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e300, 5e-324])
def test_a_constant_is_exactly_flat(constant):
    line = trend(np.arange(10), np.full(10, constant))
    assert (line.slope, line.slope_error, line.direction) == (0.0, 0.0, 0)


def test_units_of_steps_and_values_do_not_matter(rng):
    steps, values = np.arange(30), 1 - np.arange(30) / 60 + 0.1 * rng.standard_normal(30)
    line = trend(steps, values)
    for scale in (1e-300, 1e5, 1e300):
        other = trend(1_000_000_000_000 + steps * 1000, values * scale)
        assert other.change == pytest.approx(line.change)
        assert other.change_error == pytest.approx(line.change_error)
        assert other.slope == pytest.approx(line.slope * scale / 1000)


def test_the_order_of_points_does_not_matter(rng):
    steps, values = np.arange(30), correlated(rng, 30, 0.9)
    order = rng.permutation(30)
    assert trend(steps[order], values[order]) == pytest.approx(trend(steps, values))


def test_values_that_are_not_finite_are_left_out():
    values = np.array([0, np.nan, 2, 3, np.inf, 5, -np.inf, 7])
    assert trend(np.arange(8), values).slope == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("steps", "values"),
    [([], []), ([1, 2, 3], [1, 2, 3]), ([5] * 9, list(range(9))), (range(9), [math.nan] * 9)],
)
def test_too_little_for_a_line_is_none(steps, values):
    assert trend(np.array(steps), np.array(values, np.float64)) is None


def test_a_value_without_step_is_refused():
    with pytest.raises(ValueError, match="give each value its step"):
        trend(np.arange(3), np.arange(4))
