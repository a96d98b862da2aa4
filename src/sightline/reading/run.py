"""One run of a log directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from sightline.events.messages import Metadata
from sightline.events.reading import Damage
from sightline.events.wire import WireError
from sightline.reading.blobs import Blob, BlobSequence
from sightline.reading.event_files import EventFileReader, Replaced
from sightline.reading.hparams import HParams
from sightline.reading.places import Place
from sightline.reading.series import Series
from sightline.reading.store import Store
from sightline.reading.templates import Templates
from sightline.reading.values import Audio, Histogram, Image, TensorValue, Text

T = TypeVar("T")
B = TypeVar("B", bound=Blob)
TENSOR_KINDS = ("tensor", "pr_curve", "mesh", "layout")


class ByTag(Mapping[str, T], Generic[T]):
    """What a run holds of one kind, by tag; each is made when it is asked for.

    Args:
        kind: What the values are, in the plural.
        tags: Their tags.
        make: From a tag to what stands under it.
    """

    def __init__(self, kind: str, tags: list[str], make: Callable[[str], T]) -> None:
        self._kind = kind
        self._tags = dict.fromkeys(tags)
        self._make = make

    def __getitem__(self, tag: str) -> T:
        """What stands under a tag."""
        if tag not in self._tags:
            raise KeyError(unknown_name(f"a tag of {self._kind}", tag, list(self._tags)))
        return self._make(tag)

    def __contains__(self, tag: object) -> bool:
        """Whether there is such a tag."""
        return tag in self._tags

    def __iter__(self) -> Iterator[str]:
        """The tags, in the order of their first values."""
        return iter(self._tags)

    def __len__(self) -> int:
        """How many tags there are."""
        return len(self._tags)

    def __repr__(self) -> str:
        """The tags."""
        return f"<{self._kind}: {', '.join(self._tags)}>"


class Run:
    """One run of a log directory; its files are read when something of it is first asked for.

    Args:
        name: As TensorBoard shows it.
        places: Its event files, in order.
        raw: Keep what restarts drop.
    """

    def __init__(self, name: str, places: list[Place], *, raw: bool = False) -> None:
        self.name = name
        self._raw = raw
        self._places = places
        self._is_loaded = False
        self._series: dict[str, Series] = {}
        self._reset()

    def __repr__(self) -> str:
        """Its name."""
        return f"<Run {self.name!r}>"

    @property
    def tags(self) -> Mapping[str, str]:
        """Kind by tag: `scalar`, `image`, `histogram`, `text`, `audio`, `hparams`, ..."""
        return dict(self._loaded().kinds)

    @property
    def metadata(self) -> Mapping[str, Metadata]:
        """What the first value of a tag says of the tag: its description, for one."""
        return dict(self._loaded().metadata)

    @property
    def scalars(self) -> Mapping[str, Series]:
        """The points of each scalar."""
        return ByTag("scalars", self._loaded().scalar_tags, self._one_series)

    @property
    def images(self) -> Mapping[str, BlobSequence[Image]]:
        """Pictures."""
        return self._blobs("images", Image, ("image",))

    @property
    def histograms(self) -> Mapping[str, BlobSequence[Histogram]]:
        """Histograms."""
        return self._blobs("histograms", Histogram, ("histogram",))

    @property
    def texts(self) -> Mapping[str, BlobSequence[Text]]:
        """Texts."""
        return self._blobs("texts", Text, ("text",))

    @property
    def audio(self) -> Mapping[str, BlobSequence[Audio]]:
        """Sounds."""
        return self._blobs("audio", Audio, ("audio",))

    @property
    def tensors(self) -> Mapping[str, BlobSequence[TensorValue]]:
        """All other arrays: precision-recall curves, meshes, layouts of custom charts, ..."""
        return self._blobs("tensors", TensorValue, TENSOR_KINDS)

    @property
    def hparams(self) -> dict[str, bool | float | str]:
        """Hyperparameters by name; empty where the run has none."""
        return self._hparams().values

    @property
    def status(self) -> str | None:
        """`running`, `success` or `failure`; None where the run has no hyperparameters."""
        return self._hparams().status

    @property
    def group_name(self) -> str | None:
        """Name of the group of runs with the same hyperparameters, or None."""
        return self._hparams().group_name

    @property
    def damage(self) -> list[Damage]:
        """What could not be read, the torn ends of files included."""
        torn = (reader.torn for reader in self._readers)
        damage = [*self._loaded().damage, *(one for one in torn if one is not None)]
        return sorted(damage, key=lambda one: (str(one.path), one.offset))

    def refresh(self, places: list[Place] | None = None, *, may_grow: bool = False) -> int:
        """Read what was appended since.

        Args:
            places: The event files that there are now; None for those of before.
            may_grow: Whether to wait for the rest of a record that is not whole, rather than to
                look for other records in what is there of it.

        Returns:
            How many records are new; all of them where a file was replaced, and the run had to be
            read anew.
        """
        before = self._store.num_records
        if places is not None:
            known = {str(place.path) for place in self._places}
            if known - {str(place.path) for place in places}:
                self._places = places
                self._reset()
                before = 0
            else:
                self._places += [place for place in places if str(place.path) not in known]
        try:
            self._read(may_grow)
        except Replaced:
            self._reset()
            before = 0
            self._read(may_grow)
        self._series.clear()
        self._is_loaded = True
        return self._store.num_records - before

    @property
    def store(self) -> Store:
        """What has been read so far."""
        return self._store

    def _read(self, may_grow: bool) -> None:
        for place in self._places[len(self._readers) :]:
            number = len(self._readers)
            self._store.places.append(place)
            self._readers.append(EventFileReader(place, number, self._store, self._templates))
        for reader in self._readers:
            reader.read(may_grow=may_grow)

    def _reset(self) -> None:
        self._store = Store(raw=self._raw)
        self._templates = Templates()
        self._readers: list[EventFileReader] = []
        self._series.clear()

    def _loaded(self) -> Store:
        if not self._is_loaded:
            self.refresh()
        return self._store

    def _one_series(self, tag: str) -> Series:
        if tag not in self._series:
            self._series[tag] = self._store.series(tag)
        return self._series[tag]

    def _blobs(
        self, plural: str, make: type[B], kinds: tuple[str, ...]
    ) -> Mapping[str, BlobSequence[B]]:
        store = self._loaded()
        found = {tag: blobs for (kind, tag), blobs in store.blobs.items() if kind in kinds}
        return ByTag(
            plural,
            list(found),
            lambda tag: BlobSequence(make, found[tag], store, raw=self._raw),
        )

    def _hparams(self) -> HParams:
        found = HParams()
        for _, content in sorted(self._loaded().hparams):
            try:
                found.update(content)
            except WireError:  # damage with a right checksum; what else there is counts
                continue
        return found


def unknown_name(what: str, name: str, known: list[str]) -> str:
    """Say that there is nothing under a name, and what there is.

    Args:
        what: What was asked for.
        name: Its name.
        known: The names that there are.

    Returns:
        A message.
    """
    listed = ", ".join(repr(one) for one in sorted(known)[:10]) or "none"
    more = f" and {len(known) - 10} more" if len(known) > 10 else ""
    return f"expected {what}, got {name!r}; use one of: {listed}{more}"
