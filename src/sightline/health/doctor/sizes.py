"""Runs that are too large to be opened quickly, and what makes them large."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sightline._amounts import counted, size
from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.doctor.event_file import EventFileFacts, Tag
from sightline.health.finding import Level

SUBJECT = "size"
LARGE_BYTES = 1_000_000_000
EMBEDDING = "embedding"
# What TensorBoard's projector reads, as Sightline, torch and tensorboardX name it.
_PROJECTOR_FILES = {"tensor.bytes", "tensors.tsv", "tensors.bytes", "metadata.tsv", "sprite.png"}
_REMEDIES = {
    "scalar": "Log scalars every few steps, or their mean over them.",
    "image": "Log pictures less often, fewer of them, or at half the size.",
    "histogram": "Log histograms less often, or of fewer parameters.",
    "audio": "Log sounds less often, or shorter ones.",
    "mesh": "Log meshes less often, or with fewer vertices.",
    "graph": "Log the graph once.",
    EMBEDDING: "Log fewer vectors, smaller thumbnails, or embeddings less often.",
}
_OTHER_REMEDY = "Log it less often, or less of it."


def embedding_bytes(logdir: Path, runs: Iterable[str]) -> dict[str, dict[Tag, int]]:
    """How much the embeddings take that lie beside event files.

    Args:
        logdir: The log directory.
        runs: Its runs.

    Returns:
        Bytes by run, and by tag: the folder below the run, without the step that it ends with.
    """
    found: dict[str, Counter[Tag]] = defaultdict(Counter)
    known = set(runs)
    for folder, _, names in os.walk(logdir):
        wanted = _PROJECTOR_FILES.intersection(names)
        if not wanted:
            continue
        below = Path(folder).relative_to(logdir)
        run = next((one for one in [below, *below.parents] if one.as_posix() in known), None)
        if run is None:
            continue
        parts = [part for part in below.relative_to(run).parts if not part.lstrip("-").isdigit()]
        tag = Tag(EMBEDDING, "/".join(parts) or ".")
        for name in wanted:
            found[run.as_posix()][tag] += Path(folder, name).stat().st_size
    return {run: dict(sizes) for run, sizes in found.items()}


def check_sizes(
    files: Sequence[EventFileFacts],
    embeddings: Mapping[str, Mapping[Tag, int]],
    *,
    large_bytes: int = LARGE_BYTES,
) -> Checkup:
    """Find runs that TensorBoard takes long to load, and say what takes the bytes.

    Args:
        files: The facts of a log directory.
        embeddings: Bytes of embeddings by run and tag.
        large_bytes: From how many bytes on a run is too large.

    Returns:
        A complaint for each run that is too large.
    """
    by_run: dict[str, Counter[Tag]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for file in files:
        by_run[file.run].update(file.bytes_by_tag)
        totals[file.run] += file.num_bytes
    for run, sizes in embeddings.items():
        by_run[run].update(sizes)
        totals[run] += sum(sizes.values())
    complaints = tuple(
        _complaint(run, by_run[run], total)
        for run, total in totals.most_common()
        if total >= large_bytes
    )
    found = f"{size(totals.total())} in {counted(len(totals), 'run')}"
    return Checkup(SUBJECT, found, complaints)


def _complaint(run: str, sizes: Counter[Tag], total: int) -> Complaint:
    by_kind: Counter[str] = Counter()
    for tag, num_bytes in sizes.items():
        by_kind[tag.kind] += num_bytes
    shares = []
    for kind, num_bytes in by_kind.most_common(3):
        share = f"{kind}s {size(num_bytes)}"
        name, most = max(((tag.name, sizes[tag]) for tag in sizes if tag.kind == kind),
                         key=lambda pair: pair[1])  # fmt: skip
        shares.append(f"{share} (tag `{name}` {size(most)})")
    what = f"Run `{run}` takes {size(total)}, which TensorBoard reads anew at each start"
    what += f": {', '.join(shares)}." if shares else "."
    largest = by_kind.most_common(1)
    remedy = _REMEDIES.get(largest[0][0], _OTHER_REMEDY) if largest else _OTHER_REMEDY
    return Complaint(Level.WARN, SUBJECT, what, remedy, run)
