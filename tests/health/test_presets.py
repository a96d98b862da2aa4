import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from sightline.catalogue import advice, fill, rows
from sightline.diagnostics import (
    dead_dimensions,
    effective_rank,
    mean_std,
    min_std,
    pairwise_similarity,
)
from sightline.health import PRESETS, Facts, Level, Plan, Related, hjepa, judge
from sightline.health.presets import RECIPES_OF

STEPS = list(range(50, 550, 50))
WARMUP, SETTLED = 100, 200
HEALTHY = {
    "train/loss": [0.3 + 0.001 * (-1) ** index for index in range(10)],
    "masking/context_target_overlap": 0.0,
    "ema/parameter_divergence": 0.02,
    "collapse/effective_rank": 30.0,
    "collapse/mean_std_per_dim": 0.11,
    "collapse/mean_similarity": 0.1,
}
PLAN = Plan(start=0.0, base=1.0, final=0.0, warmup_steps=10, total_steps=100)
KNOWN = Facts(
    num_samples=256,
    width=64,
    num_patches=196,
    warmup_steps=WARMUP,
    settle_steps=SETTLED,
    plans={"learning_rate/base_lr": PLAN, "ema/momentum_current": PLAN},
    ranges={"masking/mask_ratio": (0.2, 0.6)},
)
LIMITS = [
    (preset, row, limit)
    for preset, recipes in RECIPES_OF.items()
    for row in rows(recipes)
    for limit in row.limits
]
FIELDS = {"l": "1", "m": "3", "i": "2", "name": "own", "module": "predictor"}


def verdict_on(*, num_samples=256, width=64, **changes):
    run = {
        tag: value if isinstance(value, list) else [value] * len(STEPS)
        for tag, value in HEALTHY.items()
    }
    run |= {tag.replace("__", "/"): values for tag, values in changes.items()}
    facts = Facts(num_samples=num_samples, width=width, warmup_steps=WARMUP, settle_steps=SETTLED)
    return judge(hjepa(facts), {tag: (STEPS, values) for tag, values in run.items()})


def test_a_healthy_run_has_no_finding():
    assert verdict_on().findings == ()
    assert not set(HEALTHY) & set(verdict_on().unmeasured)


@pytest.mark.parametrize(
    ("tag", "values", "level", "first_step"),
    [
        ("train/loss", [1, 1, 1, math.nan, 1, 1, 1, 1, 1, 1], Level.ERROR, 200),
        ("masking/context_target_overlap", [0, 0.01, *[0] * 8], Level.ERROR, 100),
        ("ema/parameter_divergence", [0.0] * 10, Level.ERROR, 150),
        ("collapse/effective_rank", [40, 20, 9, 6.3, 6, 5, 4, 3, 2, 1], Level.WARN, 200),
        ("collapse/mean_std_per_dim", [0.02] * 5 + [0.0086] * 5, Level.ERROR, 300),
        ("collapse/mean_std_per_dim", [0.1] * 5 + [0.03] * 5, Level.WARN, 300),
        ("collapse/mean_similarity", [0.9] * 5 + [0.999] * 5, Level.ERROR, 300),
        ("collapse/mean_similarity", [0.9] * 10, Level.INFO, 250),
    ],
)
def test_a_planted_fault_is_found_at_its_step(tag, values, level, first_step):
    findings = verdict_on(**{tag.replace("/", "__"): values}).findings
    assert {one.tag for one in findings} == {tag}
    finding, *_ = findings  # the worst
    assert (finding.tag, finding.level, finding.first_step) == (tag, level, first_step)
    assert finding.why
    assert finding.remedy
    assert (Path(__file__).parents[2] / finding.page).is_file()


def test_the_alikeness_of_an_untrained_encoder_is_no_collapse():
    assert verdict_on(collapse__mean_similarity=[0.99, 0.99, 0.95, 0.9, *[0.2] * 6]).passed


def test_a_rank_is_judged_against_what_the_samples_can_show():
    rank = [5.0] * len(STEPS)
    assert not verdict_on(num_samples=1000, width=512, collapse__effective_rank=rank).passed
    assert verdict_on(num_samples=32, width=512, collapse__effective_rank=rank).passed


@pytest.mark.parametrize(("num_samples", "width"), list(product((64, 512), (64, 256, 1024))))
def test_limits_need_no_retuning_for_another_width_batch_or_number_of_tokens(num_samples, width):
    rng = np.random.default_rng(0)
    # Spectra that fall off alike whatever the width, as those of trained features do.
    directions = np.linalg.qr(rng.standard_normal((width, width)))[0]
    spread = rng.standard_normal((num_samples, width)) * np.exp(-4 * np.arange(width) / width)
    healthy = spread @ directions.T
    point = rng.standard_normal(width)
    one_direction = np.outer(spread[:, 0], rng.standard_normal(width))
    collapsed = {
        "to a point": point + 1e-2 * healthy / math.sqrt(width),
        "to a line": one_direction + 1e-3 * healthy / math.sqrt(width),
    }
    found = {name: tags_found(features) for name, features in collapsed.items()}
    assert tags_found(healthy) == set()
    assert {"collapse/mean_std_per_dim", "collapse/mean_similarity"} <= found["to a point"]
    assert "collapse/effective_rank" in found["to a line"]


def tags_found(features):
    num_samples, width = features.shape
    verdict = verdict_on(
        num_samples=num_samples,
        width=width,
        collapse__effective_rank=[effective_rank(features)] * len(STEPS),
        hierarchy__level0_effective_rank=[effective_rank(features)] * len(STEPS),
        train__context_rank=[effective_rank(features)] * len(STEPS),
        collapse__mean_std_per_dim=[mean_std(features)] * len(STEPS),
        collapse__min_std_per_dim=[min_std(features)] * len(STEPS),
        collapse__dead_dimensions=[dead_dimensions(features)] * len(STEPS),
        collapse__mean_similarity=[pairwise_similarity(features).mean] * len(STEPS),
    )
    return {finding.tag for finding in verdict.findings}


def test_two_runs_share_no_memory():
    assert not verdict_on(train__loss=[math.nan] * 10).passed
    assert verdict_on().passed


def test_features_that_can_show_no_rank_are_refused():
    with pytest.raises(ValueError, match="at least 2 samples"):
        Facts(num_samples=1, width=64)


@pytest.mark.parametrize(
    ("tag", "bad", "patience", "held_from"),
    [
        ("train/loss", math.inf, 1, 0),
        ("masking/context_target_overlap", 1e-6, 1, 0),
        ("ema/parameter_divergence", 0.0, 2, WARMUP),
        ("collapse/effective_rank", 6.39, 3, WARMUP),
        ("collapse/mean_std_per_dim", 0.0549, 3, WARMUP),
        ("collapse/mean_similarity", 0.9951, 3, WARMUP),
    ],
)
def test_a_limit_holds_from_its_time_on_and_needs_its_number_of_readings(
    tag, bad, patience, held_from
):
    first = STEPS.index(held_from) + 1 if held_from else 0
    good = HEALTHY[tag] if tag != "train/loss" else 0.3

    def passes(start, stop):
        values = [bad if start <= index < stop else good for index in range(len(STEPS))]
        return verdict_on(**{tag.replace("/", "__"): values}).passed

    assert not passes(first, first + patience)
    assert passes(first, first + patience - 1)
    assert held_from == 0 or passes(first - 1, first + patience - 1)


@pytest.mark.parametrize(
    ("preset", "row", "limit"), LIMITS, ids=[f"{p}-{r.tag}-{one.kind}" for p, r, one in LIMITS]
)
def test_every_limit_reaches_a_rule_and_without_its_facts_is_refused_with_a_reason(
    preset, row, limit
):
    tag = fill(row.tag, FIELDS)
    book = PRESETS[preset](KNOWN)
    made = [rule.watch if isinstance(rule, Related) else rule for rule in book.rules_for(tag)]
    names = [watch.criterion.name for watch in made]
    assert limit.kind in names
    assert book.unjudged([tag]) == ()
    ignorant = PRESETS[preset](Facts())
    told = len(ignorant.rules_for(tag)) + len(ignorant.unjudged([tag]))
    assert told == len(made)
    assert all(reason for _, reason in ignorant.unjudged([tag]))


@pytest.mark.parametrize(
    ("preset", "row", "limit"), LIMITS, ids=[f"{p}-{r.tag}-{one.kind}" for p, r, one in LIMITS]
)
def test_every_limit_says_why_what_to_try_and_what_it_rests_on(preset, row, limit):
    words = advice(row.tag, limit.kind, FIELDS)
    assert words is not None
    for text in (words.why, words.remedy):
        assert text.endswith((".", "?"))
        assert "{" not in text
    assert words.basis
    assert not words.page or (Path(__file__).parents[2] / words.page).is_file()


def test_what_is_advised_belongs_to_a_limit():
    from sightline.catalogue.advice import _all

    known = {(row.tag, limit.kind) for _, row, limit in LIMITS}
    told = {(tag, kind) for tag, kinds in _all().items() for kind in kinds if kind != "page"}
    assert told - known == set()


def test_a_target_that_stands_still_by_intent_is_not_frozen():
    def verdict(momentum):
        columns = {"ema/update_magnitude": [0.0] * 10, "ema/momentum_current": [momentum] * 10}
        return judge(hjepa(Facts()), {tag: (STEPS, values) for tag, values in columns.items()})

    assert verdict(1.0).passed
    assert [finding.rule for finding in verdict(0.996).findings] == ["frozen"]


def test_a_mask_that_must_repeat_on_a_small_grid_is_no_fault():
    repeated = {"masking/repeated_frac": (STEPS, [0.9] * 10)}
    assert judge(hjepa(Facts(num_patches=16)), repeated).passed
    assert not judge(hjepa(Facts(num_patches=196)), repeated).passed


def test_a_schedule_is_judged_where_it_is_known():
    off = {"ema/momentum_current": (STEPS, [0.996] * 10)}
    assert judge(hjepa(Facts()), off).unjudged == (
        ("ema/momentum_current", "the schedule is not known"),
    )
    rising = Plan(start=0.9, base=0.9, final=1.0, warmup_steps=0, total_steps=600)
    facts = Facts(plans={"ema/momentum_current": rising}, ranges={"masking/mask_ratio": (0.2, 0.5)})
    kept = {
        "ema/momentum_current": (STEPS, [rising.at(step) for step in STEPS]),
        "masking/mask_ratio": (STEPS, [0.4] * 10),
    }
    assert judge(hjepa(facts), kept).findings == ()
    assert [one.rule for one in judge(hjepa(facts), off).findings] == ["off_schedule"]
    outside = {"masking/mask_ratio": (STEPS, [0.6] * 10)}
    assert not judge(hjepa(facts), outside).passed
