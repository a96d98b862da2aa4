"""A list of callbacks is a callback."""

from __future__ import annotations

import inspect
from typing import Any

from sightline.callbacks import Callback, CallbackList

HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


class Recorder(Callback):
    def __init__(self, calls: list[tuple[int, str]], number: int) -> None:
        self.calls, self.number = calls, number
        self.memory: dict[str, Any] = {}

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("on_"):
            calls, number = self.calls, self.number
            return lambda *arguments: calls.append((number, name))
        return super().__getattribute__(name)

    def state_dict(self) -> dict[str, Any]:
        return self.memory

    def load_state_dict(self, state: Any) -> None:
        self.memory = dict(state)


def test_there_are_eight_hooks() -> None:
    assert len(HOOKS) == 8


def test_every_hook_reaches_every_callback_in_order() -> None:
    calls: list[tuple[int, str]] = []
    both: Any = CallbackList([Recorder(calls, 1), Recorder(calls, 2)])
    for hook in HOOKS:
        num_arguments = len(inspect.signature(getattr(Callback, hook)).parameters) - 1
        getattr(both, hook)(*[None] * num_arguments)
    assert calls == [(number, hook) for hook in HOOKS for number in (1, 2)]


def test_two_callbacks_of_one_kind_keep_their_own_memories() -> None:
    first, second = Recorder([], 1), Recorder([], 2)
    first.memory, second.memory = {"seen": 1}, {"seen": 2}
    state = CallbackList([first, second]).state_dict()
    others = [Recorder([], 1), Recorder([], 2)]
    CallbackList(others).load_state_dict(state)
    assert [other.memory for other in others] == [{"seen": 1}, {"seen": 2}]


def test_a_callback_that_is_new_since_the_checkpoint_starts_without_memory() -> None:
    state = CallbackList([]).state_dict()
    CallbackList([Recorder([], 1)]).load_state_dict(state)
