from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.pr_curve import summary as theirs
from tensorboard.util import tensor_util

from sightline.events import pr_curve
from tests.references import pr_curves as reference

# Weights in eighths, so that sums in any order are exact.
examples = st.lists(
    st.tuples(st.booleans(), st.floats(0, 1), st.integers(1, 80).map(lambda n: n / 8)), min_size=1
)


@given(examples, st.integers(2, 40))
def test_counts_are_those_of_going_through_the_examples(
    examples: list[tuple[bool, float, float]], num_thresholds: int
) -> None:
    labels, scores, weights = zip(*examples, strict=True)
    np.testing.assert_allclose(
        pr_curve(labels, scores, num_thresholds, weights),
        reference.pr_curve(labels, scores, num_thresholds, weights),
        rtol=1e-12,
    )


@pytest.mark.parametrize("num_thresholds", [2, 11, 127])
def test_a_score_at_a_threshold_reaches_it(num_thresholds: int) -> None:
    scores = np.arange(num_thresholds) / (num_thresholds - 1)
    curve = pr_curve(np.ones(num_thresholds), scores, num_thresholds)
    np.testing.assert_array_equal(curve[0], np.arange(num_thresholds, 0, -1))


def test_a_perfect_classifier_is_precise_at_every_recall() -> None:
    curve = pr_curve([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], num_thresholds=11)
    assert curve[4, 3:9].tolist() == [1.0] * 6
    assert curve[5, 3:9].tolist() == [1.0] * 6


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_divides_by_nothing(label: int) -> None:
    curve = pr_curve(np.full(3, label), [0.0, 0.5, 1.0], num_thresholds=3)
    assert np.isfinite(curve).all()
    assert curve[4].tolist() == [float(label)] * 3


def test_tensorboards_own_summary_has_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks TensorFlow, which is not here, for nothing but these messages of TensorBoard's."""
    messages = SimpleNamespace(
        Summary=Summary,
        SummaryMetadata=SummaryMetadata,
        make_tensor_proto=tensor_util.make_tensor_proto,
        float32=np.float32,
    )
    compat = SimpleNamespace(v1=messages)
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(compat=compat))
    monkeypatch.setitem(sys.modules, "tensorflow.compat", compat)
    monkeypatch.setitem(sys.modules, "tensorflow.compat.v1", messages)
    generator = np.random.default_rng(0)
    labels, scores = generator.random(500) < 0.3, generator.random(500)
    weights = generator.integers(1, 9, 500) / 8
    (value,) = theirs.pb("p", labels, scores, num_thresholds=127, weights=weights).value
    ours = pr_curve(labels, scores, 127, weights)
    np.testing.assert_array_equal(tensor_util.make_ndarray(value.tensor), ours.astype(np.float32))
