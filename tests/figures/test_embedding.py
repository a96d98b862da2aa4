import sys

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from sklearn.datasets import load_digits

from sightline.figures import plot_embedding

DIGITS, CLASSES = load_digits(return_X_y=True)
DIGITS, CLASSES = DIGITS[:60], CLASSES[:60]


def drawn(axes):
    links, targets, predictions = axes.collections
    return links.get_segments(), targets.get_offsets(), predictions.get_offsets()


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_every_prediction_is_linked_to_its_target(method):
    (axes,) = plot_embedding(DIGITS + 1.0, DIGITS, method=method).axes
    links, targets, predictions = drawn(axes)
    np.testing.assert_allclose(np.stack(links)[:, 0], predictions)
    np.testing.assert_allclose(np.stack(links)[:, 1], targets)
    assert len(targets) == 60


def test_points_of_a_plane_are_shown_as_they_lie():
    plane = np.random.default_rng(0).standard_normal((30, 2)) * [3, 1]
    rotation, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((8, 8)))
    x = np.pad(plane, ((0, 0), (0, 6))) @ rotation
    (axes,) = plot_embedding(x, x).axes
    _, targets, _ = drawn(axes)
    lengths = [np.linalg.norm(p[:, None] - p[None], axis=-1) for p in (plane, targets)]
    np.testing.assert_allclose(lengths[1] * lengths[0].max() / lengths[1].max(), lengths[0])
    assert axes.get_title(loc="right") == "100% of variance"


def test_classes_colour_both_the_prediction_and_its_target():
    figure = plot_embedding(DIGITS, DIGITS, labels=CLASSES)
    _, targets, predictions = figure.axes[0].collections
    colours = [to_hex(colour) for colour in targets.get_facecolor()]
    assert [to_hex(colour) for colour in predictions.get_edgecolor()] == colours
    assert len(set(colours)) == 10
    assert [text.get_text() for text in figure.legends[1].get_texts()] == list("0123456789")


def test_several_levels_stand_side_by_side():
    levels = [DIGITS, DIGITS[:20]]
    figure = plot_embedding(levels, levels, labels=[CLASSES, CLASSES[:20]], level=[1, 2])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["level 1, PCA", "level 2, PCA"]
    assert [len(drawn(axes)[1]) for axes in figure.axes] == [60, 20]
    assert figure.axes[0].get_position().y0 == figure.axes[1].get_position().y0


def test_of_many_rows_a_few_are_drawn_and_the_seed_says_which():
    def some(seed):
        return drawn(plot_embedding(DIGITS, DIGITS, max_points=20, seed=seed).axes[0])[1]

    assert len(some(0)) == 20
    assert np.array_equal(some(0), some(0))
    assert not np.array_equal(some(0), some(1))


def test_tensors_on_any_precision_are_taken_and_rows_that_are_not_finite_left_out():
    x = torch.tensor(DIGITS, dtype=torch.bfloat16, requires_grad=True)
    assert len(drawn(plot_embedding(x, x).axes[0])[1]) == 60
    spoiled = DIGITS.copy()
    spoiled[3, 5] = np.nan
    assert len(drawn(plot_embedding(spoiled, DIGITS).axes[0])[1]) == 59


def test_equal_rows_are_one_heap_and_said_to_be():
    (axes,) = plot_embedding(np.ones((9, 4)), np.ones((9, 4)), method="tsne").axes
    assert axes.get_title(loc="right") == "no spread"
    assert not drawn(axes)[1].any()


@pytest.mark.parametrize(("method", "package"), [("umap", "umap"), ("tsne", "sklearn.manifold")])
def test_a_missing_package_is_said_with_the_line_that_installs_it(monkeypatch, method, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install \"sightline\["):
        plot_embedding(DIGITS, DIGITS, method=method)


@pytest.mark.parametrize(
    ("arguments", "options", "hint"),
    [
        ((DIGITS, DIGITS[:5]), {}, "flatten tokens first"),
        ((DIGITS[0], DIGITS[0]), {}, "flatten tokens first"),
        ((DIGITS[:0], DIGITS[:0]), {}, "flatten tokens first"),
        ((DIGITS, DIGITS), {"labels": CLASSES[:5]}, "repeat an image's label"),
        (([DIGITS], [DIGITS, DIGITS]), {}, "pass one of each a level"),
        (([], []), {}, "pass one of each a level"),
        ((DIGITS, DIGITS), {"method": "mds"}, "expected pca, tsne or umap, got 'mds'"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_proposal(arguments, options, hint):
    with pytest.raises(ValueError, match=hint):
        plot_embedding(*arguments, **options)
