import io
import logging
import sys
from datetime import timedelta

import pytest

from sightline.training.progress import ProgressTracker, setup_logging


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def run(tracker, clock, seconds):
    for second in seconds:
        clock.now += second
        tracker.step()


def test_there_is_no_estimate_before_the_first_step(clock):
    tracker = ProgressTracker(2, 10, clock=clock)
    clock.now += 60
    assert tracker.get_seconds_per_step() is None
    assert tracker.get_eta() is None


def test_the_estimate_leaves_out_the_first_step_once_there_is_a_second(clock):
    tracker = ProgressTracker(2, 10, clock=clock)
    run(tracker, clock, [30.0])
    assert tracker.get_eta() == timedelta(seconds=19 * 30)
    run(tracker, clock, [2.0, 2.0])
    assert tracker.get_eta() == timedelta(seconds=17 * 2)
    assert str(tracker.get_eta()) == "0:00:34"


def test_time_between_steps_is_part_of_the_pace(clock):
    tracker = ProgressTracker(10, 5, clock=clock)
    run(tracker, clock, [1.0] * 5)
    clock.now += 5.0  # a validation
    run(tracker, clock, [1.0] * 6)
    assert tracker.get_seconds_per_step() == pytest.approx(15.0 / 10)


def test_a_resumed_run_counts_from_its_step_and_paces_by_its_own(clock):
    tracker = ProgressTracker(10, 10, start_step=73, clock=clock)
    assert (tracker.epoch, tracker.fraction) == (7, 0.73)
    run(tracker, clock, [9.0, 1.0, 1.0])
    assert (tracker.step_count, tracker.epoch) == (76, 7)
    assert tracker.get_eta() == timedelta(seconds=24)


def test_the_estimate_can_be_asked_for_any_point(clock):
    tracker = ProgressTracker(10, 10, clock=clock)
    run(tracker, clock, [1.0, 2.0, 2.0])
    assert tracker.get_eta(9, 5) == timedelta(seconds=10)
    assert tracker.get_eta(9) == timedelta(seconds=20)


def test_nothing_is_left_at_the_end_or_past_it(clock):
    tracker = ProgressTracker(1, 3, clock=clock)
    run(tracker, clock, [1.0] * 5)
    assert tracker.get_eta() == timedelta(0)
    assert tracker.fraction == 1.0


def test_session_and_epoch_have_their_own_clocks(clock):
    tracker = ProgressTracker(2, 3, clock=clock)
    clock.now += 40
    tracker.start_epoch()
    clock.now += 3
    assert tracker.get_elapsed_time() == timedelta(seconds=43)
    assert tracker.get_epoch_time() == timedelta(seconds=3)


@pytest.mark.parametrize("counts", [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_a_count_out_of_range_is_refused(counts):
    epochs, steps, start = counts
    with pytest.raises(ValueError, match=r"must be at least [01], got (0|-1)"):
        ProgressTracker(epochs, steps, start_step=start)


@pytest.fixture
def logging_restored():
    logger = logging.getLogger("sightline")
    before = (logger.handlers[:], logger.level, logger.propagate)
    logger.handlers = []
    yield
    for handler in logger.handlers:
        handler.close()
    logger.handlers, logger.level, logger.propagate = before


@pytest.mark.usefixtures("logging_restored")
def test_setting_up_twice_writes_each_line_once_to_each_place(tmp_path, capsys):
    file = tmp_path / "deep" / "run.log"
    for _ in range(3):
        logger = setup_logging(file)
    logger.info("resumed at step %d", 7)
    logging.getLogger("sightline.training").warning("loss is NaN")
    for text in (capsys.readouterr().err, file.read_text()):
        assert [line.split(" ", 2)[2] for line in text.splitlines()] == [
            "INFO resumed at step 7",
            "WARNING loss is NaN",
        ]


@pytest.mark.usefixtures("logging_restored")
def test_a_later_set_up_moves_the_file_and_the_level(tmp_path):
    setup_logging(tmp_path / "old.log").info("one")
    setup_logging(tmp_path / "new.log", logging.WARNING).info("two")
    logging.getLogger("sightline").error("three")
    assert "two" not in (tmp_path / "old.log").read_text() + (tmp_path / "new.log").read_text()
    assert (tmp_path / "new.log").read_text().endswith("ERROR three\n")


@pytest.mark.usefixtures("logging_restored")
def test_handlers_of_others_are_left_alone():
    logger = logging.getLogger("sightline")
    own = logging.StreamHandler(io.StringIO())
    logger.addHandler(own)
    setup_logging()
    setup_logging().info("hello")
    assert own in logger.handlers
    assert own.stream.getvalue() == "hello\n"


@pytest.mark.usefixtures("logging_restored")
def test_messages_go_to_what_standard_error_is_now(monkeypatch):
    logger = setup_logging()
    front = io.StringIO()
    monkeypatch.setattr(sys, "stderr", front)
    logger.info("under the bar")
    assert "under the bar" in front.getvalue()
