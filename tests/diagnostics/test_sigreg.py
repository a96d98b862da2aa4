import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from sightline.diagnostics import sigreg, sigreg_loss


@pytest.fixture
def directions(rng):
    return rng.standard_normal((6, 20)).astype(np.float32)


def test_it_agrees_with_the_slow_twin(arrays, twin, rng, directions):
    x = (2 * rng.standard_normal((30, 6)) + 0.5).astype(np.float32)
    expected = twin.sigreg(x, directions)
    assert float(sigreg(arrays(x), arrays(directions))) == pytest.approx(expected, rel=1e-5)


def test_standard_normal_samples_have_the_expected_value_at_any_size(rng):
    # E N |ecf - cf|^2 = 1 - exp(-t^2), integrated against exp(-t^2 / 2) over [-3, 3]
    t = np.linspace(-3, 3, 10_001)
    expected = np.trapezoid((1 - np.exp(-(t**2))) * np.exp(-(t**2) / 2), t)
    assert expected == pytest.approx(1.05, abs=0.01)
    for num_rows in (50, 500):
        draws = [
            float(sigreg(rng.standard_normal((num_rows, 32)), rng.standard_normal((32, 64))))
            for _ in range(20)
        ]
        assert np.mean(draws) == pytest.approx(expected, abs=0.15)


def test_all_features_at_zero_have_two_fifths_of_their_number(arrays, directions):
    zeros = arrays(np.zeros((100, 6), np.float32))
    assert float(sigreg(zeros, arrays(directions))) == pytest.approx(40.2, abs=0.1)


@pytest.mark.parametrize("scale", [0.1, 10.0])
def test_a_collapse_of_scale_is_seen_because_projections_are_not_standardised(
    arrays, rng, directions, scale
):
    x = rng.standard_normal((500, 6)).astype(np.float32)
    assert float(sigreg(arrays(x), arrays(directions))) < 3
    assert float(sigreg(arrays(np.float32(scale) * x), arrays(directions))) > 100


def test_a_shift_is_seen(arrays, rng, directions):
    x = rng.standard_normal((500, 6)).astype(np.float32) + 1
    assert float(sigreg(arrays(x), arrays(directions))) > 50


def test_the_length_of_directions_and_a_common_rotation_change_nothing(arrays, rng, directions):
    x = rng.standard_normal((40, 6))
    rotation, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    before = float(sigreg(arrays(x.astype(np.float32)), arrays(directions)))
    moved = arrays((x @ rotation).astype(np.float32))
    longer = arrays((rotation.T @ directions * rng.uniform(0.1, 9, 20)).astype(np.float32))
    assert float(sigreg(moved, longer)) == pytest.approx(before, rel=1e-4)


def test_no_rows_and_bad_values_are_nan(arrays, rng, directions):
    x = rng.standard_normal((8, 6)).astype(np.float32)
    a = arrays(directions)
    assert math.isnan(float(sigreg(arrays(x[:0]), a)))
    x[1, 1] = np.nan
    assert math.isnan(float(sigreg(arrays(x), a)))


def test_directions_of_another_width_are_refused(arrays, directions):
    with pytest.raises(ValueError, match=r"directions of shape \(5, K\)"):
        sigreg(arrays(np.ones((4, 5), np.float32)), arrays(directions))


def test_the_loss_is_the_diagnostic_with_gradients(rng, directions):
    x = torch.tensor(rng.standard_normal((8, 6)), requires_grad=True)
    a = torch.tensor(directions).double()
    assert torch.equal(sigreg_loss(x, a).detach(), sigreg(x, a))
    assert not sigreg(x, a).requires_grad
    assert torch.autograd.gradcheck(lambda x: sigreg_loss(x, a), x)


def test_descent_on_the_loss_undoes_a_collapse_of_scale(rng):
    x = torch.tensor(0.1 * rng.standard_normal((256, 4)), requires_grad=True)
    optimizer = torch.optim.Adam([x], lr=0.05)
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        directions = torch.randn(4, 16, generator=generator, dtype=torch.float64)
        optimizer.zero_grad()
        sigreg_loss(x, directions).backward()
        optimizer.step()
    assert 0.8 < float(x.detach().std()) < 1.2


def test_the_loss_keeps_float32_and_gradients_under_autocast(rng, directions):
    x = torch.tensor(rng.standard_normal((8, 6)), dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = sigreg_loss(x, torch.tensor(directions))
    assert loss.dtype == torch.float32
    loss.backward()
    assert bool(torch.isfinite(x.grad).all())


def test_jax_differentiates_through_the_loss(rng, directions):
    x = jnp.asarray(0.1 * rng.standard_normal((8, 6)))
    gradient = jax.jit(jax.grad(sigreg_loss))(x, jnp.asarray(directions))
    expected = torch.tensor(np.asarray(x), requires_grad=True)
    sigreg_loss(expected, torch.tensor(directions)).backward()
    np.testing.assert_allclose(np.asarray(gradient), expected.grad.numpy(), atol=1e-5)
