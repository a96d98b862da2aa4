"""Cases whose answer can be worked out by hand, in double precision, to a millionth."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from sightline import diagnostics

NAN, INF = math.nan, math.inf
CROSS = np.vstack([np.eye(4), -np.eye(4)])  # isotropic: covariance 2/7 in all directions
AXES = 3 * np.eye(4)  # at right angles
DOUBLED = np.vstack([AXES, AXES])
SAME = np.tile([3.0, -4.0, 0.0, 12.0], (8, 1))
LINE = np.outer([-3.0, -1.0, 1.0, 3.0], np.ones(4))  # rank 1: variance 20/3 everywhere
AXIS = np.outer([-3.0, -1.0, 1.0, 3.0], np.eye(4)[0])
WIDE = np.eye(3, 8)  # fewer rows than columns: a triangle, two directions of equal spread
POWER = np.vstack([np.diag(np.arange(1.0, 9.0) ** -0.75), -np.diag(np.arange(1.0, 9.0) ** -0.75)])


def whitened():
    """Normal samples, with exactly the mean and the covariance of the distribution."""
    x = np.random.default_rng(1).standard_normal((40, 4))
    q, _ = np.linalg.qr(x - x.mean(axis=0))
    return q * 39**0.5


GAUSSIAN = whitened()
VIEWS = np.repeat(CROSS[:, None], 3, axis=1)
LINE_OF_VIEWS = np.repeat(AXIS[:, None], 3, axis=1)
MASK = np.array([[[1, 1, 0], [0, 0, 0]], [[1, 0, 0], [0, 0, 1]]], bool)
OTHER = np.array([[[0, 1, 1], [0, 0, 0]], [[0, 0, 0], [0, 0, 1]]], bool)
WEIGHTS = {"a.w": np.array([[3.0, 0.0], [0.0, 0.0]]), "a.b": np.array([4.0]), "b.w": np.ones(4)}
MOVED = {"a.w": np.array([[3.0, 0.5], [0.0, 0.0]]), "a.b": np.array([4.0]), "b.w": np.zeros(4)}
ZEROS = {name: 0 * weight for name, weight in WEIGHTS.items()}
SQUARED = {"w": np.array([[2.0, -2.0, 0.0, 0.0]]), "b.w": np.zeros((0, 3))}


def rank_me_of(*shares):
    """RankMe of shares, with the constant that it adds to each."""
    return math.exp(-sum((p + 1e-7) * math.log(p + 1e-7) for p in shares))


def sigreg_of_zeros(num_rows):
    normal = np.exp(-(np.linspace(-3, 3, 33) ** 2) / 2)
    return num_rows * np.trapezoid((1 - normal) ** 2 * normal, dx=3 / 16)


def mean_closeness(num_pairs, *, same=0, right=0, opposite=0):
    return math.log((same + right * math.exp(-4) + opposite * math.exp(-8)) / num_pairs)


CASES = {
    "effective_rank": [
        ((GAUSSIAN,), 4), ((CROSS,), 4), ((LINE,), 1), ((AXES,), 3), ((DOUBLED,), 3),
        ((SAME,), 0), ((WIDE,), 2), ((SAME[:1],), NAN),
    ],
    "rank_me": [
        ((GAUSSIAN,), rank_me_of(*[1 / 4] * 4)), ((CROSS,), rank_me_of(*[1 / 4] * 4)),
        ((LINE,), rank_me_of(1, 0, 0, 0)), ((AXES,), rank_me_of(*[1 / 4] * 4)),
        ((SAME,), rank_me_of(1, 0, 0, 0)), ((WIDE,), rank_me_of(*[1 / 3] * 3)),
        ((SAME[:1],), rank_me_of(1)), ((SAME[:0],), NAN), ((0 * SAME,), 0),
    ],
    "participation_ratio": [
        ((GAUSSIAN,), 4), ((CROSS,), 4), ((LINE,), 1), ((AXES,), 3), ((SAME,), 0), ((WIDE,), 2),
        ((CROSS * [3, 1, 1, 1],), 12**2 / 84), ((SAME[:1],), NAN),
    ],
    "stable_rank": [
        ((GAUSSIAN,), 4), ((CROSS,), 4), ((LINE,), 1), ((AXES,), 3), ((SAME,), 0), ((WIDE,), 2),
        ((CROSS * [3, 1, 1, 1],), 12 / 9), ((SAME[:1],), NAN),
    ],
    "alpha_req": [
        ((GAUSSIAN,), 0), ((CROSS,), 0), ((POWER,), 1.5), ((WIDE,), 0), ((LINE,), NAN),
        ((SAME,), NAN), ((DOUBLED,), 0),
    ],
    "spectral_quality": [
        ((CROSS,), [4, rank_me_of(*[1 / 4] * 4), 4, 4, 0]), ((SAME[:1] * NAN,), [NAN] * 5),
    ],
    "covariance_eigenvalues": [
        ((GAUSSIAN,), [1] * 4), ((CROSS,), [2 / 7] * 4), ((LINE,), [80 / 3, 0, 0, 0]),
        ((WIDE,), [0.5, 0.5, 0]), ((SAME,), [0] * 4),
    ],
    "std_per_dimension": [
        ((CROSS,), [0.5] * 4), ((AXIS,), [1, 0, 0, 0]), ((SAME,), [0] * 4),
        ((WIDE,), [2**0.5 / 3] * 3 + [0] * 5), ((SAME[:1],), [NAN] * 4),
    ],
    "mean_std": [
        ((CROSS,), 0.5), ((DOUBLED,), 3**0.5 / 4), ((AXIS,), 0.25), ((SAME,), 0),
        ((WIDE,), 2**0.5 / 8), ((SAME[:1],), NAN),
    ],
    "min_std": [
        ((CROSS,), 0.5), ((DOUBLED,), 3**0.5 / 4), ((AXIS,), 0), ((SAME,), 0), ((WIDE,), 0),
        ((SAME[:1],), NAN),
    ],
    "dead_dimensions": [
        ((CROSS,), 0), ((AXIS,), 0.75), ((SAME,), 1), ((WIDE,), 5 / 8), ((SAME[:1],), NAN),
    ],
    "feature_std": [
        ((GAUSSIAN,), (39 / 40) ** 0.5), ((CROSS,), 0.5), ((LINE,), 5**0.5),
        ((AXIS,), 5**0.5 / 4), ((SAME,), 0), ((SAME[:1],), NAN),
    ],
    "pairwise_similarity": [
        ((CROSS,), [-1 / 7, 0]), ((AXES,), [0, 0]), ((DOUBLED,), [1 / 7, 1]),
        ((LINE,), [-1 / 3, 1]), ((SAME,), [1, 1]), ((0 * SAME,), [0, 0]), ((SAME[:1],), [NAN] * 2),
    ],
    "pairwise_cosines": [((AXES,), [0] * 6), ((SAME[:3],), [1] * 3), ((SAME[:1],), [])],
    "cosine_similarity": [
        ((AXES, 2 * AXES), [1] * 4), ((AXES, AXES[::-1].copy()), [0] * 4),
        ((AXES, -AXES), [-1] * 4), ((AXES, 0 * AXES), [0] * 4),
        ((LINE[:2], np.eye(4)[:2]), [-0.5, -0.5]),
    ],
    "covariance_off_diagonal": [
        ((GAUSSIAN,), 0), ((CROSS,), 0), ((LINE,), 3 * (20 / 3) ** 2), ((SAME,), 0),
        ((WIDE,), 6 * (1 / 6) ** 2 / 8), ((SAME[:1],), NAN),
    ],
    "correlation_off_diagonal": [
        ((GAUSSIAN,), 0), ((CROSS,), 0), ((LINE,), 1), ((SAME,), 0),
        ((WIDE,), (6 * 0.5**2 / 56) ** 0.5), ((SAME[:1],), NAN),
    ],
    "variance_hinge": [
        ((GAUSSIAN,), 0), ((CROSS,), 1 - (2 / 7 + 1e-4) ** 0.5), ((SAME,), 0.99), ((LINE,), 0),
        ((SAME[:1],), NAN),
    ],
    "lidar": [
        ((VIEWS,), 4), ((LINE_OF_VIEWS,), 1), ((0 * VIEWS,), 0), ((VIEWS[:3],), 2),
        ((VIEWS[:, :1],), NAN),
    ],
    "alignment": [
        ((CROSS, 5 * CROSS), 0), ((AXES, AXES[::-1].copy()), 2), ((CROSS, -CROSS), 4),
        ((CROSS, 0 * CROSS), 1), ((CROSS[:0], CROSS[:0]), NAN),
    ],
    "uniformity": [
        ((CROSS,), mean_closeness(28, right=24, opposite=4)), ((AXES,), -4), ((WIDE,), -4),
        ((DOUBLED,), mean_closeness(28, same=4, right=24)), ((SAME,), 0), ((0 * SAME,), 0),
        ((LINE,), mean_closeness(6, same=2, opposite=4)), ((SAME[:1],), NAN),
    ],
    "linear_cka": [
        ((CROSS, CROSS[:, [1, 0, 3, 2]] * 7 + 1), 1), ((CROSS, CROSS[:, :1]), 0.5),
        ((CROSS[:, :1], CROSS[:, 1:2]), 0), ((WIDE, WIDE), 1), ((SAME, CROSS), 0),
        ((SAME[:1], SAME[:1]), NAN),
    ],
    "gram": [((AXES,), np.eye(4)), ((SAME[:2],), np.ones((2, 2))), ((0 * AXES,), np.zeros((4, 4)))],
    "gram_distance": [
        ((np.eye(4), np.eye(4)), 0), ((np.eye(4), -np.eye(4)), 1),
        ((np.eye(4), np.ones((4, 4))), 12**0.5 / 6), ((0 * AXES, 0 * AXES), 0),
    ],
    "sigreg": [((0 * CROSS, np.eye(4)), sigreg_of_zeros(8)), ((CROSS[:0], np.eye(4)), NAN)],
    "sigreg_loss": [((0 * CROSS, np.eye(4)), sigreg_of_zeros(8))],
    "clid": [((np.array([[0.0], [1.0], [3.0]]) * NAN,), [NAN, NAN])],
    "cluster_learnability": [((SAME,), 1), ((np.repeat(AXES, 9, axis=0),), 1), ((SAME[:1],), NAN)],
    "intrinsic_dimension": [
        # Ratios of distances 3/2, 2 and 3, of which the last is left out.
        (
            (np.array([[0.0], [1.0], [3.0]]),),
            (math.log(1.5) * math.log(1.5) + math.log(2) * math.log(3))
            / (math.log(1.5) ** 2 + math.log(2) ** 2),
        ),
        ((SAME,), NAN), ((AXES,), NAN),
    ],
    "feature_statistics": [
        ((CROSS,), [0, 0.5, -1, 1, 1]), ((LINE,), [0, 5**0.5, -3, 3, 4]),
        ((SAME[:1] * NAN,), [NAN] * 5), ((SAME[:0],), [NAN] * 5), ((0 * SAME,), [0] * 5),
    ],
    "prediction_agreement": [
        ((CROSS, CROSS), [1, 0, 1, 1, 0]), ((-CROSS, CROSS), [-1, 0, -1, -1, 4]),
        ((np.vstack([np.eye(4)] * 2), CROSS), [0, 1, -1, 1, 2]),
        ((SAME, SAME), [1, 0, 1, 1, NAN]), ((SAME[:0], SAME[:0]), [NAN] * 5),
    ],
    "agreement_by_position": [
        ((np.array([[[1.0, 0.5]], [[0.0, 0.9]]]), np.array([[[True, False]]] * 2)), [[0.5, NAN]]),
    ],
    "mask_ratio": [((MASK,), 4 / 12), ((MASK[:0],), NAN)],
    "patches_per_image": [((MASK,), 2), ((MASK[:0],), NAN)],
    "context_target_overlap": [
        ((MASK, OTHER), 2 / 3), ((MASK, ~MASK), 0), ((MASK, MASK & ~MASK), NAN),
    ],
    "context_kept_frac": [((MASK, MASK), 1), ((OTHER, MASK), 0.5), ((MASK, MASK & ~MASK), NAN)],
    "times_masked": [((MASK,), [[2, 1, 0], [0, 0, 1]])],
    "coverage_min_max_ratio": [
        ((np.array([[8.0, 4.0], [2.0, 6.0]]),), 0.25), ((np.zeros((2, 2)),), NAN),
    ],
    "repeated_frac": [((MASK,), 0), ((np.concatenate([MASK, MASK]),), 0.5), ((MASK[:0],), NAN)],
    "share_unchanged": [
        ((np.array([4, 5, 6, 7]), np.array([4, 5, 6, 7])), 1),
        ((np.array([4, 4, 4]), np.array([], int)), 1), ((np.array([4, 5, 6]), np.array([4])), 0),
        ((np.array([4]), np.array([], int)), 0),
    ],
    "seen_before": [((np.array([4, 5, 5, 6]), np.array([6, 7])), [False, False, True, True])],
    "contributions": [
        ((np.array([0.3, 0.1, 0.2]), np.array([1.0, 1.0, 0.5])), [60, 20, 20]),
        ((np.zeros(2), np.ones(2)), [NAN, NAN]),
    ],
    "global_norm": [((WEIGHTS,), 29**0.5), ((ZEROS,), 0)],
    "module_norms": [((WEIGHTS,), [5, 2]), ((ZEROS,), [0, 0])],
    "module_statistics": [
        ((SQUARED,), [[1, NAN], [2, NAN], [2**0.5, NAN], [8**0.5, 0], [0, 0]]),
        ((WEIGHTS,), [[1.4, 1], [4, 1], [(25 / 5 - 1.4**2) ** 0.5, 0], [5, 2], [0, 0]]),
    ],
    "layer_ratios": [((np.array([2.0, 4.0, 0.0, 1.0, 0.0, 0.0]),), [2, 0, INF, 0, NAN])],
    "signal_to_noise": [
        ((np.array([[1.0, 0.0], [3.0, 0.0]]),), 2**0.5), ((np.array([[1.0, -1.0]] * 3),), INF),
        ((np.array([[-1.0], [1.0]]),), 0), ((np.ones((1, 2)),), NAN), ((np.zeros((3, 2)),), NAN),
    ],
    "clipping_ratio": [
        ((np.array([4.0, 1.0, 0.0, INF]), np.array([1.0, 1.0, 0.0, 1.0])), [0.25, 1, 1, NAN]),
    ],
    "share_clipped": [
        ((np.array([1.0, 0.5, 1.0, NAN]),), 0.5), ((np.ones(3),), 0), ((np.ones(0),), NAN),
    ],
    "sample_coordinates": [(({"w": np.arange(4.0)},), [[0, 1, 2, 3]])],
    "update_to_weight": [
        ((WEIGHTS, MOVED), [0.1, 1]), ((WEIGHTS, WEIGHTS), [0, 0]), ((ZEROS, WEIGHTS), [NAN, NAN]),
    ],
    "update_rms": [((WEIGHTS, MOVED), (4.25 / 9) ** 0.5), ((WEIGHTS, WEIGHTS), 0)],
    "parameter_divergence": [
        ((WEIGHTS, MOVED), (4.25 / 29) ** 0.5), ((ZEROS, WEIGHTS), INF), ((ZEROS, ZEROS), NAN),
    ],
    "update_magnitude": [((WEIGHTS, MOVED), (4.25 / 29) ** 0.5), ((ZEROS, ZEROS), NAN)],
    "weight_cosine": [
        ((WEIGHTS, {name: 7 * x for name, x in WEIGHTS.items()}), 1), ((WEIGHTS, ZEROS), 0),
        ((WEIGHTS, MOVED), 25 / (29 * 25.25) ** 0.5),
    ],
}  # fmt: skip
EXAMPLES = [(name, *case) for name, cases in CASES.items() for case in cases]
ON_HOST = {
    "connected_blocks", "block_shapes", "block_overlap", "coverage", "loss_spike", "smoothness",
    "robust_slope", "spike_score", "trend", "val_train_ratio", "data_wait_share",
    "forward_backward_ratio", "model_flops_utilization", "peak_flops", "reachable_rank",
}  # fmt: skip
OF_THEIR_OWN = {  # no number of arrays alone; each has a module of tests
    "filter_normalized_directions", "loss_plane", "hardest_and_easiest", "mask_hashes", "remember",
}  # fmt: skip


@pytest.fixture(params=["numpy", "torch", "jax"])
def doubles(request):
    """Turns arrays into double precision of the library under test."""
    if request.param == "jax":
        with jax.enable_x64(True):
            yield jnp.asarray
    else:
        yield {"numpy": np.asarray, "torch": torch.asarray}[request.param]


def numbers(result):
    """All that a diagnostic returns, without names, as nested lists."""
    if isinstance(result, dict):
        return [np.asarray(array).tolist() for array in result.values()]
    if not isinstance(result, tuple):
        return np.asarray(result).tolist()
    fields = [np.asarray(field).tolist() for field in result if not isinstance(field, tuple)]
    return fields[0] if len(fields) == 1 else fields


@pytest.mark.parametrize(
    ("name", "arguments", "expected"), EXAMPLES, ids=[example[0] for example in EXAMPLES]
)
def test_the_answer_is_the_one_worked_out_by_hand(doubles, name, arguments, expected):
    given = [
        {key: doubles(array) for key, array in argument.items()}
        if isinstance(argument, dict)
        else doubles(argument)
        for argument in arguments
    ]
    found = np.array(numbers(getattr(diagnostics, name)(*given)), np.float64)
    np.testing.assert_allclose(found, np.asarray(expected, np.float64), rtol=1e-6, atol=1e-6)


def test_every_public_function_has_an_answer_worked_out_by_hand():
    functions = {name for name in diagnostics.__all__ if name[0].islower()}
    assert functions - ON_HOST - OF_THEIR_OWN == set(CASES)
