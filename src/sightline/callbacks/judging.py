"""A writer that judges what passes by."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from sightline.health import Finding, Judge, Rules, Verdict
from sightline.writers import Scalar, Value


class JudgingWriter:
    """Hands scalars to health rules, in the logger's worker thread.

    Args:
        rules: Those of a preset, or fresh rules.
    """

    supports: frozenset[type] = frozenset({Scalar})

    def __init__(self, rules: Rules) -> None:
        self.news: deque[Finding] = deque()
        self._judge = Judge(rules)
        self._lock = threading.Lock()

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Judge values."""
        scalars = {
            tag: float(value.value) for tag, value in values.items() if isinstance(value, Scalar)
        }
        with self._lock:
            self.news.extend(self._judge.update(step, scalars))

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def verdict(self) -> Verdict:
        """What was found so far."""
        with self._lock:
            return self._judge.verdict()

    def memory(self) -> str:
        """All that the rules remember, as JSON."""
        with self._lock:
            return json.dumps(self._judge.state_dict())

    def begin_again(self, rules: Rules, memory: str | None) -> None:
        """Judge on with other rules.

        Args:
            rules: Those of a preset, or fresh rules.
            memory: What they are to remember; None for nothing.
        """
        judge = Judge(rules)
        if memory is not None:
            state: dict[str, Any] = json.loads(memory)
            judge.load_state_dict(state)
        with self._lock:
            self._judge = judge
            self.news.clear()
