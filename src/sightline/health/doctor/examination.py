"""The whole examination: the environment, and one pass over a log directory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from sightline.health.doctor import accelerators, ports, sizes, storage
from sightline.health.doctor.clocks import check_clocks
from sightline.health.doctor.complaint import Checkup
from sightline.health.doctor.damage import check_damage
from sightline.health.doctor.distributions import installed
from sightline.health.doctor.event_file import EventFileFacts, read_facts
from sightline.health.doctor.extras import check_extras
from sightline.health.doctor.flushing import check_flushing
from sightline.health.doctor.pictures import check_pictures
from sightline.health.doctor.steps import check_steps
from sightline.health.doctor.versions import check_versions
from sightline.health.doctor.writers import check_writers
from sightline.reading.places import Place, find_runs, is_url


def examine_environment(
    *, port: int = ports.DEFAULT_PORT, host: str = "localhost"
) -> list[Checkup]:
    """Examine what is installed, the GPUs and the port of TensorBoard.

    Args:
        port: The port that TensorBoard shall have.
        host: The address that it shall listen on.

    Returns:
        A check-up for each subject: versions, extras, GPU, port.

    Raises:
        OSError: If the address is none of this machine.
    """  # noqa: DOC502
    environment = installed()
    return [
        check_versions(environment),
        check_extras(environment),
        accelerators.check_accelerators(accelerators.gather_accelerators(environment)),
        ports.check_port(ports.gather_port(port, host)),
    ]


def examine_log(
    logdir: str | os.PathLike[str],
    *,
    large_bytes: int = sizes.LARGE_BYTES,
    clock: Callable[[], float] = time.time,
    each: Callable[[list[tuple[str, Place]]], Iterable[tuple[str, Place]]] = iter,
) -> list[Checkup]:
    """Examine a log directory; each event file is read once, and held in pieces.

    Args:
        logdir: A run, a folder of runs, one event file, or a URL of these.
        large_bytes: From how many bytes on a run is too large.
        clock: Gives the seconds since 1970.
        each: Walks over the files, as for a progress bar.

    Returns:
        A check-up for each subject: disk, flushing, records, steps, writers, clock, pictures, size.

    Raises:
        FileNotFoundError: If there is no event file.
    """
    runs = find_runs(logdir)
    places = [(name, place) for name, found in runs.items() for place in found]
    if not places:
        raise FileNotFoundError(
            f"expected an event file or a directory with event files below it, got {logdir}; "
            "name the directory that TensorBoard is started on"
        )
    files: list[EventFileFacts] = [read_facts(name, place) for name, place in each(places)]
    now = clock()
    checkups = [
        check_flushing(files, now=now),
        check_damage(files, now=now),
        check_steps(files),
        check_writers(files),
        check_clocks(files, now=now),
        check_pictures(files),
    ]
    if is_url(logdir):
        return [*checkups, sizes.check_sizes(files, {}, large_bytes=large_bytes)]
    root = Path(logdir) if Path(logdir).is_dir() else Path(logdir).parent
    embeddings = sizes.embedding_bytes(root, runs)
    return [
        storage.check_storage(storage.gather_storage(root)),
        *checkups,
        sizes.check_sizes(files, embeddings, large_bytes=large_bytes),
    ]
