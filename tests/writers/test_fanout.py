from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from sightline.writers import Fanout, Histogram, Memory, Scalar, Text, Value


class Broken(Memory):
    supports: frozenset[type] = frozenset({Scalar})

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        raise OSError("write")

    def flush(self) -> None:
        raise OSError("flush")

    def close(self) -> None:
        raise OSError("close")


class Noted(Memory):
    def __init__(self, name: str, notes: list[str]) -> None:
        super().__init__()
        self.name, self.notes = name, notes

    def flush(self) -> None:
        self.notes.append(f"flush {self.name}")

    def close(self) -> None:
        self.notes.append(f"close {self.name}")


def test_each_writer_gets_what_it_supports() -> None:
    class Texts(Memory):
        supports: frozenset[type] = frozenset({Text})

    everything, texts = Memory(), Texts()
    writer = Fanout([everything, texts])
    assert writer.supports == everything.supports
    writer.write({"a": Scalar(1.0), "b": Text("t")}, step=0, wall_time=0.0)
    writer.write({"c": Histogram(np.ones(2))}, step=0, wall_time=0.0)
    assert [item.tag for item in everything.written] == ["a", "b", "c"]
    assert [item.tag for item in texts.written] == ["b"]


@pytest.mark.parametrize("verb", ["write", "flush", "close"])
def test_a_writer_that_fails_keeps_none_of_the_others_from_its_turn(verb: str) -> None:
    notes: list[str] = []
    first, last = Noted("first", notes), Noted("last", notes)
    writer = Fanout([first, Broken(), last])
    arguments = ({"a": Scalar(1.0)},) if verb == "write" else ()
    place = {"step": 0, "wall_time": 0.0} if verb == "write" else {}
    with pytest.raises(OSError, match=verb):
        getattr(writer, verb)(*arguments, **place)
    if verb == "write":
        assert first.scalars() == last.scalars() == {"a": [(0, 1.0)]}
    else:
        assert notes == [f"{verb} first", f"{verb} last"]


def test_the_writers_have_their_turn_in_order() -> None:
    turns: list[str] = []

    class Named(Memory):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
            turns.append(self.name)

    Fanout([Named("a"), Named("b"), Named("c")]).write({"a": Scalar(1.0)}, step=0, wall_time=0.0)
    assert turns == ["a", "b", "c"]


def test_no_writers_are_a_writer_that_takes_nothing() -> None:
    assert Fanout([]).supports == frozenset()
