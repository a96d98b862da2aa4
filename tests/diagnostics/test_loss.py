import math

import numpy as np
import pytest

from sightline.diagnostics import contributions


def shares(arrays, losses, weights):
    losses, weights = (arrays(np.array(values, np.float32)) for values in (losses, weights))
    return np.asarray(contributions(losses, weights)).tolist()


def test_the_shares_follow_loss_times_weight(arrays):
    assert shares(arrays, [1, 2, 4], [1, 0.5, 0.5]) == pytest.approx([25, 25, 50])


def test_the_shares_add_up_to_a_hundred(arrays, rng):
    assert sum(shares(arrays, rng.random(9), rng.random(9))) == pytest.approx(100.0, rel=1e-6)


def test_scaling_all_weights_changes_nothing(arrays):
    assert shares(arrays, [1, 3], [2, 2]) == pytest.approx(shares(arrays, [1, 3], [7, 7]))


def test_a_level_without_weight_contributes_nothing(arrays):
    assert shares(arrays, [5, 1], [0, 1]) == [0.0, 100.0]


@pytest.mark.parametrize("losses", [[0, 0], [math.nan, 1]])
def test_a_sum_that_cannot_be_shared_is_nan(arrays, losses):
    assert all(math.isnan(share) for share in shares(arrays, losses, [1, 1]))


def test_a_weight_that_is_missing_is_refused(arrays):
    with pytest.raises(ValueError, match="one weight a level"):
        shares(arrays, [1, 2, 3], [1, 2])
