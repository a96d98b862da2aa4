from __future__ import annotations

import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter

from sightline import MetricsLogger, read
from sightline.health.doctor.event_file import EventFileFacts, Tag
from tests.health.doctor.files import event_file, facts_of_one, flip, record_offsets, write_scalars


def test_what_a_file_holds_is_counted_by_kind_and_tag(tmp_path):
    with MetricsLogger("run", tmp_path) as logger:
        for step in range(5_000):
            logger.log_metrics({"a": step, "b": step}, step=step)
            if step % 1_000 == 0:
                logger.log_metrics({"b": step, "c": step}, step=step + 100_000)
                logger.log_image("p", np.random.default_rng(0).random((80, 80, 3)), step=step)
                logger.log_histogram("h", np.arange(100.0), step=step)
    facts = facts_of_one(tmp_path)
    run = read(tmp_path, raw=True)["run"]
    for tag in "abc":
        series, timeline = run.scalars[tag], facts.timelines[Tag("scalar", tag)]
        assert timeline.num_points == len(series)
        assert timeline.min_step == series.steps.min()
        assert timeline.max_step == series.steps.max()
        assert timeline.max_time == series.wall_times.max()
        assert timeline.num_falls == (np.diff(series.steps) < 0).sum()
    assert facts.timelines[Tag("image", "p")].num_points == 5
    assert facts.timelines[Tag("histogram", "h")].num_points == 5
    content = sum(len(one.content) for one in run.images["p"])
    assert facts.bytes_by_tag[Tag("image", "p")] == content
    assert facts.num_bytes == event_file(tmp_path / "run").stat().st_size
    assert sum(facts.bytes_by_tag.values()) == pytest.approx(facts.num_bytes, rel=1e-3)


def test_a_flat_file_of_another_writer_gives_the_same(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for step in range(300):
            writer.add_scalar("a", 0.5, step)
            writer.add_scalar("b", 0.5, 2 * step)
    facts = facts_of_one(tmp_path)
    assert facts.timelines[Tag("scalar", "b")].max_step == 598
    assert facts.timelines[Tag("scalar", "a")].num_falls == 0
    assert facts.timelines[Tag("scalar", "b")].num_points == 300


def test_a_tag_twice_in_one_event_is_a_step_that_repeats(tmp_path):
    with MetricsLogger("run", tmp_path) as logger:
        for step in range(50):
            logger.log_metrics({"a": 1.0, "b": 2.0}, step=step)
            logger.log_metrics({"a": 1.0}, step=step)
    facts = facts_of_one(tmp_path)
    timeline = facts.timelines[Tag("scalar", "a")]
    assert (timeline.num_points, timeline.num_repeats, timeline.num_falls) == (100, 50, 0)


def test_damage_of_a_small_and_of_a_large_record_is_found(tmp_path):
    with MetricsLogger("run", tmp_path) as logger:
        logger.log_metrics({"a": 1.0}, step=0)
        logger.log_image("p", np.random.default_rng(0).random((200, 200, 3)), step=1)
        logger.flush()
        logger.log_metrics({"a": 1.0}, step=2)
    path = event_file(tmp_path / "run")
    assert facts_of_one(tmp_path).damage == []
    offsets = record_offsets(path)
    sizes = np.diff([*offsets, path.stat().st_size])
    large = offsets[int(sizes.argmax())]
    assert sizes.max() > 64 << 10
    flip(path, large + int(sizes.max()) // 2)
    flip(path, offsets[-1] + 14)
    facts = facts_of_one(tmp_path)
    assert [one.offset for one in facts.damage] == [large, offsets[-1]]
    assert {one.reason for one in facts.damage} == {"the checksum of the data is wrong"}


def test_a_torn_end_is_no_damage(tmp_path):
    write_scalars(tmp_path, [(step, step) for step in range(5)])
    path = event_file(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    facts = facts_of_one(tmp_path)
    assert facts.damage == []
    assert facts.torn is not None
    assert facts.torn.offset == record_offsets(path)[-1]


def test_who_wrote_a_file_stands_in_its_name():
    writer = EventFileFacts("r", "d/events.out.tfevents.1700000000.gpu-7.cluster.123.0").writer
    assert writer == ("gpu-7.cluster", 123, 1_700_000_000.0)
    assert EventFileFacts("r", "d/my.tfevents").writer is None


def test_a_link_that_leads_nowhere_is_noted_and_ends_nothing(tmp_path):
    (tmp_path / "events.out.tfevents.1700000000.h.1.0").symlink_to(tmp_path / "gone")
    assert facts_of_one(tmp_path).unreadable == "No such file or directory"
