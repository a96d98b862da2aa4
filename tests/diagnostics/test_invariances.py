"""What moving all features alike changes and what it does not, as the docstrings say."""

import numpy as np
import pytest

from sightline import diagnostics as d

NOISE = np.random.default_rng(5)
X = NOISE.standard_normal((24, 5)) * [3.0, 1.0, 1.0, 0.5, 0.1] + 0.4
Y = X + 0.5 * NOISE.standard_normal(X.shape)
DIRECTIONS = NOISE.standard_normal((5, 8))
ROTATION, _ = np.linalg.qr(NOISE.standard_normal((5, 5)))
ORDER = NOISE.permutation(24)
MOVES = {
    "rotation": lambda x: x @ ROTATION,
    "scale": lambda x: 1e3 * x,
    "shift": lambda x: x + 2.0,
    "order": lambda x: x[ORDER],
}
ROTATED, SCALED, SHIFTED, SHUFFLED = MOVES
# Of x, or of x and y, which are moved alike: what leaves it as it is. All else must change it.
UNCHANGED = {
    "effective_rank": (d.effective_rank, {ROTATED, SCALED, SHIFTED, SHUFFLED}),
    "rank_me": (d.rank_me, {ROTATED, SCALED, SHUFFLED}),
    "participation_ratio": (d.participation_ratio, {ROTATED, SCALED, SHIFTED, SHUFFLED}),
    "stable_rank": (d.stable_rank, {ROTATED, SCALED, SHIFTED, SHUFFLED}),
    "alpha_req": (d.alpha_req, {ROTATED, SCALED, SHIFTED, SHUFFLED}),
    "eigenvalue": (lambda x: d.covariance_eigenvalues(x)[0], {ROTATED, SHIFTED, SHUFFLED}),
    "mean_std": (d.mean_std, {SCALED, SHUFFLED}),
    "min_std": (d.min_std, {SCALED, SHUFFLED}),
    "dead_dimensions": (lambda x: d.dead_dimensions(x, threshold=0.4), {SCALED, SHUFFLED}),
    "feature_std": (d.feature_std, {SHIFTED, SHUFFLED}),
    "mean_similarity": (lambda x: d.pairwise_similarity(x).mean, {ROTATED, SCALED, SHUFFLED}),
    "max_similarity": (lambda x: d.pairwise_similarity(x).max, {ROTATED, SCALED, SHUFFLED}),
    "covariance": (d.covariance_off_diagonal, {SHIFTED, SHUFFLED}),
    "correlation": (d.correlation_off_diagonal, {SCALED, SHIFTED, SHUFFLED}),
    "variance_hinge": (d.variance_hinge, {SHIFTED, SHUFFLED}),
    "uniformity": (d.uniformity, {ROTATED, SCALED, SHUFFLED}),
    # The order of the views of an image is the order of rows; here it mixes images.
    "lidar": (lambda x: d.lidar(x.reshape(6, 4, 5), delta=1.0), {ROTATED, SHIFTED}),
    "mean_norm": (lambda x: d.feature_statistics(x).norm, {ROTATED, SHUFFLED}),
    "all_values_std": (lambda x: d.feature_statistics(x).std, {SHIFTED, SHUFFLED}),
    "intrinsic_dimension": (d.intrinsic_dimension, {ROTATED, SCALED, SHIFTED, SHUFFLED}),
    "alignment": (d.alignment, {ROTATED, SCALED, SHUFFLED}),
    "linear_cka": (lambda x, y: d.linear_cka(x, y[:, :2]), {SCALED, SHIFTED, SHUFFLED}),
    "linear_cka_of_all": (d.linear_cka, {ROTATED, SCALED, SHIFTED, SHUFFLED}),
    "mean_cosine": (lambda x, y: d.prediction_agreement(x, y)[0], {ROTATED, SCALED, SHUFFLED}),
    "error": (lambda x, y: d.prediction_agreement(x, y)[4], {ROTATED, SCALED, SHIFTED, SHUFFLED}),
    "gram_distance": (
        lambda x, y: d.gram_distance(d.gram(x), d.gram(y)),
        {ROTATED, SCALED, SHUFFLED},
    ),
}  # fmt: skip
PAIRS = {"alignment", "linear_cka", "linear_cka_of_all", "mean_cosine", "error", "gram_distance"}


@pytest.mark.parametrize("name", UNCHANGED)
def test_the_moves_that_are_claimed_leave_it_and_the_others_do_not(arrays, name):
    measure, unchanged = UNCHANGED[name]
    features = [X, Y] if name in PAIRS else [X]

    def measured(move):
        return float(measure(*(arrays(move(x).astype(np.float32)) for x in features)))

    before = measured(lambda x: x)
    assert before != 0
    found = {move: measured(MOVES[move]) for move in MOVES}
    assert {m for m in MOVES if found[m] == pytest.approx(before, rel=3e-4)} == unchanged, found


def test_sigreg_follows_its_directions_in_a_rotation_and_feels_scale_and_shift(arrays):
    def measured(x, directions):
        single = (arrays(array.astype(np.float32)) for array in (x, directions))
        return float(d.sigreg(*single))

    before = measured(X, DIRECTIONS)
    assert measured(X @ ROTATION, ROTATION.T @ DIRECTIONS) == pytest.approx(before, rel=1e-4)
    assert measured(X[ORDER], 7 * DIRECTIONS) == pytest.approx(before, rel=1e-4)
    for move in (ROTATED, SCALED, SHIFTED):
        assert measured(MOVES[move](X), DIRECTIONS) != pytest.approx(before, rel=1e-2)
