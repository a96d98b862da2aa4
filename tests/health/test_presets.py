import math

import numpy as np
import pytest

from sightline.diagnostics import effective_rank, mean_std, pairwise_similarity
from sightline.health import Level, hjepa, judge

STEPS = list(range(50, 550, 50))
WARMUP, SETTLED = 100, 200
HEALTHY = {
    "train/loss": 0.3,
    "masking/context_target_overlap": 0.0,
    "ema/parameter_divergence": 0.02,
    "collapse/effective_rank": 30.0,
    "collapse/mean_std_per_dim": 0.11,
    "collapse/mean_similarity": 0.1,
}


def verdict_on(*, num_samples=256, width=64, **changes):
    run = {tag: [value] * len(STEPS) for tag, value in HEALTHY.items()}
    run |= {tag.replace("__", "/"): values for tag, values in changes.items()}
    rules = hjepa(num_samples=num_samples, width=width, warmup_steps=WARMUP, settle_steps=SETTLED)
    return judge(rules, {tag: (STEPS, values) for tag, values in run.items()})


def test_a_healthy_run_has_no_finding():
    assert verdict_on().findings == ()
    assert verdict_on().unmeasured == ()


@pytest.mark.parametrize(
    ("tag", "values", "level", "first_step"),
    [
        ("train/loss", [1, 1, 1, math.nan, 1, 1, 1, 1, 1, 1], Level.ERROR, 200),
        ("masking/context_target_overlap", [0, 0.01, *[0] * 8], Level.ERROR, 100),
        ("ema/parameter_divergence", [0.0] * 10, Level.ERROR, 150),
        ("collapse/effective_rank", [40, 20, 9, 6.3, 6, 5, 4, 3, 2, 1], Level.WARN, 200),
        ("collapse/mean_std_per_dim", [0.1] * 5 + [0.03] * 5, Level.WARN, 300),
        ("collapse/mean_similarity", [0.9] * 10, Level.WARN, 250),
    ],
)
def test_a_planted_fault_is_found_at_its_step(tag, values, level, first_step):
    (finding,) = verdict_on(**{tag.replace("/", "__"): values}).findings
    assert (finding.tag, finding.level, finding.first_step) == (tag, level, first_step)
    assert finding.why
    assert finding.remedy


def test_the_alikeness_of_an_untrained_encoder_is_no_collapse():
    assert verdict_on(collapse__mean_similarity=[0.99, 0.99, 0.95, 0.9, *[0.2] * 6]).passed


def test_a_rank_is_judged_against_what_the_samples_can_show():
    rank = [5.0] * len(STEPS)
    assert not verdict_on(num_samples=1000, width=512, collapse__effective_rank=rank).passed
    assert verdict_on(num_samples=32, width=512, collapse__effective_rank=rank).passed


@pytest.mark.parametrize("width", [16, 256])
def test_measured_collapse_is_found_and_measured_health_is_not(width):
    rng = np.random.default_rng(0)
    spread = rng.standard_normal((200, width))
    collapsed = rng.standard_normal(width) + 1e-3 * np.outer(spread[:, 0], np.ones(width))
    for features, passes in [(spread, True), (collapsed, False)]:
        verdict = verdict_on(
            num_samples=200,
            width=width,
            collapse__effective_rank=[effective_rank(features)] * len(STEPS),
            collapse__mean_std_per_dim=[mean_std(features)] * len(STEPS),
            collapse__mean_similarity=[pairwise_similarity(features).mean] * len(STEPS),
        )
        assert verdict.passed == passes


def test_two_runs_share_no_memory():
    assert not verdict_on(train__loss=[math.nan] * 10).passed
    assert verdict_on().passed


def test_features_that_can_show_no_rank_are_refused():
    with pytest.raises(ValueError, match="at least 2 samples"):
        hjepa(num_samples=1, width=64, warmup_steps=0, settle_steps=0)


@pytest.mark.parametrize(
    ("tag", "bad", "patience", "held_from"),
    [
        ("train/loss", math.inf, 1, 0),
        ("masking/context_target_overlap", 1e-6, 1, 0),
        ("ema/parameter_divergence", 0.0, 2, WARMUP),
        ("collapse/effective_rank", 6.39, 3, WARMUP),
        ("collapse/mean_std_per_dim", 0.0374, 3, SETTLED),
        ("collapse/mean_similarity", 0.501, 3, SETTLED),
    ],
)
def test_a_limit_holds_from_its_time_on_and_needs_its_number_of_readings(
    tag, bad, patience, held_from
):
    first = STEPS.index(held_from) + 1 if held_from else 0
    good = HEALTHY[tag]

    def passes(start, stop):
        values = [bad if start <= index < stop else good for index in range(len(STEPS))]
        return verdict_on(**{tag.replace("/", "__"): values}).passed

    assert not passes(first, first + patience)
    assert passes(first, first + patience - 1)
    assert held_from == 0 or passes(first - 1, first + patience - 1)
