"""A sweep's heads share a pass over the features, and nothing else."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sightline.training.probes import class_shares_split, linear_sweep
from sightline.training.probes import sweep as sweep_module
from tests.training.test_probes import blobs

TRAIN, TEST = blobs(120, spread=1.5, seed=1), blobs(200, spread=1.5, seed=2)
SQUARED = (TRAIN[0] ** 2, TEST[0] ** 2)


def swept(**options):
    train, test = (
        {"plain": TRAIN[0], "square": SQUARED[0]},
        {"plain": TEST[0], "square": SQUARED[1]},
    )
    return linear_sweep(train, TRAIN[1], test, TEST[1], **{"num_epochs": 3, **options})


def alone(name, rate):
    train, test = {"plain": (TRAIN[0], TEST[0]), "square": SQUARED}[name]
    one = linear_sweep(
        {name: train}, TRAIN[1], {name: test}, TEST[1], learning_rates=[rate], num_epochs=3
    )
    return one.heads[0]


def test_a_head_of_the_sweep_is_the_one_that_is_had_alone():
    heads = swept().heads
    assert len(heads) == 2 * 13
    assert len({head.selection_loss for head in heads}) == len(heads)
    for head in heads:
        single = alone(head.features, head.learning_rate)
        assert single.selection_loss == pytest.approx(head.selection_loss, abs=1e-5)
        assert single.accuracy == head.accuracy


def test_the_sweep_ends_at_the_optimum_of_logistic_regression(monkeypatch):
    made = []
    plain_heads = sweep_module._Heads

    def kept(*arguments):
        made.append(plain_heads(*arguments))
        return made[-1]

    monkeypatch.setattr(sweep_module, "_Heads", kept)
    whole = {"batch_size": 256, "num_epochs": 3000, "learning_rates": [0.3]}
    found = linear_sweep({"x": TRAIN[0]}, TRAIN[1], {"x": TEST[0]}, TEST[1], **whole)
    fit, selection = class_shares_split(TRAIN[1], share=0.1, seed=0)
    scale = StandardScaler().fit(TRAIN[0][fit])
    exact = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
    exact.fit(scale.transform(TRAIN[0][fit]), TRAIN[1][fit])
    weight_DC = made[0].weight_HDC[0].double().numpy()
    # Softmax does not change when all classes' weights are shifted alike.
    shifted_DC = weight_DC - weight_DC.mean(axis=1, keepdims=True)
    expected_DC = np.vstack([exact.coef_.T, exact.intercept_])
    assert np.abs(expected_DC).max() > 1
    np.testing.assert_allclose(shifted_DC, expected_DC, atol=2e-3)
    assert found.heads[0].accuracy == exact.score(scale.transform(TEST[0]), TEST[1])
    chance = exact.predict_proba(scale.transform(TRAIN[0][selection]))
    loss = -np.log(chance[np.arange(len(selection)), TRAIN[1][selection]]).mean()
    assert found.heads[0].selection_loss == pytest.approx(loss, abs=1e-4)


def test_the_best_head_is_chosen_without_the_test_samples():
    found = swept()
    wrong = linear_sweep(
        {"plain": TRAIN[0], "square": SQUARED[0]},
        TRAIN[1],
        {"plain": TEST[0], "square": SQUARED[1]},
        (TEST[1] + 1) % 4,  # the test says the opposite
        num_epochs=3,
    )
    one, other = found.best(), wrong.best()
    assert (one.features, one.learning_rate) == (other.features, other.learning_rate)
    assert one.accuracy > other.accuracy
    assert one.selection_accuracy == max(head.selection_accuracy for head in found.heads)
    assert found.best("square").features == "square"
    assert (found.num_fit, found.num_selection) == (108, 12)


def test_of_equally_accurate_heads_the_surer_one_is_chosen():
    train, test = blobs(80, spread=0.01, seed=1), blobs(40, spread=0.01, seed=2)
    found = linear_sweep({"x": train[0]}, train[1], {"x": test[0]}, test[1], num_epochs=20)
    equals = [head for head in found.heads if head.selection_accuracy == 1.0]
    assert len(equals) > 1
    assert found.best().selection_loss == min(head.selection_loss for head in equals)


def test_a_head_that_diverges_is_not_chosen():
    found = swept(learning_rates=[1e-2, 1e39], num_epochs=2)
    assert found.heads[1].selection_loss == np.inf
    assert found.best().learning_rate == 1e-2


def test_a_sweep_is_a_function_of_its_seed():
    assert swept(seed=3).heads == swept(seed=3).heads
    assert swept(seed=3).heads != swept(seed=4).heads


def test_scale_and_shift_of_features_do_not_matter_and_constant_ones_do_not_harm():
    moved = [np.hstack([x * 1e3 + 50, np.full((len(x), 1), 7.0)]) for x in (TRAIN[0], TEST[0])]
    plain = linear_sweep({"x": TRAIN[0]}, TRAIN[1], {"x": TEST[0]}, TEST[1], num_epochs=3)
    found = linear_sweep({"x": moved[0]}, TRAIN[1], {"x": moved[1]}, TEST[1], num_epochs=3)
    losses = [head.selection_loss for head in plain.heads]
    assert [head.selection_loss for head in found.heads] == pytest.approx(losses, abs=1e-4)


def test_labels_may_be_any_integers_and_an_unseen_one_is_an_error_of_the_head():
    names = np.array([-7, 90, 3, 12])
    named = linear_sweep({"x": TRAIN[0]}, names[TRAIN[1]], {"x": TEST[0]}, names[TEST[1]])
    plain = linear_sweep({"x": TRAIN[0]}, TRAIN[1], {"x": TEST[0]}, TEST[1])
    assert named.best("x").accuracy > 0.5
    assert plain.best("x").accuracy > 0.5
    strange = np.where(TEST[1] == 0, 55, names[TEST[1]])
    unseen = linear_sweep({"x": TRAIN[0]}, names[TRAIN[1]], {"x": TEST[0]}, strange)
    assert unseen.best().accuracy < named.best().accuracy


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_epochs": 0}, "num_epochs must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ],
)
def test_a_count_below_one_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        swept(**options)


def test_one_class_and_features_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="at least two classes, got one"):
        linear_sweep({"x": TRAIN[0]}, TRAIN[1] * 0, {"x": TEST[0]}, TEST[1])
    broken = TEST[0].copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"finite test features, got .* in 1 of 200"):
        linear_sweep({"x": TRAIN[0]}, TRAIN[1], {"x": broken}, TEST[1])
