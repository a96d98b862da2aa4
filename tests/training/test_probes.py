import warnings

import numpy as np
import pytest

from sightline.training.probes import (
    bounded_draw,
    class_balanced_draw,
    class_shares_split,
    few_label_accuracies,
    few_label_accuracy,
    knn_accuracies,
    knn_accuracy,
    linear_probe_accuracy,
    probe,
    standard_error,
)
from tests.references import probes as reference


def blobs(num, *, spread, seed, num_classes=4, width=8, dtype=np.float64):
    """Points around one random centre for each class; the centres do not depend on the seed."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(num_classes, width))
    labels = np.arange(num) % num_classes
    points = centres[labels] + spread * rng.normal(size=(num, width))
    return points.astype(dtype), labels


@pytest.mark.parametrize("k", [1, 3, 20, 60])
@pytest.mark.parametrize("temperature", [0.07, 1.0, 2e-3])
def test_knn_agrees_with_the_slow_twin(k, temperature):
    train, test = blobs(60, spread=1.5, seed=1), blobs(41, spread=1.5, seed=2)
    expected = reference.knn_accuracy(*train, *test, k=k, temperature=temperature)
    assert 0.2 < expected < 1.0
    assert knn_accuracy(*train, *test, k=k, temperature=temperature) == expected


def test_knn_in_blocks_agrees_with_knn_at_once(monkeypatch):
    train, test = blobs(60, spread=1.5, seed=1), blobs(41, spread=1.5, seed=2)
    at_once = knn_accuracy(*train, *test)
    monkeypatch.setattr("sightline.training.probes.neighbours._SIMILARITIES_AT_ONCE", 7 * 60)
    assert knn_accuracy(*train, *test) == at_once


def test_knn_sees_direction_and_not_length():
    train, test = blobs(60, spread=1.0, seed=1), blobs(40, spread=1.0, seed=2)
    scale = np.random.default_rng(0).uniform(0.01, 100.0, size=(60, 1))
    assert knn_accuracy(train[0] * scale, train[1], *test) == knn_accuracy(*train, *test)


def test_a_closer_minority_outvotes_a_farther_majority():
    angles = np.array([0.0, 0.5, -0.5])
    train_x = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    train_y, test_x, test_y = np.array([1, 0, 0]), np.array([[1.0, 0.0]]), np.array([1])
    # exp(1 / 0.05) against 2 exp(cos(0.5) / 0.05): 4.9e8 against 8.4e7
    assert knn_accuracy(train_x, train_y, test_x, test_y, k=3, temperature=0.05) == 1.0
    assert knn_accuracy(train_x, train_y, test_x, test_y, k=3, temperature=1.0) == 0.0


def test_labels_may_be_any_integers_and_an_unseen_one_is_an_error_of_the_probe():
    train_x, test_x = np.eye(2), np.array([[1.0, 0.0], [0.0, 1.0]])
    assert knn_accuracy(train_x, np.array([-7, 90]), test_x, np.array([-7, 3]), k=1) == 0.5


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_separate_classes_are_recognised_in_every_precision(dtype):
    train = blobs(80, spread=0.05, seed=1, dtype=dtype)
    test = blobs(40, spread=0.05, seed=2, dtype=dtype)
    result = probe(*train, *test)
    assert (result.knn, result.linear, result.few_label) == (1.0, 1.0, 1.0)
    assert (result.num_train, result.num_test) == (80, 40)


@pytest.mark.parametrize("value", [0.0, 3.0, -1e6])
def test_constant_features_give_chance(value):
    train, test = blobs(80, spread=1.0, seed=1), blobs(40, spread=1.0, seed=2)
    result = probe(np.full_like(train[0], value), train[1], np.full_like(test[0], value), test[1])
    assert (result.knn, result.linear, result.few_label) == (0.25, 0.25, 0.25)


def test_random_features_give_chance_within_four_standard_errors():
    rng = np.random.default_rng(0)
    data = [blobs(num, spread=1.0, seed=3)[1] for num in (400, 1000)]
    result = probe(rng.normal(size=(400, 8)), data[0], rng.normal(size=(1000, 8)), data[1])
    for accuracy in (result.knn, result.linear, result.few_label):
        assert abs(accuracy - 0.25) < 4 * standard_error(0.25, 1000)


def test_the_linear_probe_does_not_depend_on_shift_and_scale_of_a_feature():
    train, test = blobs(80, spread=1.5, seed=1), blobs(200, spread=1.5, seed=2)
    scale, shift = 10.0 ** np.arange(-4, 4), np.arange(8) * 100.0
    moved = linear_probe_accuracy(
        train[0] * scale + shift, train[1], test[0] * scale + shift, test[1]
    )
    assert moved == linear_probe_accuracy(*train, *test)


def test_more_features_than_samples_converge_without_a_warning():
    rng = np.random.default_rng(0)
    train_x, labels = rng.normal(size=(30, 500)), np.arange(30) % 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert linear_probe_accuracy(train_x, labels, train_x, labels) == 1.0


def test_a_draw_has_the_same_number_of_each_class_and_no_sample_twice():
    labels = np.repeat([3, 1, 9], [50, 7, 20])
    rows = class_balanced_draw(labels, labels_per_class=7, seed=0)
    assert np.unique(labels[rows], return_counts=True)[1].tolist() == [7, 7, 7]
    assert len(set(rows.tolist())) == 21


def test_a_draw_is_a_function_of_its_seed():
    labels = np.arange(200) % 4
    draws = [class_balanced_draw(labels, labels_per_class=5, seed=seed) for seed in (0, 0, 1)]
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_the_few_label_probe_is_the_mean_of_linear_probes_on_draws():
    train, test = blobs(80, spread=1.5, seed=1), blobs(40, spread=1.5, seed=2)
    single = []
    for draw in range(4):
        rows = class_balanced_draw(train[1], labels_per_class=3, seed=(11, draw))
        single.append(linear_probe_accuracy(train[0][rows], train[1][rows], *test))
    assert len(set(single)) > 1
    got = few_label_accuracy(*train, *test, labels_per_class=3, num_draws=4, seed=11)
    assert got == pytest.approx(np.mean(single), abs=1e-15)


def test_few_labels_are_no_better_than_all():
    train, test = blobs(400, spread=1.5, seed=1), blobs(400, spread=1.5, seed=2)
    few, every = few_label_accuracy(*train, *test), linear_probe_accuracy(*train, *test)
    assert 0.25 < few < every


def test_the_standard_error_is_that_of_a_proportion():
    rng = np.random.default_rng(0)
    measured = rng.binomial(450, 0.9, size=20_000) / 450
    assert standard_error(0.9, 450) == pytest.approx(measured.std(), rel=0.02)
    assert standard_error(1.0, 10) == 0.0


@pytest.mark.parametrize("side", ["train", "test"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("function", [knn_accuracy, linear_probe_accuracy, few_label_accuracy])
def test_features_that_are_not_finite_are_refused(function, side, value):
    train, test = blobs(80, spread=1.0, seed=1), blobs(40, spread=1.0, seed=2)
    {"train": train, "test": test}[side][0][3, 2] = value
    with pytest.raises(ValueError, match=rf"finite {side} features, got .* in 1 of"):
        function(*train, *test)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a, b: knn_accuracy(*a, *b, k=81), "k must lie between 1 and the 80 .*, got 81"),
        (lambda a, b: knn_accuracy(*a, *b, k=0), "got 0"),
        (lambda a, b: knn_accuracy(*a, *b, temperature=0.0), "temperature must be above 0"),
        (lambda a, b: knn_accuracy(a[0][:, :5], a[1], *b), "one width, got 5 and 8"),
        (lambda a, b: knn_accuracy(a[0], a[1][:9], *b), r"got \(80, 8\) and \(9,\)"),
        (lambda a, b: knn_accuracy(a[0][:, None], a[1], *b), r"got \(80, 1, 8\)"),
        (lambda a, b: knn_accuracy(a[0][:0], a[1][:0], *b), r"got \(0, 8\)"),
        (lambda a, b: linear_probe_accuracy(a[0], a[1] * 0, *b), "two classes, got one"),
        (lambda a, b: few_label_accuracy(*a, *b, labels_per_class=21), "21 .*, got 20 of class 0"),
        (lambda a, b: few_label_accuracy(*a, *b, labels_per_class=0), "labels_per_class"),
        (lambda a, b: few_label_accuracy(*a, *b, num_draws=0), "num_draws must be at least 1"),
        (lambda a, b: standard_error(1.2, 10), "between 0 and 1, got 1.2"),
        (lambda a, b: standard_error(0.5, 0), "at least 1 test sample, got 0"),
    ],
)
def test_what_cannot_be_probed_is_refused_in_a_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call(blobs(80, spread=1.0, seed=1), blobs(40, spread=1.0, seed=2))


def test_a_temperature_near_zero_leaves_the_vote_to_the_nearest():
    train, test = blobs(60, spread=1.5, seed=1), blobs(41, spread=1.5, seed=2)
    assert knn_accuracy(*train, *test, temperature=1e-9) == knn_accuracy(*train, *test, k=1)


def test_several_numbers_of_neighbours_are_had_for_one_search():
    train, test = blobs(60, spread=1.5, seed=1), blobs(41, spread=1.5, seed=2)
    found = knn_accuracies(*train, *test, ks=(1, 60, 5))
    assert found == {k: knn_accuracy(*train, *test, k=k) for k in (1, 5, 60)}
    assert len(set(found.values())) == 3


def test_draws_of_few_labels_differ_and_their_mean_is_the_score():
    train, test = blobs(100, spread=1.5, seed=1), blobs(100, spread=1.5, seed=2)
    draws = few_label_accuracies(*train, *test, num_draws=3, seed=4)
    assert len(draws) == len(set(draws)) == 3
    assert few_label_accuracy(*train, *test, num_draws=3, seed=4) == pytest.approx(np.mean(draws))


def test_a_bounded_draw_takes_as_many_of_each_class_as_there_are():
    labels = np.random.default_rng(0).permutation(np.repeat([5, 1, 9], [100, 2, 50]))
    rows = bounded_draw(labels, 32, seed=1)
    assert np.unique(labels[rows], return_counts=True)[1].tolist() == [2, 15, 15]
    assert (np.diff(rows) > 0).all()
    assert rows.tolist() == bounded_draw(labels, 32, seed=1).tolist()
    assert rows.tolist() != bounded_draw(labels, 32, seed=2).tolist()
    assert bounded_draw(labels, 152, seed=0).tolist() == list(range(152))
    with pytest.raises(ValueError, match="max_samples must be at least 1, got 0"):
        bounded_draw(labels, 0, seed=0)


def test_a_split_by_class_shares_leaves_something_of_each_class_to_learn_from():
    labels = np.repeat([0, 1, 2], [40, 3, 1])
    first, second = class_shares_split(labels, share=0.1, seed=0)
    assert sorted([*first, *second]) == list(range(44))
    assert np.bincount(labels[second], minlength=3).tolist() == [4, 1, 0]
    assert set(labels[first]) == {0, 1, 2}
    assert class_shares_split(labels, share=0.1, seed=1)[1].tolist() != second.tolist()
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match="share must lie between 0 and 1"):
            class_shares_split(labels, share=share, seed=0)
    with pytest.raises(ValueError, match="one of each"):
        class_shares_split(np.arange(3), share=0.1, seed=0)
