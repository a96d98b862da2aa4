"""Which rules judge a run of a log, and under which names its curves stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.health import Facts, RuleBook, Verdict
    from sightline.reading import Run

# Roles that a tag map may name, beside any tag of the catalogue.
ROLES = {
    "loss": "train/loss",
    "val_loss": "val/loss",
    "val_accuracy": "val/accuracy",
    "lr": "train/lr",
    "grad_norm": "gradient/global_norm_before_clip",
    "data_time": "performance/data_time_ms",
    "step_time": "performance/step_time_ms",
}
WARMUP_SHARE, SETTLED_SHARE = 0.05, 0.5  # of a run that does not tell


def read_tag_map(path: Path | None) -> dict[str, str]:
    """Read which tag of a log is which curve.

    Args:
        path: YAML, such as `loss: train/total_loss`; None for no map.

    Returns:
        The log's tag by tag of the catalogue.

    Raises:
        ValueError: If it is no such mapping.
    """
    if path is None:
        return {}
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"expected YAML in {path}, got {' '.join(str(error).split())}") from error
    pairs: Any = found.items() if isinstance(found, dict) else [(None, None)]
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise ValueError(
            f"expected a mapping of roles to tags in {path}, got {str(found)[:60]!r}; write lines "
            "such as 'loss: train/total_loss'"
        )
    by_role: dict[str, str] = dict(pairs)
    for role in by_role:
        if role not in ROLES and "/" not in role:
            raise ValueError(
                f"expected a role among {', '.join(ROLES)} or a tag of the catalogue in {path}, "
                f"got {role!r}; `sightline tags` lists the tags"
            )
    return {ROLES.get(role, role): tag for role, tag in by_role.items()}


def rules_of(run: Run, preset: str | None) -> RuleBook:
    """The rules that judge a run: those that it says itself, or those of a preset.

    Args:
        run: The run.
        preset: Name of a preset; None for what the run says, or generic rules.

    Returns:
        The rules.

    Raises:
        ValueError: If there is no such preset, or the run's word cannot be read.
    """
    from sightline.health import PRESETS, RuleBook

    if preset is not None and preset not in PRESETS:
        raise ValueError(
            f"expected --preset to be one of {', '.join(PRESETS)}, got {preset!r}; leave it out "
            "for what the run says itself"
        )
    if RuleBook.NOTED_AS in run.texts:
        book = RuleBook.from_note(str(run.texts[RuleBook.NOTED_AS][-1].text))
        return book if preset is None else PRESETS[preset](book.facts)
    return PRESETS[preset or "generic"](_guessed(run))


def judge_run(run: Run, book: RuleBook, tag_map: Mapping[str, str]) -> Verdict:
    """Judge the scalars of a run; the findings have the run's own tags.

    Args:
        run: The run.
        book: The rules.
        tag_map: The run's tag by tag of the catalogue.

    Returns:
        The verdict.

    Raises:
        ValueError: If the map names a tag that the run does not have.
    """
    from dataclasses import replace

    from sightline.health import RuleBook, judge

    scalars = run.scalars
    for tag in tag_map.values():
        if tag not in scalars:
            raise ValueError(
                f"expected the tags of the map in run {run.name!r}, got no {tag!r}; "
                "`sightline show` lists its tags"
            )
    says_itself = RuleBook.NOTED_AS in run.texts
    own = dict(tag_map) if says_itself else {**_common_names(scalars), **tag_map}
    known_as = {tag: canonical for canonical, tag in own.items()}
    series = {}
    for tag in scalars:
        one = scalars[tag]
        series[known_as.get(tag, tag)] = one.steps, one.values
    verdict = judge(book, series)
    return replace(
        verdict,
        findings=tuple(
            replace(finding, tag=own.get(finding.tag, finding.tag)) for finding in verdict.findings
        ),
        unjudged=tuple((own.get(tag, tag), why) for tag, why in verdict.unjudged),
    )


def _guessed(run: Run) -> Facts:
    """Facts of a run that says none: from its hyperparameters, its length, and usual shares."""
    from sightline.health import Facts

    last = [int(one.steps[-1]) for one in map(run.scalars.__getitem__, run.scalars) if len(one)]
    num_steps = max(last, default=0)
    hparams = run.hparams

    def known(name: str) -> float | None:
        value = hparams.get(name)
        return value if isinstance(value, int | float) and value >= 1 else None

    width, num_samples = known("model.embed_dim"), known("data.batch_size")
    warmup, epochs = known("training.warmup_epochs"), known("training.epochs")
    share = WARMUP_SHARE if warmup is None or epochs is None else warmup / epochs
    return Facts(
        num_samples=None if num_samples is None or num_samples < 2 else int(num_samples),
        width=None if width is None else int(width),
        warmup_steps=int(share * num_steps),
        settle_steps=int(SETTLED_SHARE * num_steps),
    )


def _common_names(tags: Iterable[str]) -> dict[str, str]:
    """The log's tag by tag of the catalogue, for names that are in wide use."""
    from sightline.catalogue import common_names

    by_plain = {_plain(tag): tag for tag in reversed([*tags])}
    found = {}
    for canonical, names in common_names().items():
        name = next((name for name in map(_plain, names) if name in by_plain), None)
        if name is not None:
            found[canonical] = by_plain[name]
    return found


def _plain(tag: str) -> str:
    return re.sub(r"[/_.\- ]+", "/", tag).strip("/").lower()
