"""A log directory that is read."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

from sightline.events.reading import Damage
from sightline.reading import dataframes
from sightline.reading.columns import Columns, columns_of
from sightline.reading.follow import follow
from sightline.reading.places import Place, find_runs
from sightline.reading.run import Run, unknown_name

if TYPE_CHECKING:
    import polars


class Log:
    """The runs of a log directory; each is read when something of it is first asked for.

    Args:
        logdir: A run's directory, a folder of runs, one event file, or a URL of these.
        raw: Keep what restarts drop.
    """

    def __init__(self, logdir: str | os.PathLike[str], *, raw: bool = False) -> None:
        self.logdir = logdir
        self._raw = raw
        self._runs: dict[str, Run] = {}
        self._discover()

    def __repr__(self) -> str:
        """The directory, and how many runs it has."""
        return f"<Log {str(self.logdir)!r}: {len(self._runs)} runs>"

    @property
    def runs(self) -> Mapping[str, Run]:
        """Runs by name, as TensorBoard shows them: `.` for the directory itself."""
        return dict(self._runs)

    def __getitem__(self, name: str) -> Run:
        """The run of a name."""
        if name not in self._runs:
            raise KeyError(unknown_name("the name of a run", name, list(self._runs)))
        return self._runs[name]

    @property
    def run(self) -> Run:
        """The run, where there is exactly one."""
        if len(self._runs) != 1:
            listed = ", ".join(repr(name) for name in list(self._runs)[:10])
            raise ValueError(
                f"expected one run in {self.logdir}, got {len(self._runs)}; "
                f"name one of them, as in log[name]: {listed}"
            )
        [run] = self._runs.values()
        return run

    @property
    def damage(self) -> list[Damage]:
        """What could not be read of all runs; those not read yet are read now.

        Large records of pictures and the like are only checked when they are looked at.
        """
        return [damage for run in self._runs.values() for damage in run.damage]

    def columns(
        self, tags: Iterable[str] | None = None, runs: Iterable[str] | None = None
    ) -> Columns:
        """The scalars of all runs: run by run, tag by tag, in the order of the file.

        Args:
            tags: Which tags; None for all.
            runs: Which runs; None for all.

        Returns:
            Columns run, tag, step, wall_time, value.
        """
        wanted = self._runs if runs is None else {name: self[name] for name in runs}
        return columns_of(wanted, tags)

    def to_pandas(
        self,
        tags: Iterable[str] | None = None,
        runs: Iterable[str] | None = None,
        *,
        wide: bool = False,
    ) -> Any:
        """The scalars as a table of pandas.

        Args:
            tags: Which tags; None for all.
            runs: Which runs; None for all.
            wide: One column a tag, with run and step as index; of several points of one tag at one
                step the last one counts.

        Returns:
            Columns run and tag (categorical), step, wall_time, value.

        Raises:
            ValueError: If a tag of a wide table is called run or step; `tags` leaves it out.
        """  # noqa: DOC502
        return dataframes.to_pandas(self.columns(tags, runs), wide=wide)

    def to_polars(
        self,
        tags: Iterable[str] | None = None,
        runs: Iterable[str] | None = None,
        *,
        wide: bool = False,
    ) -> polars.DataFrame:
        """The scalars as a table of Polars.

        Args:
            tags: Which tags; None for all.
            runs: Which runs; None for all.
            wide: Columns run and step, and one for each tag; of several points of one tag at one
                step the last one counts.

        Returns:
            Columns run and tag (categorical), step, wall_time, value.

        Raises:
            ValueError: If a tag of a wide table is called run or step; `tags` leaves it out.
        """  # noqa: DOC502
        return dataframes.to_polars(self.columns(tags, runs), wide=wide)

    def to_arrow(
        self,
        tags: Iterable[str] | None = None,
        runs: Iterable[str] | None = None,
        *,
        wide: bool = False,
    ) -> Any:
        """The scalars as an Arrow table.

        Args:
            tags: Which tags; None for all.
            runs: Which runs; None for all.
            wide: Columns run and step, and one for each tag; of several points of one tag at one
                step the last one counts.

        Returns:
            Columns run and tag (dictionaries), step, wall_time, value.

        Raises:
            ValueError: If a tag of a wide table is called run or step; `tags` leaves it out.
        """  # noqa: DOC502
        return dataframes.to_arrow(self.columns(tags, runs), wide=wide)

    def refresh(self, *, may_grow: bool = False) -> int:
        """Read what was appended since, new files and new runs too; only new bytes are read.

        Args:
            may_grow: Whether to wait for the rest of a record that is not whole, rather than to
                look for other records in what is there of it.

        Returns:
            How many records are new.
        """
        places = self._discover()
        return sum(run.refresh(places[name], may_grow=may_grow) for name, run in self._runs.items())

    def follow(
        self,
        *,
        poll_secs: float = 0.2,
        stop: Callable[[], bool] | threading.Event | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> Iterator[Columns]:
        """Yield the points that are there, and then those that are appended, as they come.

        Points of a step that a restart goes back to come again with their new values, and so do all
        points of a run whose file was replaced. The rest of a torn record is waited for. This log
        is left as it is.

        Args:
            poll_secs: Pause between two looks at the files.
            stop: Ends it, after a last look, when it is set or returns True; None for never.
            sleep: What makes the pause.

        Returns:
            An iterator of columns, none of which is empty.
        """
        return follow(Log(self.logdir, raw=True), poll_secs, stop, sleep)

    def _discover(self) -> dict[str, list[Place]]:
        places = find_runs(self.logdir)
        for name, files in places.items():
            if name not in self._runs:
                self._runs[name] = Run(name, files, raw=self._raw)
        for name in self._runs.keys() - places.keys():
            del self._runs[name]
        self._runs = {name: self._runs[name] for name in places}
        return places


@overload
def read(
    logdir: str | os.PathLike[str], *, raw: bool = ..., follow: Literal[False] = ...
) -> Log: ...
@overload
def read(
    logdir: str | os.PathLike[str], *, raw: bool = ..., follow: Literal[True]
) -> Iterator[Columns]: ...
def read(
    logdir: str | os.PathLike[str], *, raw: bool = False, follow: bool = False
) -> Log | Iterator[Columns]:
    """Read TensorBoard's event files, of whatever writer.

    Nothing is read before it is asked for; scalars are read without the pictures between them. A
    damaged record is skipped, and stands in `log.damage`.

    Where a run was started again, what TensorBoard shows is shown: within a tag, a point drops the
    points before it whose step is not lower, as TensorBoard's data server does, so that five points
    all at step 0 leave one; and the start of a session, other than a run's first, drops the points
    of all tags from its step on, as TensorBoard's other loader does.

    Args:
        logdir: A run's directory, a folder of runs at any depth, one event file, or a URL of these
            (`s3://...`), which takes `pip install "sightline[remote]"`.
        raw: Keep what restarts drop.
        follow: Return an iterator of what is there and of what comes, as `log.follow()` does.

    Returns:
        The log, or batches of its points.

    Raises:
        FileNotFoundError: If there is no event file; with `follow`, they are waited for.
    """
    log = Log(logdir, raw=raw)
    if follow:
        return log.follow()
    if not log.runs:
        raise FileNotFoundError(
            f"expected an event file or a directory with event files below it, got {logdir}; "
            "name the directory that TensorBoard is started on"
        )
    return log
