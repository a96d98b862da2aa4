"""Gradients, updates and averages: what is measured on mappings of named tensors."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from sightline.diagnostics import (
    clipping_ratio,
    global_norm,
    layer_ratios,
    module_norms,
    module_statistics,
    parameter_divergence,
    sample_coordinates,
    share_clipped,
    signal_to_noise,
    update_magnitude,
    update_rms,
    update_to_weight,
    weight_cosine,
)

SHAPES = {"a.weight": (30, 20), "b.scale": (), "a.bias": (30,), "b.large": (70, 300)}


@pytest.fixture
def named(rng):
    return {name: rng.standard_normal(shape) + 0.3 for name, shape in SHAPES.items()}


def moved(arrays, tensors, change=lambda x: x):
    return {name: arrays(np.asarray(change(x), np.float32)) for name, x in tensors.items()}


def test_statistics_of_modules_are_those_of_the_slow_twin(arrays, twin, named):
    found = module_statistics(moved(arrays, named))
    assert found.names == ("a", "b")
    for column, module in enumerate(found.names):
        expected = twin.moments([x for name, x in named.items() if name.startswith(module)])
        got = [float(row[column]) for row in found[1:]]
        assert got == pytest.approx(expected, rel=2e-6)


def test_norms_alone_are_those_of_the_statistics(arrays, twin, named):
    tensors = moved(arrays, named)
    norms = np.asarray(module_norms(tensors).norm)
    np.testing.assert_allclose(norms, np.asarray(module_statistics(tensors).norm), rtol=1e-6)
    assert float(global_norm(tensors)) == pytest.approx(twin.length(named.values()), rel=1e-6)
    assert float(global_norm(tensors)) == pytest.approx(np.linalg.norm(norms), rel=1e-6)


def test_scaling_gradients_scales_their_statistics(arrays, named):
    one = module_statistics(moved(arrays, named))
    four = module_statistics(moved(arrays, named, lambda x: 4 * x))
    for before, after in zip(one[1:5], four[1:5], strict=True):
        np.testing.assert_allclose(np.asarray(after), 4 * np.asarray(before), rtol=1e-6)


def test_chunks_do_not_change_what_is_found(monkeypatch, named):
    from sightline.diagnostics import cached_moments

    whole = module_statistics(moved(torch.asarray, named))
    monkeypatch.setattr(cached_moments, "CHUNK", 7)
    monkeypatch.setattr(cached_moments, "SMALL", 3)
    for one, other in zip(
        whole[1:], module_statistics(moved(torch.asarray, named))[1:], strict=True
    ):
        torch.testing.assert_close(one, other)


def test_values_that_are_not_finite_are_counted_in_their_module(arrays, named):
    named["b.large"][3, :2] = math.nan, math.inf
    found = module_statistics(moved(arrays, named))
    assert np.asarray(found.num_nonfinite).tolist() == [0.0, 2.0]
    assert np.isfinite([float(row[0]) for row in found[1:]]).all()
    assert not np.isfinite([float(row[1]) for row in found[1:5]]).any()


def test_degenerate_modules_have_defined_statistics(arrays):
    tensors = {"zero.w": np.zeros((2, 2)), "same.w": np.full(5, 2.0), "none.w": np.zeros((0, 3))}
    found = module_statistics(moved(arrays, tensors))
    assert [float(row[0]) for row in found[1:]] == [0.0] * 5
    assert [float(row[1]) for row in found[1:4]] == [2.0, 2.0, 0.0]
    assert [math.isnan(float(row[2])) for row in found[1:]] == [True, True, True, False, False]


def test_statistics_run_inside_jit_and_read_nothing_of_a_device(named):
    tensors = moved(jnp.asarray, named)
    inside = jax.jit(lambda x: module_statistics(x)[1:])(tensors)
    np.testing.assert_allclose(inside, module_statistics(tensors)[1:], rtol=1e-5)
    meta = {name: torch.empty(shape, device="meta") for name, shape in SHAPES.items()}
    assert {row.device.type for row in module_statistics(meta)[1:]} == {"meta"}
    for function in (parameter_divergence, weight_cosine, update_rms):
        assert function(meta, meta).device.type == "meta"
    assert update_to_weight(meta, meta).ratio.device.type == "meta"


def test_gradients_of_half_precision_are_measured_in_float32(named):
    half = {name: torch.asarray(x).bfloat16() for name, x in named.items()}
    full = {name: x.float() for name, x in half.items()}
    for one, other in zip(module_statistics(half)[1:], module_statistics(full)[1:], strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other)


def test_no_gradients_at_all_are_refused():
    for function in (module_statistics, module_norms, global_norm, sample_coordinates):
        with pytest.raises(ValueError, match="before zero_grad"):
            function({})


def test_ratios_of_layers_compare_neighbours(arrays):
    ratios = layer_ratios(arrays(np.array([2.0, 4.0, 0.0, 1.0, 0.0, 0.0], np.float32)))
    assert np.asarray(ratios).tolist() == pytest.approx([2, 0, math.inf, 0, math.nan], nan_ok=True)
    assert layer_ratios(arrays(np.ones(1, np.float32))).shape == (0,)
    with pytest.raises(ValueError, match="one norm a block"):
        layer_ratios(arrays(np.ones((2, 2))))


def test_signal_to_noise_is_that_of_the_slow_twin(arrays, twin, rng):
    window = rng.standard_normal((20, 50)) + 0.5
    found = float(signal_to_noise(arrays(window.astype(np.float32))))
    assert found == pytest.approx(twin.signal_to_noise(window), rel=1e-5)
    noise = float(signal_to_noise(arrays(rng.standard_normal((20, 5000)))))
    assert noise == pytest.approx(20**-0.5, rel=0.05)


def test_signal_to_noise_without_noise_or_readings_is_defined(arrays):
    assert float(signal_to_noise(arrays(np.ones((3, 4))))) == math.inf
    assert math.isnan(float(signal_to_noise(arrays(np.zeros((3, 4))))))
    assert math.isnan(float(signal_to_noise(arrays(np.ones((1, 4))))))


def test_sampled_coordinates_are_the_same_at_every_call_and_copies(arrays, named):
    one, other = (sample_coordinates(moved(arrays, named), per_module=64) for _ in range(2))
    assert list(one) == ["a", "b"]
    for name in one:
        assert 60 <= len(one[name]) <= 130
        np.testing.assert_array_equal(np.asarray(one[name]), np.asarray(other[name]))
    gradient = torch.zeros(100)
    sample = sample_coordinates({"w": gradient}, per_module=10)["w"]
    gradient += 1
    assert sample.sum() == 0


def test_sampled_coordinates_reach_all_columns():
    columns = np.tile(np.arange(16.0), (1600, 1))
    sample = sample_coordinates({"w": columns}, per_module=400)["w"]
    assert set(sample.tolist()) == set(range(16))


def test_clipping_is_what_it_left(arrays):
    before = arrays(np.array([4.0, 1.0, 0.0, math.inf], np.float32))
    after = arrays(np.array([1.0, 1.0, 0.0, 1.0], np.float32))
    ratios = clipping_ratio(before, after)
    assert np.asarray(ratios).tolist() == pytest.approx([0.25, 1, 1, math.nan], nan_ok=True)
    assert float(share_clipped(ratios)) == 0.5
    assert math.isnan(float(share_clipped(ratios[:0])))


def test_the_update_is_measured_by_module(arrays, twin, named):
    after = {name: x + 0.01 * np.cos(x) for name, x in named.items()}
    found = update_to_weight(moved(arrays, named), moved(arrays, after))
    for module, ratio in zip(found.names, np.asarray(found.ratio), strict=True):
        names = [name for name in named if name.startswith(module)]
        step = twin.length([after[name] - named[name] for name in names])
        assert ratio == pytest.approx(step / twin.length([named[n] for n in names]), rel=1e-4)
    size = sum(x.size for x in named.values())
    step = twin.length([after[name] - named[name] for name in named])
    found = float(update_rms(moved(arrays, named), moved(arrays, after)))
    assert found == pytest.approx(step / math.sqrt(size), rel=1e-4)


def test_an_update_from_zero_has_no_scale(arrays):
    zero, one = moved(arrays, {"w": np.zeros(3)}), moved(arrays, {"w": np.ones(3)})
    assert math.isnan(float(update_to_weight(zero, one).ratio[0]))
    assert float(update_to_weight(one, one).ratio[0]) == 0.0


def test_divergence_and_cosine_are_those_of_the_slow_twin(arrays, twin, named):
    other = {name: x + np.sin(x) for name, x in named.items()}
    pair = moved(arrays, named), moved(arrays, dict(reversed(other.items())))
    change = twin.length([other[name] - named[name] for name in named])
    expected = change / twin.length(named.values())
    assert float(parameter_divergence(*pair)) == pytest.approx(expected, rel=1e-6)
    assert float(update_magnitude(*pair)) == pytest.approx(expected, rel=1e-6)
    flat = [np.concatenate([x[name].ravel() for name in named]) for x in (named, other)]
    assert float(weight_cosine(*pair)) == pytest.approx(twin.cosine(*flat), rel=1e-6)


def test_averages_at_rest_and_of_zeros_are_defined(arrays, named):
    tensors = moved(arrays, named)
    zeros = moved(arrays, named, np.zeros_like)
    assert float(parameter_divergence(tensors, tensors)) == 0.0
    assert float(weight_cosine(tensors, tensors)) == pytest.approx(1.0, abs=1e-6)
    assert float(parameter_divergence(zeros, tensors)) == math.inf
    assert math.isnan(float(parameter_divergence(zeros, zeros)))
    assert float(weight_cosine(zeros, tensors)) == 0.0


@pytest.mark.parametrize(
    "function",
    [parameter_divergence, update_magnitude, weight_cosine, update_rms, update_to_weight],
)
def test_states_of_different_models_are_refused(function):
    one = {"w": np.ones(2)}
    with pytest.raises(ValueError, match="'v' in the second only"):
        function(one, {"w": np.ones(2), "v": np.ones(2)})
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        function(one, {"w": np.ones(3)})
