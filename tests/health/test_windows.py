"""Every kind of limit fires on its planted series, and not on a healthy noisy one."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.catalogue import Limit, Row
from sightline.health import (
    Change,
    Deviations,
    Drift,
    Facts,
    Gain,
    Judge,
    OffPlan,
    Plan,
    Range,
    RuleBook,
    judge,
)
from sightline.health import book as book_module

NUM = 1_000
STEPS = np.arange(1, NUM + 1) * 10
NOISE = np.random.default_rng(0).standard_normal(NUM)
FALLING = 0.3 + 2.0 * np.exp(-np.arange(NUM) / 150)
HEALTHY = FALLING * (1 + 0.05 * NOISE)


def findings(limit, values, *, facts=None, monkeypatch, **others):
    """What one limit finds in one series, through the same way as those of the catalogue."""
    row = Row("a", "generic", "Tests", "always", "A series.", limits=(limit,))
    monkeypatch.setattr(book_module, "rows", lambda recipes: (row,))
    monkeypatch.setattr(book_module, "find", lambda tag, recipes: row if tag == row.tag else None)
    book = RuleBook(("generic",), facts or Facts(warmup_steps=500, settle_steps=5_000))
    series = {"a": (STEPS[: len(values)], values)}
    series |= {tag: (STEPS[: len(column)], column) for tag, column in others.items()}
    live = Judge(book)
    for index, step in enumerate(STEPS.tolist()):
        live.update(
            step, {tag: float(v[index]) for tag, (_, v) in series.items() if index < len(v)}
        )
    found = judge(book, series).findings
    assert repr(live.verdict().findings) == repr(found)
    return found


def changed(at, value, base=HEALTHY, until=None):
    values = base.copy()
    values[at:until] = value
    return values


RISING = HEALTHY + np.where(np.arange(NUM) > 600, 0.002 * (np.arange(NUM) - 600), 0)
PLANTED = {
    "non_finite": (Limit(finite=True), changed(700, math.nan, until=701)),
    "band": (Limit(high=5.0, patience=3), changed(700, 6.0, until=703)),
    "spike": (Limit(high=10, scale="deviations", window=50), changed(700, 3.0, until=701)),
    "divergence": (Limit(trend="rising"), RISING),
    "plateau": (Limit(plateau=1, window=200, level="info"), HEALTHY),
    "flat_line": (Limit(flat=0.0001, window=50), changed(700, 0.31, until=800)),
    "frozen": (Limit(unchanged=True, patience=5), changed(700, 0.31, until=706)),
    "stuck": (Limit(forbidden=0.0, patience=2), changed(700, 0.0, until=702)),
    "discontinuity": (Limit(high=0.3, scale="jump"), changed(700, 2.0, until=701)),
    "monotone": (Limit(monotone="falling"), changed(700, 0.8, base=FALLING, until=701)),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_fault_is_found_where_it_lies(kind, monkeypatch):
    limit, values = PLANTED[kind]
    (finding,) = findings(limit, values, monkeypatch=monkeypatch)
    assert finding.rule == limit.kind
    assert finding.level.name.lower() == limit.level
    if kind not in {"divergence", "plateau"}:
        assert 700 * 10 <= finding.first_step <= 800 * 10
    if kind == "divergence":
        assert 6_000 < finding.first_step < 9_000


@pytest.mark.parametrize("kind", [kind for kind in PLANTED if kind not in {"plateau", "monotone"}])
@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_noisy_curve_breaks_none_of_them(kind, seed, monkeypatch):
    limit, _ = PLANTED[kind]
    noise = np.random.default_rng(seed).standard_normal(NUM)
    assert findings(limit, FALLING * (1 + 0.05 * noise), monkeypatch=monkeypatch) == ()
    slow = np.convolve(noise, np.ones(5) / 5, "same")  # noise with a memory
    assert findings(limit, FALLING * (1 + 0.05 * slow), monkeypatch=monkeypatch) == ()


@pytest.mark.parametrize("seed", range(20))
def test_a_curve_of_nothing_but_noise_has_no_trend(seed, monkeypatch):
    noise = 1 + 0.5 * np.random.default_rng(seed).standard_normal(NUM)
    for direction in ("rising", "falling"):
        assert findings(Limit(trend=direction), noise, monkeypatch=monkeypatch) == ()


@pytest.mark.parametrize(("rise", "num_found"), [(0.05, 0), (0.15, 1), (0.5, 1)])
def test_a_trend_counts_from_its_size_on(rise, num_found, monkeypatch):
    values = 1 + rise * np.clip((np.arange(NUM) - 500) / 192, 0, 1) + 0.01 * NOISE
    assert len(findings(Limit(trend="rising"), values, monkeypatch=monkeypatch)) == num_found


def test_a_curve_that_falls_on_is_no_plateau(monkeypatch):
    on_and_on = 3.0 - 0.002 * np.arange(NUM) + 0.02 * NOISE
    limit = Limit(plateau=1, window=200)
    assert findings(limit, on_and_on, monkeypatch=monkeypatch) == ()


def test_a_schedule_that_keeps_its_way_is_monotone_and_has_no_jump(monkeypatch):
    plan = Plan(start=0.0, base=1e-3, final=1e-6, warmup_steps=500, total_steps=10_000)
    values = np.array([plan.at(int(step)) for step in STEPS])
    facts = Facts(warmup_steps=500, plans={"a": plan})
    for limit in (
        Limit(monotone="falling", after="warmup"),
        Limit(high=0.3, scale="jump", after="warmup"),
        Limit(low=-1e-9, high=1e-9, scale="schedule"),
    ):
        assert findings(limit, values, facts=facts, monkeypatch=monkeypatch) == ()
        resumed = values.copy()
        resumed[700:] = values[60 : NUM - 640]  # the schedule starts anew, after its warm-up
        assert len(findings(limit, resumed, facts=facts, monkeypatch=monkeypatch)) == 1


def test_a_held_out_loss_that_rises_above_the_training_is_overfit(monkeypatch):
    limit = Limit(
        high=150, scale="share", reference="b", trend="rising", window=4, patience=2, name="overfit"
    )
    train = np.linspace(1.0, 0.2, 40)
    rising, flat = np.linspace(1.0, 1.4, 40), np.full(40, 1.0) + 0.01 * NOISE[:40]
    (finding,) = findings(limit, rising, monkeypatch=monkeypatch, b=train)
    assert (finding.rule, finding.unit) == ("overfit", "% of b")
    assert finding.value == pytest.approx(100 * 1.4 / 0.2, rel=0.01)
    assert findings(limit, train * 1.2, monkeypatch=monkeypatch, b=train) == ()
    assert (
        findings(limit, flat, monkeypatch=monkeypatch, b=np.full(40, 0.5)) == ()
    )  # but not rising
    assert findings(limit, rising, monkeypatch=monkeypatch) == ()  # against what?


def test_a_device_that_waits_for_data_is_starved(monkeypatch):
    limit = Limit(high=20, scale="share", reference="b", patience=3, name="starved")
    step_ms = np.full(NUM, 10.0)
    busy, waiting = np.full(NUM, 1.0), np.full(NUM, 3.0)
    assert findings(limit, busy, monkeypatch=monkeypatch, b=step_ms) == ()
    (finding,) = findings(limit, waiting, monkeypatch=monkeypatch, b=step_ms)
    assert (finding.rule, finding.value) == ("starved", pytest.approx(30.0))


def test_a_prediction_that_is_perfect_at_once_is_a_leak_and_late_it_is_none(monkeypatch):
    limit = Limit(low=0.01, until="settled", patience=3, name="leak")
    assert findings(limit, changed(5, 0.001), monkeypatch=monkeypatch)[0].rule == "leak"
    assert findings(limit, changed(600, 0.001), monkeypatch=monkeypatch) == ()


def test_a_slope_is_judged_by_its_own_error(monkeypatch):
    limit = Limit(high=3, scale="standard_errors", patience=3)
    slope = np.full(NUM, 0.5)
    error = {"a_error": np.full(NUM, 0.1)}
    assert len(findings(limit, slope, monkeypatch=monkeypatch, **error)) == 1
    assert findings(limit, 0.5 * slope, monkeypatch=monkeypatch, **error) == ()


@pytest.mark.parametrize("after", ["start", "warmup", "settled"])
def test_windows_begin_after_what_is_waited_for(after, monkeypatch):
    limit = Limit(high=10, scale="deviations", window=10, after=after)
    start = {"start": 0, "warmup": 50, "settled": 500}[after]
    spike = changed(start + 9, 50.0, until=start + 10)  # within the first window: no baseline yet
    assert findings(limit, spike, monkeypatch=monkeypatch) == ()
    spike = changed(start + 11, 50.0, until=start + 12)
    assert findings(limit, spike, monkeypatch=monkeypatch)[0].first_step == (start + 12) * 10


TRANSFORMS = {
    "change": Change,
    "relative change": lambda: Change(relative=True),
    "deviations": lambda: Deviations(4),
    "rise": lambda: Drift("rising", 24, 5.0),
    "fall": lambda: Drift("falling", 5, 1.0),
    "level": lambda: Drift("rising", 4, 1.0, fine=(-math.inf, 0.1)),
    "gain": lambda: Gain(6),
    "range": lambda: Range(3),
    "plan": lambda: OffPlan(
        Plan(start=0.0, base=1.0, final=0.0, warmup_steps=3, total_steps=30, curve="linear")
    ),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.floats(-3, 3, width=32) | st.sampled_from([math.nan, math.inf, 0.0, 1.0]), max_size=60
    ),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_a_series_is_turned_alike_in_one_piece_in_several_and_value_by_value(name, values, cuts):
    steps = np.arange(1, len(values) + 1)
    column = np.array(values, np.float64)
    whole = told(TRANSFORMS[name](), [(steps, column)])
    bounds = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    pieces = [(steps[a:b], column[a:b]) for a, b in pairwise(bounds)]
    assert told(TRANSFORMS[name](), pieces) == whole
    one = TRANSFORMS[name]()
    turned = [(step, one.apply(step, value)) for step, value in enumerate(values, start=1)]
    kept = [(step, value) for step, value in turned if value is not None]
    assert [(step, loud(value)) for step, value in kept] == whole
    # And one that takes over from its memory goes on as it would have.
    half = len(values) // 2
    first, second = TRANSFORMS[name](), TRANSFORMS[name]()
    before = told(first, [(steps[:half], column[:half])])
    second.load_state_dict(first.state_dict())
    assert before + told(second, [(steps[half:], column[half:])]) == whole


def told(transform, pieces):
    found = []
    for steps, values in pieces:
        turned = transform.apply_many(steps, values)
        found += zip(turned[0].tolist(), map(loud, turned[1].tolist()), strict=True)
    return found


def loud(value):
    """What a limit of a few percent can see: a drift that is far below its limit counts as none."""
    return "nan" if math.isnan(value) else value
