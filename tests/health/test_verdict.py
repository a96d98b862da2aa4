import math

import pytest

from sightline.health import About, Band, Judge, Level, NonFinite, Watch, judge


def fresh_rules():
    return [
        Watch(About(tag="a"), Band(high=0.1), warmup_steps=1, patience=2),
        Watch(About(tag="a", level=Level.ERROR), NonFinite()),
        Watch(About(tag="b"), Band(low=0.3)),
    ]


def test_a_new_finding_is_handed_out_once():
    judging = Judge([Watch(About(tag="a"), NonFinite())])
    assert judging.update(1, {"a": 1.0}) == ()
    assert [finding.first_step for finding in judging.update(2, {"a": math.nan})] == [2]
    assert judging.update(3, {"a": math.nan}) == ()
    assert judging.verdict().findings[0].last_step == 3


def test_the_worst_comes_first():
    run = {"a": ([2, 3], [9.0, math.nan]), "b": ([1], [0.0])}
    verdict = judge(fresh_rules(), run)
    assert [finding.level for finding in verdict.findings] == [Level.ERROR, Level.WARN]
    assert verdict.worst == Level.ERROR


def test_a_tag_without_any_value_is_named_and_not_passed_over():
    verdict = judge(fresh_rules(), {"a": ([1], [0.0]), "c": ([1], [0.0])})
    assert verdict.unmeasured == ("b",)
    assert verdict.passed
    assert verdict.worst is None


def test_only_warnings_and_errors_fail_a_run():
    note = Watch(About(tag="a", level=Level.INFO), Band(high=0.0))
    assert judge([note], {"a": ([1], [1.0])}).passed
    assert not judge(fresh_rules(), {"b": ([1], [0.0])}).passed


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([1, 2], [0.0]), "steps as values for a, got 2 and 1"),
        (([2, 2], [0.0, 0.0]), "expected rising steps for a"),
    ],
)
def test_a_series_that_cannot_be_one_is_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        judge(fresh_rules(), {"a": columns})


class Odd:
    """A rule of somebody else's, with nothing but the protocol."""

    tag = "a"

    def __init__(self):
        self.seen = []

    def update(self, step, value):
        self.seen.append((step, value))

    def verdict(self):
        return None


def test_a_rule_needs_no_more_than_the_protocol():
    live, filed = Odd(), Odd()
    judging = Judge([live])
    judging.update(1, {"a": 0.5})
    judging.update(2, {"a": 0.25})
    judge([filed], {"a": ([1, 2], [0.5, 0.25])})
    assert live.seen == filed.seen == [(1, 0.5), (2, 0.25)]
