"""Says while the run goes on that something is wrong with it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from sightline.callbacks.base import Callback, Trainer
from sightline.health import Finding, Judge, Level, Rules, Verdict
from sightline.writers import Scalar, Value

log = logging.getLogger(__name__)


class HealthMonitor(Callback):
    """Judges every logged value, warns, and ends a run whose loss is no longer a number.

    The rules run in the logger's worker thread on the values that go to disk; the training thread
    only looks whether they found something.

    | tag | meaning |
    |---|---|
    | `run/alerts` | what was found, why it matters and what to try |

    Args:
        rules: Fresh rules, as from `sightline.health.hjepa`.
    """

    def __init__(self, rules: Rules) -> None:
        self._judging = self.writer = JudgingWriter(rules)

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Pass on what was found since the last step."""
        self._report(trainer)

    def on_train_end(self, trainer: Trainer) -> None:
        """Wait for the last values to be judged, and pass on what was found."""
        trainer.logger.drain()
        self._report(trainer)

    def verdict(self) -> Verdict:
        """What was found so far.

        Returns:
            The verdict over all rules.
        """
        return self._judging.judge.verdict()

    def _report(self, trainer: Trainer) -> None:
        while self._judging.news:
            finding = self._judging.news.popleft()
            severity = logging.ERROR if finding.level >= Level.ERROR else logging.WARNING
            log.log(severity, "%s", finding)
            trainer.logger.log_alert(str(finding), step=trainer.step)
            if finding.rule == "non_finite":
                trainer.stop(f"{finding.tag} is {finding.value}")


class JudgingWriter:
    """A writer that hands scalars to health rules.

    Args:
        rules: Fresh rules.
    """

    supports: frozenset[type] = frozenset({Scalar})

    def __init__(self, rules: Rules) -> None:
        self.judge = Judge(rules)
        self.news: deque[Finding] = deque()

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Judge values."""
        scalars = {
            tag: float(value.value) for tag, value in values.items() if isinstance(value, Scalar)
        }
        self.news.extend(self.judge.update(step, scalars))

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""
