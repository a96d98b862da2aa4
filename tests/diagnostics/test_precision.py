"""What all diagnostics owe: 0-d results in place, in float32, under autocast, jit and autograd."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from sightline import diagnostics

MATRIX = {
    "effective_rank": diagnostics.effective_rank,
    "mean_std": diagnostics.mean_std,
    "min_std": diagnostics.min_std,
    "feature_std": diagnostics.feature_std,
    "mean_similarity": lambda x: diagnostics.pairwise_similarity(x).mean,
    "max_similarity": lambda x: diagnostics.pairwise_similarity(x).max,
    "cosine": lambda x: diagnostics.cosine_similarity(x[:-1], x[1:])[0],
    "dead_dimensions": diagnostics.dead_dimensions,
    "pairwise_cosine": lambda x: diagnostics.pairwise_cosines(x)[0],
    "covariance": diagnostics.covariance_off_diagonal,
    "correlation": diagnostics.correlation_off_diagonal,
    "variance_hinge": diagnostics.variance_hinge,
    "eigenvalue": lambda x: diagnostics.covariance_eigenvalues(x)[0],
    "rank_me": diagnostics.rank_me,
    "participation_ratio": diagnostics.participation_ratio,
    "stable_rank": diagnostics.stable_rank,
    "alpha_req": diagnostics.alpha_req,
    "spectral_quality": lambda x: diagnostics.spectral_quality(x).alpha_req,
    "lidar": lambda x: diagnostics.lidar(x.reshape(16, 4, 16)),
    "alignment": lambda x: diagnostics.alignment(x[:-1], x[1:]),
    "uniformity": diagnostics.uniformity,
    "cka_of_dimensions": lambda x: diagnostics.linear_cka(x, x[:, :4]),
    "cka_of_samples": lambda x: diagnostics.linear_cka(x[:4], x[4:8]),
    "gram": lambda x: diagnostics.gram(x)[0, 1],
    "gram_distance": lambda x: diagnostics.gram_distance(x[:16], x[16:32]),
    "sigreg": lambda x: diagnostics.sigreg(x, x[:8].T),
}
MASKS = {
    "ratio": diagnostics.mask_ratio,
    "patches": diagnostics.patches_per_image,
    "overlap": lambda m: diagnostics.context_target_overlap(m, m),
    "kept": lambda m: diagnostics.context_kept_frac(m, m),
    "coverage": lambda m: diagnostics.coverage_min_max_ratio(diagnostics.times_masked(m)),
    "repeated": diagnostics.repeated_frac,
}


@functools.cache
def features():
    return np.random.default_rng(3).standard_normal((64, 16)).astype(np.float32)


@pytest.mark.parametrize("name", MATRIX)
def test_torch_gets_a_0d_tensor_of_its_own_device_and_no_gradient(name):
    x = torch.tensor(features(), requires_grad=True)
    result = MATRIX[name](x)
    assert isinstance(result, torch.Tensor)
    assert (result.ndim, result.dtype, result.requires_grad) == (0, torch.float32, False)


@pytest.mark.parametrize("name", MATRIX)
def test_autocast_changes_nothing(name):
    x = torch.tensor(features())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = MATRIX[name](x)
    assert torch.equal(under_autocast, MATRIX[name](x))


@pytest.mark.parametrize("name", MATRIX)
def test_bfloat16_features_are_measured_in_float32(name):
    x = torch.tensor(features()).bfloat16()
    result = MATRIX[name](x)
    assert result.dtype == torch.float32
    assert torch.equal(result, MATRIX[name](x.float()))
    y = jnp.asarray(features()).astype(jnp.bfloat16)
    assert MATRIX[name](y).dtype == jnp.float32


@pytest.mark.parametrize("name", MATRIX)
def test_float64_features_are_measured_in_float64(name):
    assert MATRIX[name](features().astype(np.float64)).dtype == np.float64
    assert MATRIX[name](torch.tensor(features()).double()).dtype == torch.float64


@pytest.mark.parametrize("name", MATRIX)
def test_matrix_diagnostics_run_inside_jit(name):
    x = jnp.asarray(features())
    np.testing.assert_allclose(jax.jit(MATRIX[name])(x), MATRIX[name](x), rtol=1e-5)


@pytest.mark.parametrize("name", MASKS)
def test_mask_diagnostics_run_inside_jit(name):
    masks = jnp.asarray(features() > 0)
    np.testing.assert_allclose(jax.jit(MASKS[name])(masks), MASKS[name](masks), rtol=1e-6)


@pytest.mark.parametrize("name", MATRIX)
def test_no_value_of_torch_is_read_on_the_host(name):
    # A meta tensor has a shape and no values: reading one raises.
    result = MATRIX[name](torch.empty(64, 16, device="meta"))
    assert result.device.type == "meta"


@pytest.mark.parametrize("name", MASKS)
def test_no_mask_of_torch_is_read_on_the_host(name):
    result = MASKS[name](torch.empty(8, 4, 4, dtype=torch.bool, device="meta"))
    assert (result.device.type, result.ndim) == ("meta", 0)


def test_integers_are_measured_like_the_same_floats():
    x = (10 * features()).astype(np.int32)
    assert diagnostics.effective_rank(x) == diagnostics.effective_rank(x.astype(np.float32))
