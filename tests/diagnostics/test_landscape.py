import numpy as np
import pytest
import torch

from sightline.diagnostics import filter_normalized_directions, loss_plane


@pytest.fixture
def weights(rng):
    return {
        "linear": rng.standard_normal((6, 4)).astype(np.float32),
        "conv": 100 * rng.standard_normal((3, 2, 3, 3)).astype(np.float32),
        "bias": rng.standard_normal(6).astype(np.float32),
        "scale": np.float32(2.0) * np.ones((), np.float32),
        "counts": np.ones((2, 2), np.int32),
    }


def directions_of(weights, arrays, **options):
    arrays_of = {name: arrays(array) for name, array in weights.items()}
    return filter_normalized_directions(arrays_of, generator=np.random.default_rng(3), **options)


def test_every_filter_is_as_long_as_that_filter_of_the_model(arrays, twin, weights):
    for direction in directions_of(weights, arrays):
        for name in ("linear", "conv"):
            np.testing.assert_allclose(
                twin.filter_lengths(np.asarray(direction[name])),
                twin.filter_lengths(weights[name]),
                rtol=1e-5,
            )


def test_biases_scales_and_counts_do_not_move(arrays, weights):
    for direction in directions_of(weights, arrays):
        for name in ("bias", "scale", "counts"):
            assert not np.asarray(direction[name]).any()
            assert np.asarray(direction[name]).dtype == weights[name].dtype


def test_the_filters_of_flax_lie_on_the_last_axis(arrays, weights):
    kernel = {"w": np.moveaxis(weights["conv"], 0, -1)}
    direction, _ = directions_of(kernel, arrays, output_axis=-1)
    lengths = np.linalg.norm(np.asarray(direction["w"]).reshape(-1, 3), axis=0)
    np.testing.assert_allclose(lengths, np.linalg.norm(kernel["w"].reshape(-1, 3), axis=0), 1e-5)


def test_the_two_directions_differ_and_a_seed_repeats_them_on_every_library(arrays, weights):
    first, second = directions_of(weights, arrays)
    assert not np.allclose(np.asarray(first["conv"]), np.asarray(second["conv"]))
    expected, _ = directions_of(weights, np.asarray)
    np.testing.assert_allclose(np.asarray(first["conv"]), expected["conv"], rtol=1e-5)


def test_a_filter_of_zeros_stays_zero_and_one_that_is_not_finite_is_nan(arrays):
    weights = {"w": np.array([[0.0, 0.0], [np.nan, 1.0], [3.0, 4.0]], np.float32)}
    direction = np.asarray(directions_of(weights, arrays)[0]["w"])
    assert not direction[0].any()
    assert np.isnan(direction[1]).all()
    assert np.linalg.norm(direction[2]) == pytest.approx(5.0)


def test_half_precision_parameters_get_directions_of_half_precision():
    weights = {"w": torch.ones(4, 4, dtype=torch.bfloat16)}
    direction, _ = filter_normalized_directions(weights, generator=np.random.default_rng(0))
    assert direction["w"].dtype == torch.bfloat16
    seen = []

    def loss_of(moved):
        seen.append(moved["w"].dtype)
        return 0.0

    loss_plane(loss_of, weights, (direction, direction), num_points=2)
    assert seen == [torch.bfloat16] * 4


def test_the_loss_of_a_quadratic_is_its_closed_form(arrays, rng):
    h = rng.standard_normal((5, 5))
    h = h @ h.T
    w, d, e = rng.standard_normal((3, 5))
    plane = loss_plane(
        lambda p: 0.5 * float(p["w"] @ arrays(h) @ p["w"]),
        {"w": arrays(w)},
        ({"w": arrays(d)}, {"w": arrays(e)}),
        extent=2.0,
        num_points=5,
    )
    assert plane.alphas_N.tolist() == plane.betas_N.tolist() == [-2, -1, 0, 1, 2]
    for i, alpha in enumerate(plane.alphas_N):
        for j, beta in enumerate(plane.betas_N):
            x = w + alpha * d + beta * e
            assert plane.losses_NN[i, j] == pytest.approx(0.5 * x @ h @ x, rel=1e-5)


def test_the_parameters_are_left_as_they_are_and_the_middle_is_exactly_they(arrays, weights):
    own = {name: arrays(array.copy()) for name, array in weights.items()}
    directions = filter_normalized_directions(own, generator=np.random.default_rng(0))
    seen = []
    plane = loss_plane(lambda p: seen.append(p) or 0.0, own, directions, extent=0.1, num_points=23)
    for name, array in weights.items():
        np.testing.assert_array_equal(np.asarray(own[name]), array)
        np.testing.assert_array_equal(np.asarray(seen[264][name]), array)
    assert not np.allclose(np.asarray(seen[0]["conv"]), weights["conv"])
    assert plane.alphas_N[11] == plane.betas_N[11] == 0.0


def test_torch_records_no_gradients_through_the_plane():
    layer = torch.nn.Linear(3, 2)
    parameters = dict(layer.named_parameters())
    directions = filter_normalized_directions(parameters, generator=np.random.default_rng(0))
    x = torch.ones(4, 3)

    def loss_of(moved):
        loss = torch.func.functional_call(layer, moved, (x,)).square().mean()
        assert not loss.requires_grad
        return loss

    plane = loss_plane(loss_of, parameters, directions, num_points=3)
    assert plane.losses_NN[1, 1] == pytest.approx(layer(x).square().mean().item(), rel=1e-6)
    assert np.isfinite(plane.losses_NN).all()


def test_a_loss_that_is_not_finite_stays_where_it_is():
    axes = {"w": np.array([1.0, 0.0])}, {"w": np.array([0.0, 1.0])}
    plane = loss_plane(
        lambda p: np.nan if p["w"][0] > 0 else 1.0, {"w": np.zeros(2)}, axes, num_points=3
    )
    assert np.isnan(plane.losses_NN[2]).all()
    assert plane.losses_NN[:2].tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize("options", [{"extent": 0.0}, {"num_points": 1}, {"extent": np.nan}])
def test_a_plane_without_an_area_is_refused(options):
    with pytest.raises(ValueError, match="the defaults are"):
        loss_plane(lambda p: 0.0, {"w": np.ones(2)}, ({}, {}), **options)


@pytest.mark.parametrize("direction", [{"v": np.ones(2)}, {"w": np.ones(3)}])
def test_a_direction_of_another_model_is_refused(direction):
    with pytest.raises(ValueError, match="make it from the same parameters"):
        loss_plane(lambda p: 0.0, {"w": np.ones(2)}, (direction, {}))
