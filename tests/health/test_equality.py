"""A live verdict equals the one from the files, finding by finding, whatever the series."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.catalogue import Limit
from sightline.health import (
    About,
    Band,
    Change,
    Deviations,
    Drift,
    Gain,
    Judge,
    NonFinite,
    OfFirst,
    OffPlan,
    Plan,
    Range,
    Related,
    StuckAt,
    Unless,
    Watch,
    judge,
)
from sightline.health.related import difference, share, standard_errors

PLAN = Plan(start=0.0, base=1.0, final=0.1, warmup_steps=5, total_steps=30)


def fresh_rules():
    def watch(name, tag, low=-math.inf, high=math.inf, **kwargs):
        return Watch(About(tag=tag, unit=name), Band(low=low, high=high), **kwargs)

    return [
        watch("band", "a", high=0.1, warmup_steps=1, patience=2),
        watch("scaled", "a", low=0.3, scale=3.0),
        watch("until", "a", low=0.2, until_step=9),
        Watch(About(tag="a"), NonFinite()),
        Watch(About(tag="a"), StuckAt(0.0), patience=2),
        Watch(About(tag="b"), StuckAt(0.0), transform=Change(), patience=2),
        watch("jump", "b", high=0.2, transform=Change(relative=True)),
        watch("spike", "a", high=3, transform=Deviations(4), warmup_steps=2),
        watch("rise", "b", high=5, transform=Drift("rising", 8, 5.0)),
        watch("overfit", "b", high=0.1, transform=Drift("rising", 4, 1.0, fine=(-math.inf, 0.1))),
        watch("plateau", "a", low=1, transform=Gain(6)),
        watch("flat", "b", low=1, transform=Range(3)),
        watch("first", "a", low=50, transform=OfFirst(), warmup_steps=3, patience=2),
        # Of these two tags most values are calm, and no rule is told of them.
        watch("first alone", "d", low=50, high=300, transform=OfFirst(), patience=2),
        watch("first, late", "d", low=80, transform=OfFirst(), warmup_steps=3),
        watch("calm", "e", low=0.1, high=0.3, scale=1 / 3, patience=2, warmup_steps=2),
        watch("calm until", "e", low=-1, until_step=7),
        Watch(About(tag="e"), NonFinite(), patience=2),
        Watch(About(tag="e"), StuckAt(0.1), patience=2),
        watch("plan", "a", low=-0.5, high=0.5, transform=OffPlan(PLAN), patience=2),
        Related(watch("share", "a", high=50), share, "b"),
        Related(watch("difference", "b", low=0, patience=2), difference, "c"),
        Related(watch("errors", "a", high=3), standard_errors, "c", Unless("b", 0.1)),
        Related(watch("unless", "c", low=0.2, patience=2), unless=Unless("a", 0.0)),
        Related(watch("related spike", "b", high=3, transform=Deviations(3)), share, "a"),
    ]


values = st.one_of(
    st.sampled_from([0.0, 0.1, 0.3, math.nan, math.inf, -math.inf, 1e39]),
    st.floats(width=64, min_value=-2, max_value=2),
    st.floats(width=64),
)
rows = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys("abcde", values)), max_size=40)


def as_files(run):
    """Columns as a file keeps them: each tag's own, in 32 bits."""
    columns = {}
    for step, row in enumerate(run, start=1):
        for tag, value in row.items():
            steps, column = columns.setdefault(tag, ([], []))
            steps.append(step)
            with np.errstate(over="ignore"):
                column.append(np.float32(value))
    return columns


def told(verdict):
    return repr((verdict.findings, verdict.unmeasured))  # NaN is not equal to itself


@settings(max_examples=150, deadline=None)
@given(rows)
def test_value_by_value_and_column_by_column_the_verdict_is_one(run):
    live = Judge(fresh_rules())
    for step, row in enumerate(run, start=1):
        live.update(step, row)
    assert told(judge(fresh_rules(), as_files(run))) == told(live.verdict())


@settings(max_examples=150, deadline=None)
@given(rows, rows, st.integers(0, 40), st.data())
def test_a_resumed_run_has_the_verdict_of_its_files(first, second, kept, data):
    kept = min(kept, len(first))
    live = Judge(fresh_rules())
    memory = None
    for step, row in enumerate(first, start=1):
        if step == kept + 1:
            memory = json.dumps(live.state_dict())
        # The tags of a step come in any order, and in several calls.
        for tag in data.draw(st.permutations(sorted(row))):
            live.update(step, {tag: row[tag]})
    resumed = Judge(fresh_rules())
    resumed.load_state_dict(json.loads(memory or json.dumps(live.state_dict())))
    for step, row in enumerate(second, start=kept + 1):
        resumed.update(step, row)
    assert told(judge(fresh_rules(), as_files(first[:kept] + second))) == told(resumed.verdict())


def test_a_limit_that_float32_rounds_up_is_not_crossed_live_alone():
    rules = [Watch(About(tag="a"), Band(low=0.3))]
    just_below = np.nextafter(0.3, 0)  # float32 rounds it to a value above 0.3
    assert judge(rules, {"a": ([1], [just_below])}).passed
    live = Judge([Watch(About(tag="a"), Band(low=0.3))])
    live.update(1, {"a": just_below})
    assert live.verdict().passed


@pytest.mark.parametrize("limit", [0.3, 1 / 3, 1e-9])
@pytest.mark.parametrize("scale", [1.0, 8.0, 100 / 63])
def test_what_is_passed_over_live_is_fine_in_the_file_too(limit, scale):
    values = limit / scale + limit * 1e-8 * np.arange(-20, 21)
    for value in values.tolist():
        live = Judge([Watch(About(tag="a"), Band(low=limit, high=2 * limit), scale=scale)])
        live.update(1, {"a": 1.5 * limit / scale})
        live.update(2, {"a": value})
        filed = judge(
            [Watch(About(tag="a"), Band(low=limit, high=2 * limit), scale=scale)],
            {"a": ([1, 2], [1.5 * limit / scale, value])},
        )
        assert told(filed) == told(live.verdict())


def test_a_limit_is_named_by_its_kind():
    assert Limit(high=1).kind == "band"
    assert Limit(high=1, name="leak").kind == "leak"
