"""Steps that come twice, so that TensorBoard shows one point and hides the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from sightline._amounts import counted, listed
from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.doctor.event_file import EventFileFacts, Tag
from sightline.health.doctor.timelines import Timeline
from sightline.health.finding import Level

SUBJECT = "steps"
# Of these one value counts, whatever its step.
_SINGLE = {"graph", "hparams", "layout"}


def check_steps(files: Sequence[EventFileFacts]) -> Checkup:
    """Find steps that repeat or go back within a file, and files that begin a run again.

    In TensorBoard's data server, which is what it uses by default, a point hides the points of its
    tag before it whose step is not lower. A file that goes on
    from a checkpoint goes back a little, and that is fine; one that begins where the run began
    hides all of it.

    Args:
        files: The facts of a log directory.

    Returns:
        At most four complaints a file: errors, and a warning where a run begins again, which may
        be meant.
    """
    complaints: list[Complaint] = []
    num_points = 0
    by_run: dict[str, list[EventFileFacts]] = defaultdict(list)
    for file in files:
        by_run[file.run].append(file)
        num_points += sum(timeline.num_points for timeline in file.timelines.values())
        complaints += _within(file)
    for of_run in by_run.values():
        complaints += _begun_again(of_run)
    return Checkup(SUBJECT, counted(num_points, "point"), tuple(complaints))


def _within(file: EventFileFacts) -> Iterator[Complaint]:
    stuck, repeats, falls = (
        _tags(file, wrong)
        for wrong in (_is_stuck, lambda one: one.num_repeats and not _is_stuck(one),
                      lambda one: one.num_falls)
    )  # fmt: skip
    hidden = "; TensorBoard's data server shows the last point of a step"
    if stuck:
        timeline = file.timelines[stuck[0]]
        what = f"All {timeline.num_points:,} points of {_named(stuck)} in run `{file.run}` are at "
        what += f"step {timeline.min_step:,}{hidden}."
        yield _complaint(file, what, "Pass the step with each call: `log_metrics(..., step=step)`.")
    if repeats:
        timeline = file.timelines[repeats[0]]
        what = f"{timeline.num_repeats:,} of {timeline.num_points:,} points of {_named(repeats)} "
        what += f"in run `{file.run}` repeat the step before them{hidden}."
        yield _complaint(file, what, "Log a tag once a step, or under a tag of its own.")
    if falls:
        timeline = file.timelines[falls[0]]
        what = f"Steps of {_named(falls)} in run `{file.run}` go back "
        what += f"{counted(timeline.num_falls, 'time')}, by up to {timeline.deepest_fall:,}; each "
        what += "point hides those before it whose step is not lower."
        remedy = "Count the optimizer's steps over the whole training, not anew in each epoch."
        yield _complaint(file, what, remedy)


def _tags(file: EventFileFacts, wrong: Callable[[Timeline], object]) -> list[Tag]:
    found = [tag for tag, one in file.timelines.items() if tag.kind not in _SINGLE and wrong(one)]
    return sorted(found, key=lambda tag: -_num_wrong(file.timelines[tag]))


def _num_wrong(timeline: Timeline) -> int:
    return timeline.num_repeats + timeline.num_falls


def _is_stuck(timeline: Timeline) -> bool:
    return timeline.num_repeats > 0 and timeline.min_step == timeline.max_step


def _begun_again(files: Sequence[EventFileFacts]) -> Iterator[Complaint]:
    """Files of one run, one after the other, of which the later begins where the run began."""
    for number, file in enumerate(files[1:], start=1):
        hidden: dict[Tag, int] = {}
        for tag, later in file.timelines.items():
            if tag.kind in _SINGLE:
                continue
            for before in files[:number]:
                one = before.timelines.get(tag)
                if one and one.num_points > 1 and later.min_step <= one.min_step < one.max_step \
                        and later.min_time >= one.max_time:  # fmt: skip
                    hidden[tag] = hidden.get(tag, 0) + one.num_points
        if hidden:
            tags = sorted(hidden, key=lambda tag: -hidden[tag])
            what = (
                f"`{file.name}` begins run `{file.run}` again at step "
                f"{file.timelines[tags[0]].min_step:,} and so hides {hidden[tags[0]]:,} earlier "
                f"points of {_named(tags)}."
            )
            remedy = (
                "Give a new training a new name; to go on with one, pass its step as "
                "`resume_step`. Move the older files into a folder of their own to see them."
            )
            yield _complaint(file, what, remedy, Level.WARN)


def _named(tags: Sequence[Tag]) -> str:
    return listed([tag.name for tag in tags])


def _complaint(
    file: EventFileFacts, what: str, remedy: str, level: Level = Level.ERROR
) -> Complaint:
    return Complaint(level, SUBJECT, what, remedy, file.run, file.path)
