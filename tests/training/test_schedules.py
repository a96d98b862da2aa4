import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.training.schedule_creation import (
    create_ema_scheduler,
    create_hierarchical_scheduler,
    create_lr_scheduler,
    create_weight_decay_scheduler,
)
from sightline.training.schedules import (
    CosineScheduler,
    EMAScheduler,
    HierarchicalScheduler,
    LinearScheduler,
)

values = st.floats(-1e3, 1e3).map(lambda value: round(value, 6))
lengths = st.tuples(st.integers(1, 12), st.integers(1, 30), st.integers(0, 11)).filter(
    lambda lengths: lengths[2] < lengths[0]
)
kinds = st.sampled_from([CosineScheduler, LinearScheduler])


@st.composite
def schedules(draw):
    return draw(kinds)(draw(values), draw(values), *draw(lengths), draw(values))


@given(schedules())
def test_the_last_step_and_all_after_it_have_exactly_the_final_value(schedule):
    for beyond in (0, 1, 10_000):
        assert schedule(schedule.total_steps - 1 + beyond) == schedule.final_value


@given(schedules())
def test_the_warm_up_goes_from_its_start_to_the_base_value_exactly(schedule):
    if schedule.total_steps - 1 > schedule.warmup_steps:
        assert schedule(schedule.warmup_steps) == schedule.base_value
    if schedule.warmup_steps:
        assert schedule(0) == schedule.start_warmup_value


@given(schedules())
def test_both_parts_are_monotone_and_stay_in_range(schedule):
    warmup, end = schedule.warmup_steps, schedule.total_steps
    parts = (
        (range(warmup + 1), schedule.start_warmup_value, schedule.base_value),
        (range(warmup, end), schedule.base_value, schedule.final_value),
    )
    for steps, start, stop in parts:
        if len(steps) < 2 or end == warmup + 1:
            continue
        track = [schedule(step) for step in steps]
        assert track == sorted(track, reverse=stop < start)
        assert min(start, stop) <= min(track) <= max(track) <= max(start, stop)


@given(schedules())
def test_no_step_is_longer_than_the_steepest_part_of_the_curve(schedule):
    last = schedule.total_steps - 1
    num_curve_steps = last - schedule.warmup_steps
    if num_curve_steps < 1:
        return
    steepest = math.pi / 2 * abs(schedule.final_value - schedule.base_value) / num_curve_steps
    if schedule.warmup_steps:
        rise = abs(schedule.base_value - schedule.start_warmup_value) / schedule.warmup_steps
        steepest = max(steepest, rise)
    for step in range(last):
        assert abs(schedule(step + 1) - schedule(step)) <= steepest * (1 + 1e-9) + 1e-9


@given(values, values, lengths, st.data())
def test_the_cosine_is_the_closed_form(base, final, lengths, data):
    schedule = CosineScheduler(base, final, *lengths)
    last = schedule.total_steps - 1
    step = data.draw(st.integers(schedule.warmup_steps, last))
    part = (step - schedule.warmup_steps) / max(last - schedule.warmup_steps, 1)
    if step == last:
        part = 1.0
    expected = final + (base - final) * math.cos(math.pi * part / 2) ** 2
    assert schedule(step) == pytest.approx(expected, abs=1e-9)


def test_the_line_is_a_line():
    schedule = LinearScheduler(1.0, 0.0, epochs=3, steps_per_epoch=4, warmup_epochs=1)
    assert [schedule(step) for step in range(4)] == [0.0, 0.25, 0.5, 0.75]
    assert [schedule(step) for step in range(4, 12)] == pytest.approx([1 - n / 7 for n in range(8)])


def test_an_epoch_has_the_value_of_its_first_step():
    schedule = CosineScheduler(1.0, 0.1, epochs=5, steps_per_epoch=7, warmup_epochs=2)
    assert [schedule.get_epoch_value(epoch) for epoch in range(6)] == [
        schedule(7 * epoch) for epoch in range(6)
    ]


@given(lengths)
def test_the_momentum_is_held_and_then_ends_at_exactly_one(lengths):
    schedule = EMAScheduler(0.996, 1.0, *lengths)
    assert schedule(schedule.total_steps - 1) == 1.0
    held = range(min(schedule.warmup_steps + 1, schedule.total_steps - 1))
    assert all(schedule(step) == 0.996 for step in held)


def test_the_momentum_moves_at_every_step_and_not_by_the_epoch():
    schedule = create_ema_scheduler(0.99, 1.0, epochs=3, steps_per_epoch=10)
    track = [schedule(step) for step in range(30)]
    assert len(set(track)) == 30
    assert track == sorted(track)


def test_a_length_of_training_is_never_assumed():
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        EMAScheduler(0.996, 1.0)


def test_a_hierarchy_gives_each_level_its_own_value():
    levels = [LinearScheduler(value, 0.0, 1, 5) for value in (4.0, 8.0)]
    schedule = HierarchicalScheduler(levels)
    assert schedule(1) == [3.0, 6.0]
    assert schedule.get_level_value(1, level=1) == 6.0
    with pytest.raises(ValueError, match="level from 0 to 1, got 2"):
        schedule.get_level_value(1, level=2)
    with pytest.raises(ValueError, match="got none"):
        HierarchicalScheduler([])


def test_a_weight_decay_rises_by_the_step_and_ends_exactly_or_never_moves():
    decay = create_weight_decay_scheduler(0.04, 0.4, epochs=3, steps_per_epoch=10)
    track = [decay(step) for step in range(30)]
    assert track == sorted(set(track))
    assert (track[0], track[-1]) == (0.04, 0.4)
    constant = create_weight_decay_scheduler(0.05, None, epochs=3, steps_per_epoch=10)
    assert {constant(step) for step in range(30)} == {0.05}


@pytest.mark.parametrize("kind", ["cosine", "linear"])
def test_the_values_of_levels_go_from_their_first_to_their_last_or_never_move(kind):
    weights = create_hierarchical_scheduler((1.0, 0.5, 0.0), (0.0, 0.5, 2.0), 3, 10, kind)
    assert weights(0) == [1.0, 0.5, 0.0]
    assert weights(29) == weights(99) == [0.0, 0.5, 2.0]
    assert weights(10)[0] == create_lr_scheduler("adamw", 1.0, 0.0, 3, 10, 0, kind)(10)
    constant = create_hierarchical_scheduler((1.0, 0.3), None, 3, 10, kind)
    assert {tuple(constant(step)) for step in range(30)} == {(1.0, 0.3)}


def test_the_factory_makes_the_schedule_that_is_asked_for():
    arguments = (1e-3, 1e-6, 10, 20, 2)
    assert create_lr_scheduler("adamw", *arguments) == CosineScheduler(*arguments)
    assert create_lr_scheduler("sgd", *arguments, "linear") == LinearScheduler(*arguments)
    assert create_lr_scheduler("adamw", *arguments)(0) == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CosineScheduler(1.0, 0.0, 5, 10, 6), "less than epochs=5, got 6"),
        (lambda: CosineScheduler(1.0, 0.0, 5, 10, 5), "less than epochs=5, got 5"),
        (lambda: CosineScheduler(1.0, 0.0, 5, 10, -1), "warmup_epochs must be at least 0, got -1"),
        (lambda: LinearScheduler(1.0, 0.0, 0, 10), "epochs must be at least 1, got 0"),
        (lambda: LinearScheduler(1.0, 0.0, 5, -3), "steps_per_epoch must be at least 1, got -3"),
        (lambda: LinearScheduler(math.nan, 0.0, 5, 3), "base_value must be a finite number"),
        (lambda: LinearScheduler(1.0, 0.0, 5, 3)(-1), "0 or more, got -1"),
        (lambda: EMAScheduler(0.9, 1.1, 5, 3), "between 0 and 1, got 1.1"),
        (lambda: create_lr_scheduler("adamv", 1.0, 0.0, 5, 3), "adamw.*got 'adamv'"),
        (lambda: create_lr_scheduler("adamw", 1.0, 0.0, 5, 3, 0, "cos"), "cosine.*got 'cos'"),
        (lambda: create_hierarchical_scheduler([1], [2], 5, 3, "cos"), "cosine.*got 'cos'"),
        (lambda: create_hierarchical_scheduler([1], [2, 3], 5, 3), "each of the 1 levels, got 2"),
    ],
)
def test_a_bad_argument_is_refused_in_a_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()
