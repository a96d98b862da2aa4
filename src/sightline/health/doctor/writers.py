"""Several writers that log into one run at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sightline._amounts import counted, duration, listed
from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.doctor.event_file import EventFileFacts, Tag
from sightline.health.doctor.timelines import Timeline
from sightline.health.finding import Level

SUBJECT = "writers"
Pair = tuple[str, str]


def check_writers(files: Sequence[EventFileFacts]) -> Checkup:
    """Find event files of one run that log the same tags over the same time and steps.

    Files that follow each other, as after a resume or at a size limit, are fine, and so are two
    writers that share no tag.

    Args:
        files: The facts of a log directory.

    Returns:
        A complaint for each run that has such files.
    """
    by_run: dict[str, list[EventFileFacts]] = defaultdict(list)
    for file in files:
        by_run[file.run].append(file)
    complaints = []
    for of_run in by_run.values():
        shared: dict[Pair, list[Tag]] = defaultdict(list)
        seconds: dict[Pair, float] = defaultdict(float)
        for tag, pair, overlap in interleaved(of_run):
            shared[pair].append(tag)
            seconds[pair] = max(seconds[pair], overlap)
        if shared:
            complaints.append(_complaint(of_run, shared, seconds))
    found = f"{counted(len(files), 'file')} in {counted(len(by_run), 'run')}"
    return Checkup(SUBJECT, found, tuple(complaints))


def interleaved(files: Sequence[EventFileFacts]) -> Iterator[tuple[Tag, Pair, float]]:
    """Tags that two files of a run log over the same time and the same steps.

    Args:
        files: The facts of one run.

    Yields:
        The tag, the paths of both files, and for how many seconds they overlap.
    """
    by_tag: dict[Tag, list[tuple[Timeline, str]]] = defaultdict(list)
    for file in files:
        for tag, timeline in file.timelines.items():
            by_tag[tag].append((timeline, file.path))
    for tag, of_tag in by_tag.items():
        of_tag.sort(key=lambda pair: pair[0].min_time)
        longest, path = of_tag[0]
        for later, later_path in of_tag[1:]:
            overlap = min(longest.max_time, later.max_time) - later.min_time
            if overlap > 0 and steps_overlap(longest, later):
                yield tag, (path, later_path), overlap
            if later.max_time > longest.max_time:
                longest, path = later, later_path


def steps_overlap(one: Timeline, other: Timeline) -> bool:
    """Whether two timelines have steps between each other's."""
    return one.min_step <= other.max_step and other.min_step <= one.max_step


def _complaint(
    files: Sequence[EventFileFacts], shared: dict[Pair, list[Tag]], seconds: dict[Pair, float]
) -> Complaint:
    pair = max(shared, key=lambda one: (len(shared[one]), seconds[one]))
    known = {file.path: file for file in files}
    one, other = (_writer(known[path]) for path in pair)
    run = files[0].run
    tags = listed([tag.name for tag in shared[pair]])
    what = (
        f"{one} and {other} both wrote {tags} into run `{run}` for {duration(seconds[pair])}, over "
        "the same steps; TensorBoard joins them into one curve and drops points."
    )
    if len(shared) > 1:
        what += f" There are {len(shared)} such pairs of files."
    remedy = (
        'Give each process a run of its own (another name, or `ranks="each"` under torchrun), '
        "and each run one logger; move one of the files into a folder of its own."
    )
    return Complaint(Level.ERROR, SUBJECT, what, remedy, run, pair[1])


def _writer(file: EventFileFacts) -> str:
    writer = file.writer
    return f"process {writer.pid} on {writer.host}" if writer else f"the writer of `{file.name}`"
