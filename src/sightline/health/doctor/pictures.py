"""Pictures whose format TensorBoard does not show."""

from __future__ import annotations

from collections.abc import Sequence

from sightline._amounts import counted
from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.doctor.event_file import NUM_SNIFFED, EventFileFacts
from sightline.health.finding import Level

SUBJECT = "pictures"


def check_pictures(files: Sequence[EventFileFacts]) -> Checkup:
    """Find pictures that are no PNG, JPEG, GIF or BMP; the first of each tag are looked at.

    Args:
        files: The facts of a log directory.

    Returns:
        A complaint for each file and tag: an error for bytes that are no picture at all, a warning
        for formats that only some browsers guess.
    """
    complaints = []
    num_tags = 0
    for file in files:
        num_tags += sum(tag.kind == "image" for tag in file.timelines)
        for tag, (number, found) in file.wrong_formats.items():
            is_guessable = found not in {"", "a NumPy array"}
            what = (
                f"{counted(number, 'picture')} of `{tag.name}` in run `{file.run}`, among the "
                f"first {NUM_SNIFFED} steps, {'is' if number == 1 else 'are'} "
                f"{found or 'no picture file, but other bytes'}; TensorBoard shows PNG, JPEG, GIF "
                "and BMP."
            )
            remedy = (
                "Give the array itself to `log_image`, which encodes it, or write the bytes of a "
                "PNG file into the event."
            )
            level = Level.WARN if is_guessable else Level.ERROR
            complaints.append(Complaint(level, SUBJECT, what, remedy, file.run, file.path))
    return Checkup(SUBJECT, counted(num_tags, "tag"), tuple(complaints))
