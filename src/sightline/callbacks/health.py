"""Says while the run goes on that something is wrong with it, and acts on it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol, runtime_checkable

from sightline.callbacks.base import Callback, Trainer
from sightline.callbacks.judging import JudgingWriter
from sightline.callbacks.webhook import Webhook
from sightline.health import Finding, Level, RuleBook, Rules, Verdict

log = logging.getLogger(__name__)

OnError = Literal["warn", "stop", "rollback"]
LEARNING_RATES = ("learning_rate/base_lr", "train/lr")


@runtime_checkable
class RollsBack(Protocol):
    """A trainer that can go back to an earlier state of its run."""

    @property
    def learning_rate_cuts(self) -> tuple[tuple[int, float], ...]:
        """After which steps the learning rate was multiplied with what."""

    def roll_back(self, before_step: int, reason: str, *, factor: float, at_most: int) -> None:
        """After the current step, return to the last checkpoint from before a step.

        Args:
            before_step: The first step that must not be in it.
            reason: Why.
            factor: What the learning rate is multiplied with from there on.
            at_most: How often in a run; the next time it stops instead.
        """


class HealthMonitor(Callback):
    """Judges every logged value, tells what it finds, and warns, stops or rolls back.

    The rules run in the logger's worker thread on the values that go to disk; the training thread
    only looks whether they found something. What the rules remember is in the checkpoints, so that
    the verdict of a resumed run is the one that `sightline check` has from its files.

    | tag | meaning |
    |---|---|
    | `run/alerts` | what was found, why it matters and what to try |
    | `run/health` | which rules judge the run, and the facts that they know of it |

    Args:
        rules: Those of a preset, as from `sightline.health.hjepa`, or fresh rules.
        on_error: What an ERROR leads to. `warn`: it is told; only a loss that is no number ends the
            run. `stop`: a checkpoint, and the end of the run. `rollback`: back to the last
            checkpoint from before the first step of the finding, with a lower learning rate; where
            there is none, the run stops.
        webhook: Where findings are posted as `{"text": ...}`, such as a Slack channel's URL, or
            `$NAME` of an environment variable that holds it; None for nowhere.
        notify: Called with each finding, in the training thread; None for nobody.
        lr_factor: What a rollback multiplies the learning rate with.
        max_rollbacks: How many rollbacks a run may have.

    Raises:
        ValueError: If the webhook is no URL.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        on_error: OnError = "warn",
        webhook: str | None = None,
        notify: Callable[[Finding], None] | None = None,
        lr_factor: float = 0.5,
        max_rollbacks: int = 2,
    ) -> None:
        self.rules = rules
        self.on_error = on_error
        self.notify = notify
        self.lr_factor = lr_factor
        self.max_rollbacks = max_rollbacks
        self._webhook = None if webhook is None else Webhook(webhook)
        self._judging = self.writer = JudgingWriter(rules)
        self._cuts: tuple[tuple[int, float], ...] = ()
        self._alerted_at = -1

    def on_train_begin(self, trainer: Trainer) -> None:
        """Write down what the run is judged by.

        Args:
            trainer: The trainer.

        Raises:
            ValueError: If it is to roll back and cannot.
        """
        if self.on_error == "rollback" and not isinstance(trainer, RollsBack):
            raise ValueError(
                f"expected a trainer that can roll back, got a {type(trainer).__name__}; use "
                "on_error='stop' here"
            )
        self._note_rules(trainer)

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Follow a learning rate that was cut: the plan that it is judged by is cut too."""
        cuts = trainer.learning_rate_cuts if isinstance(trainer, RollsBack) else ()
        if cuts != self._cuts and isinstance(self.rules, RuleBook):
            self._cuts = cuts
            trainer.logger.drain()
            self._judging.begin_again(self._rules_now(), self._judging.memory())
            self._note_rules(trainer)

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Tell what was found since the last step, and act on it."""
        self._report(trainer, on_error=self.on_error)

    def on_train_end(self, trainer: Trainer) -> None:
        """Wait for the last values to be judged, and tell what was found."""
        trainer.logger.drain()
        # There is no step left to go back before.
        self._report(trainer, on_error="warn" if self.on_error == "warn" else "stop")
        if self._webhook is not None:
            self._webhook.close()

    def verdict(self) -> Verdict:
        """What was found so far.

        Returns:
            The verdict over all rules.
        """
        return self._judging.verdict()

    def state_dict(self) -> dict[str, Any]:
        """What the rules remember."""
        return {"memory": self._judging.memory(), "cuts": [list(cut) for cut in self._cuts]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what they remembered; what was found since is forgotten with its steps."""
        self._cuts = tuple((int(step), float(factor)) for step, factor in state["cuts"])
        self._judging.begin_again(self._rules_now(), state["memory"])
        self._alerted_at = -1  # what was told after the checkpoint is gone with its steps

    def _rules_now(self) -> Rules:
        if not isinstance(self.rules, RuleBook):
            return self.rules
        facts = self.rules.facts
        plans = {
            tag: replace(plan, cuts=self._cuts) if tag in LEARNING_RATES else plan
            for tag, plan in facts.plans.items()
        }
        return replace(self.rules, facts=replace(facts, plans=plans))

    def _note_rules(self, trainer: Trainer) -> None:
        rules = self._rules_now()
        if isinstance(rules, RuleBook):
            trainer.logger.log_text(rules.NOTED_AS, rules.to_note(), step=trainer.step)

    def _report(self, trainer: Trainer, *, on_error: OnError) -> None:
        findings = []
        while self._judging.news:
            findings.append(self._judging.news.popleft())
        if not findings:
            return
        # TensorBoard's data server keeps one text of a step: all findings of a step are one, and
        # what is found after the last step follows it.
        self._alerted_at = max(trainer.step, self._alerted_at + 1)
        trainer.logger.log_alert("\n\n".join(map(str, findings)), step=self._alerted_at)
        for finding in findings:
            self._tell(trainer, finding)
            if finding.level >= Level.ERROR:
                self._act(trainer, finding, on_error)

    def _tell(self, trainer: Trainer, finding: Finding) -> None:
        severity = {Level.INFO: logging.INFO, Level.WARN: logging.WARNING}
        told = str(finding).removeprefix(f"{finding.level.name} ")
        log.log(severity.get(finding.level, logging.ERROR), "%s", told)
        if self._webhook is not None:
            self._webhook.send(f"{trainer.logger.run_dir.name}: {finding}")
        if self.notify is not None:
            self.notify(finding)

    def _act(self, trainer: Trainer, finding: Finding, on_error: OnError) -> None:
        reason = f"{finding.tag} is {finding.value:.4g}"
        if on_error == "rollback" and isinstance(trainer, RollsBack):
            trainer.roll_back(
                finding.first_step, reason, factor=self.lr_factor, at_most=self.max_rollbacks
            )
        elif on_error == "stop" or (finding.rule, finding.tag) == ("non_finite", "train/loss"):
            trainer.stop(reason)
