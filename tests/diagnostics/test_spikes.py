import math

import numpy as np
import pytest

from sightline.diagnostics import (
    data_wait_share,
    forward_backward_ratio,
    loss_spike,
    model_flops_utilization,
    peak_flops,
    robust_slope,
    smoothness,
    spike_score,
    val_train_ratio,
)


def test_a_spike_is_measured_against_the_median():
    assert loss_spike(np.array([1.0, 2.0, 2.0, 9.0, math.nan])) == 4.5
    assert smoothness(np.array([1.0, 3.0, math.inf])) == 1.0


@pytest.mark.parametrize("window", [[], [math.nan], [0.0, 0.0], [-1.0, -2.0]])
def test_a_window_without_positive_losses_has_no_spike(window):
    assert math.isnan(loss_spike(np.array(window)))


def test_the_robust_slope_is_that_of_the_slow_twin(rng, twin):
    steps = np.sort(rng.choice(10_000, 60, replace=False))
    values = 3 - steps / 5_000 + 0.1 * rng.standard_normal(60)
    assert robust_slope(steps, values).slope == pytest.approx(twin.theil_sen(steps, values))


def test_a_straight_line_has_its_slope_and_no_error():
    line = robust_slope(np.arange(10, 20), 2.0 - 0.1 * np.arange(10))
    assert line.slope == pytest.approx(-100)
    assert line.error == pytest.approx(0, abs=1e-9)


def test_spikes_do_not_turn_the_slope(rng):
    steps = np.arange(100)
    values = steps / 1000 + 0.001 * rng.standard_normal(100)
    values[90:] += 50
    assert robust_slope(steps, values).slope == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_noise_rarely_passes_for_a_slope(rng, memory):
    passed = 0
    for _ in range(200):
        values = [rng.standard_normal()]
        for _ in range(99):
            noise = math.sqrt(1 - memory**2) * rng.standard_normal()
            values.append(memory * values[-1] + noise)
        line = robust_slope(np.arange(100), np.array(values))
        passed += abs(line.slope) > 3 * line.error
    assert passed <= 6


def test_the_error_is_the_spread_of_slopes_over_repeats(rng):
    lines = [robust_slope(np.arange(60), rng.standard_normal(60)) for _ in range(200)]
    spread = np.std([line.slope for line in lines])
    assert np.mean([line.error for line in lines]) == pytest.approx(spread, rel=0.3)


def test_too_little_for_a_slope_is_none():
    assert robust_slope(np.arange(3), np.arange(3)) is None
    assert robust_slope(np.full(9, 5), np.arange(9)) is None
    with pytest.raises(ValueError, match="give each value its step"):
        robust_slope(np.arange(3), np.arange(4))


def test_the_score_of_a_spike_is_in_deviations_of_normal_noise(rng):
    window = rng.standard_normal(20_001)
    assert spike_score(4.0, window) == pytest.approx(4.0, rel=0.05)
    assert spike_score(-4.0, window * 2) == pytest.approx(-2.0, rel=0.05)


def test_earlier_spikes_do_not_hide_a_new_one(rng):
    window = rng.standard_normal(50)
    window[:10] = 1e6
    assert spike_score(100.0, window) > 30


def test_scores_against_a_constant_or_nothing_are_defined():
    assert spike_score(1.0, np.ones(5)) == 0.0
    assert spike_score(2.0, np.ones(5)) == math.inf
    assert spike_score(0.0, np.ones(5)) == -math.inf
    assert math.isnan(spike_score(1.0, np.array([])))
    assert math.isnan(spike_score(math.nan, np.ones(5)))


def test_shares_and_ratios_of_nothing_are_nan():
    assert val_train_ratio(3.0, 2.0) == 1.5
    assert model_flops_utilization(5e12, 0.1, 100e12) == pytest.approx(0.5)
    assert data_wait_share(1.0, 4.0) == 0.25
    assert forward_backward_ratio(1.0, 2.0) == 0.5
    for function in (val_train_ratio, data_wait_share, forward_backward_ratio):
        assert math.isnan(function(1.0, 0.0))
    assert math.isnan(model_flops_utilization(1.0, 0.0, 1.0))


@pytest.mark.parametrize(
    ("name", "dtype", "tflops"),
    [
        ("NVIDIA A100-SXM4-40GB", "bfloat16", 312),
        ("NVIDIA A10", "float16", 125),
        ("NVIDIA L4", "bfloat16", 121),
        ("NVIDIA L40S", "bfloat16", 362),
        ("NVIDIA H100 PCIe", "bfloat16", 756),
        ("NVIDIA H100 80GB HBM3", "float32", 67),
        ("TPU v5 lite", "bfloat16", 197),
    ],
)
def test_devices_are_known_by_the_names_they_give_themselves(name, dtype, tflops):
    assert peak_flops(name, dtype) == pytest.approx(tflops * 1e12)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("NVIDIA A10G", "float16"),
        ("AMD EPYC", "float32"),
        ("Tesla T4", "bfloat16"),
        ("", "float32"),
    ],
)
def test_a_peak_that_is_not_known_is_none(name, dtype):
    assert peak_flops(name, dtype) is None
