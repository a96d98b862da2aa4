"""What a run is judged by survives being written down; a plan is the schedule of the training."""

from __future__ import annotations

import json

import pytest

from sightline.health import (
    PRESETS,
    About,
    Band,
    Deviations,
    Facts,
    Judge,
    NonFinite,
    Plan,
    RuleBook,
    Watch,
    hjepa,
)
from sightline.training.schedules import CosineScheduler, EMAScheduler, LinearScheduler, Schedule

FACTS = Facts(
    num_samples=128,
    width=64,
    num_patches=16,
    warmup_steps=10,
    settle_steps=50,
    plans={
        "learning_rate/base_lr": Plan(
            start=0.0,
            base=1e-3,
            final=1e-6,
            warmup_steps=10,
            total_steps=100,
            cuts=((20, 0.5), (30, 0.5)),
        )
    },
    ranges={"masking/mask_ratio": (0.2, 0.5)},
)


@pytest.mark.parametrize(
    ("schedule", "curve"),
    [
        (CosineScheduler(1e-3, 1e-6, 10, 7, 2), "cosine"),
        (CosineScheduler(1e-3, 0.0, 1, 1), "cosine"),
        (LinearScheduler(1.0, 0.1, 3, 5, 1), "linear"),
        (EMAScheduler(0.99, 1.0, epochs=4, steps_per_epoch=6, warmup_epochs=1), "cosine"),
    ],
)
def test_a_plan_has_the_value_of_the_schedule_at_every_step(schedule: Schedule, curve) -> None:
    plan = Plan(
        start=schedule.start_warmup_value,
        base=schedule.base_value,
        final=schedule.final_value,
        warmup_steps=schedule.warmup_steps,
        total_steps=schedule.total_steps,
        curve=curve,
    )
    for step in range(1, schedule.total_steps + 3):
        assert plan.at(step) == pytest.approx(schedule(step - 1), rel=1e-12, abs=1e-15)
    assert plan.at(0) == plan.at(1)


def test_a_cut_holds_for_the_steps_after_it() -> None:
    plan = FACTS.plans["learning_rate/base_lr"]
    uncut = Plan(start=0.0, base=1e-3, final=1e-6, warmup_steps=10, total_steps=100)
    factors = [plan.at(step) / uncut.at(step) for step in (20, 21, 30, 31)]
    assert factors == pytest.approx([1.0, 0.5, 0.5, 0.25])


@pytest.mark.parametrize("preset", PRESETS)
def test_rules_survive_being_written_down(preset) -> None:
    book = PRESETS[preset](FACTS)
    assert RuleBook.from_json(book.to_json()) == book


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no JSON", "expected rules as RuleBook.to_json writes them, got 'no JSON'"),
        ("[]", "expected rules as RuleBook.to_json writes them"),
        ('{"recipes": ["common"]}', "expected rules as RuleBook.to_json writes them"),
        ('{"recipes": ["common"], "facts": {"depth": 3}}', "expected rules as RuleBook.to_json"),
    ],
)
def test_what_are_no_rules_is_refused(text, message) -> None:
    with pytest.raises(ValueError, match=message):
        RuleBook.from_json(text)


def test_rules_of_a_later_version_are_refused_by_name() -> None:
    text = json.dumps({**json.loads(hjepa(FACTS).to_json()), "recipes": ["common", "diffusion"]})
    with pytest.raises(ValueError, match="got common, diffusion"):
        RuleBook.from_json(text)


def test_a_memory_of_other_limits_is_not_taken_for_ones_own() -> None:
    def rules(window):
        about = About(tag="a")
        return [
            Watch(about, NonFinite()),
            Watch(about, Band(high=3.0), transform=Deviations(window)),
        ]

    before = Judge(rules(window=20))
    for step in range(1, 60):
        before.update(step, {"a": float("nan") if step == 7 else 1.0})
    same, other = Judge(rules(window=20)), Judge(rules(window=5))
    for judge in (same, other):
        judge.load_state_dict(before.state_dict())
    assert [finding.first_step for finding in same.verdict().findings] == [7]
    assert other.verdict().findings == ()
