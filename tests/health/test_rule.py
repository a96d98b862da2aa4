import math

import pytest

from sightline.health import Band, NonFinite, StuckAt, Watch

HIGH = Band(tag="t", high=1.0, why="Too high.", remedy="Lower it.")


def feed(rule, values, start=1):
    for step, value in enumerate(values, start=start):
        rule.update(step, value)
    return rule.verdict()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_found_at_once(value):
    finding = feed(Watch(NonFinite(tag="t")), [1.0, value])
    assert (finding.first_step, finding.last_step) == (2, 2)


def test_finite_values_of_any_size_are_fine():
    assert feed(Watch(NonFinite(tag="t")), [0.0, -3e38, 3e38, 1e-45]) is None


@pytest.mark.parametrize(("value", "limit"), [(-0.1, 0.0), (1.1, 1.0)])
def test_outside_the_band_the_crossed_limit_is_named(value, limit):
    band = Band(tag="t", low=0.0, high=1.0, why="", remedy="")
    assert band.breach(1, value).limit == limit


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, math.nan])
def test_the_limits_themselves_and_nan_are_inside_the_band(value):
    assert Band(tag="t", low=0.0, high=1.0, why="", remedy="").breach(1, value) is None


def test_an_infinite_value_is_outside_a_bounded_band():
    assert HIGH.breach(1, math.inf).value == math.inf


@pytest.mark.parametrize("width", [16, 1024])
def test_a_scaled_band_judges_alike_at_every_width(width):
    band = Band(tag="t", low=0.3, scale=math.sqrt(width), why="", remedy="")
    assert band.breach(1, 0.29 / math.sqrt(width)) is not None
    assert band.breach(1, 0.31 / math.sqrt(width)) is None


def test_fewer_bad_readings_than_the_patience_do_not_count():
    assert feed(Watch(HIGH, patience=3), [2, 2, 0, 2, 2, 0]) is None


def test_a_streak_is_dated_from_its_first_reading():
    finding = feed(Watch(HIGH, patience=3), [2, 0, 2, 2, 2, 2])
    assert (finding.first_step, finding.last_step) == (3, 6)


def test_a_finding_outlives_the_recovery():
    finding = feed(Watch(HIGH, patience=2), [2, 3, 0, 0])
    assert (finding.first_step, finding.last_step, finding.value) == (1, 2, 3)


def test_nothing_is_judged_up_to_the_last_step_of_the_warm_up():
    assert feed(Watch(HIGH, warmup_steps=4), [2, 2, 2, 2]) is None
    assert feed(Watch(HIGH, warmup_steps=3), [2, 2, 2, 2]).first_step == 4


def test_readings_of_the_warm_up_do_not_use_up_the_patience():
    assert feed(Watch(HIGH, warmup_steps=3, patience=2), [2, 2, 2, 2]) is None


def test_a_distance_of_exactly_zero_is_stuck_and_the_smallest_one_is_not():
    stuck = StuckAt(tag="t", value=0.0, why="", remedy="")
    assert stuck.breach(1, 0.0) is not None
    assert stuck.breach(1, 1e-45) is None


def test_a_patience_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1 reading, got 0"):
        Watch(HIGH, patience=0)


def test_a_finding_reads_as_a_sentence_with_value_limit_and_steps():
    text = str(feed(Watch(HIGH), [2.0]))
    assert text == "WARN t is 2 (limit 1), step 1. Too high. Lower it."
