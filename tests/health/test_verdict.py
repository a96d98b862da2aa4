import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.health import Band, Judge, Level, NonFinite, Watch, judge


def fresh_rules():
    return [
        Watch(Band(tag="a", high=0.1, why="", remedy=""), warmup_steps=1, patience=2),
        Watch(NonFinite(tag="a")),
        Watch(Band(tag="b", low=0.3, why="", remedy="")),
    ]


values = st.floats(width=64, allow_nan=True, allow_infinity=True) | st.sampled_from([0.1, 0.3])


@given(st.lists(st.tuples(values, values), max_size=8))
def test_a_live_verdict_equals_the_one_from_the_files(run):
    live = Judge(fresh_rules())
    for step, (a, b) in enumerate(run):
        live.update(step, {"a": a, "b": b})
    steps = list(range(len(run)))
    with np.errstate(over="ignore"):
        columns = (
            np.array(run, np.float64).reshape(-1, 2).astype(np.float32)
        )  # as a file keeps them
    files = {"a": (steps, columns[:, 0]), "b": (steps, columns[:, 1])} if run else {}
    assert repr(judge(fresh_rules(), files)) == repr(live.verdict())  # NaN is not equal to itself


def test_a_limit_that_float32_rounds_up_is_not_crossed_live_alone():
    rules = [Watch(Band(tag="a", low=0.3, why="", remedy=""))]
    just_below = np.nextafter(0.3, 0)  # float32 rounds it to a value above 0.3
    assert judge(rules, {"a": ([1], [just_below])}).passed


def test_a_new_finding_is_handed_out_once():
    judging = Judge([Watch(NonFinite(tag="a"))])
    assert judging.update(1, {"a": 1.0}) == ()
    assert [finding.first_step for finding in judging.update(2, {"a": math.nan})] == [2]
    assert judging.update(3, {"a": math.nan}) == ()
    assert judging.verdict().findings[0].last_step == 3


def test_the_worst_comes_first():
    run = {"a": ([2, 3], [9.0, math.nan]), "b": ([1], [0.0])}
    levels = [finding.level for finding in judge(fresh_rules(), run).findings]
    assert levels == [Level.ERROR, Level.WARN]


def test_a_tag_without_any_value_is_named_and_not_passed_over():
    verdict = judge(fresh_rules(), {"a": ([1], [0.0]), "c": ([1], [0.0])})
    assert verdict.unmeasured == ("b",)
    assert verdict.passed


def test_only_warnings_and_errors_fail_a_run():
    note = Band(tag="a", high=0.0, why="", remedy="", level=Level.INFO)
    assert judge([Watch(note)], {"a": ([1], [1.0])}).passed
    assert not judge(fresh_rules(), {"b": ([1], [0.0])}).passed


def test_a_series_that_lost_a_value_is_refused():
    with pytest.raises(ValueError, match="steps as values for a, got 2 and 1"):
        judge(fresh_rules(), {"a": ([1, 2], [0.0])})
