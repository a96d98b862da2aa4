import math

import pytest

from sightline.health import About, Band, NonFinite, StuckAt, Watch

HIGH = Band(high=1.0)
ABOUT = About(tag="t", why="Too high.", remedy="Lower it.")


def feed(rule, values, start=1):
    for step, value in enumerate(values, start=start):
        rule.update(step, value)
    return rule.verdict()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_found_at_once(value):
    finding = feed(Watch(ABOUT, NonFinite()), [1.0, value])
    assert (finding.first_step, finding.last_step, finding.rule) == (2, 2, "non_finite")


def test_finite_values_of_any_size_are_fine():
    assert feed(Watch(ABOUT, NonFinite()), [0.0, -3e38, 3e38, 1e-45]) is None


@pytest.mark.parametrize(("value", "limit"), [(-0.1, 0.0), (1.1, 1.0)])
def test_outside_the_band_the_crossed_limit_is_named(value, limit):
    assert feed(Watch(ABOUT, Band(low=0.0, high=1.0)), [value]).limit == limit


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0, math.nan])
def test_the_limits_themselves_and_nan_are_inside_the_band(value):
    assert feed(Watch(ABOUT, Band(low=0.0, high=1.0)), [value]) is None


def test_an_infinite_value_is_outside_a_bounded_band():
    assert feed(Watch(ABOUT, HIGH), [math.inf]).value == math.inf


@pytest.mark.parametrize("width", [16, 1024])
def test_a_scaled_band_judges_alike_at_every_width(width):
    def watch():
        return Watch(ABOUT, Band(low=0.3), scale=math.sqrt(width))

    assert feed(watch(), [0.29 / math.sqrt(width)]).value == pytest.approx(0.29)
    assert feed(watch(), [0.31 / math.sqrt(width)]) is None


def test_fewer_bad_readings_than_the_patience_do_not_count():
    assert feed(Watch(ABOUT, HIGH, patience=3), [2, 2, 0, 2, 2, 0]) is None


def test_a_streak_is_dated_from_its_first_reading():
    finding = feed(Watch(ABOUT, HIGH, patience=3), [2, 0, 2, 2, 2, 2])
    assert (finding.first_step, finding.last_step) == (3, 6)


def test_a_finding_outlives_the_recovery():
    finding = feed(Watch(ABOUT, HIGH, patience=2), [2, 3, 0, 0])
    assert (finding.first_step, finding.last_step, finding.value) == (1, 2, 3)


def test_nothing_is_judged_up_to_the_last_step_of_the_warm_up():
    assert feed(Watch(ABOUT, HIGH, warmup_steps=4), [2, 2, 2, 2]) is None
    assert feed(Watch(ABOUT, HIGH, warmup_steps=3), [2, 2, 2, 2]).first_step == 4


def test_nothing_is_judged_once_a_limit_has_ceased_to_hold():
    assert feed(Watch(ABOUT, HIGH, until_step=2), [0, 0, 2, 2]) is None
    assert feed(Watch(ABOUT, HIGH, until_step=2), [0, 2, 2, 2]).last_step == 2


def test_readings_of_the_warm_up_do_not_use_up_the_patience():
    assert feed(Watch(ABOUT, HIGH, warmup_steps=3, patience=2), [2, 2, 2, 2]) is None


def test_a_distance_of_exactly_zero_is_stuck_and_the_smallest_one_is_not():
    assert feed(Watch(ABOUT, StuckAt(0.0)), [0.0]).rule == "frozen"
    assert feed(Watch(ABOUT, StuckAt(0.0)), [1e-45]) is None


def test_a_patience_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1 reading, got 0"):
        Watch(ABOUT, HIGH, patience=0)


def test_a_finding_reads_as_a_sentence_with_value_limit_and_steps():
    text = str(feed(Watch(ABOUT, HIGH), [2.0]))
    assert text == "WARN t is 2 (limit 1), step 1. Too high. Lower it."


def test_a_calm_value_is_one_that_changes_nothing():
    watch = Watch(ABOUT, HIGH, warmup_steps=2, patience=2)
    assert watch.calm(2) == (-math.inf, math.inf)
    assert watch.calm(3) == (-math.inf, 1.0)
    watch.update(3, 2.0)
    low, high = watch.calm(4)
    assert low > high  # a good value would end the streak
