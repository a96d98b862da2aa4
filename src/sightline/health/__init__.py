"""Judgement over series: rules, findings, verdict; the same code live and on old files."""

from sightline.health.criteria import Band, Criterion, NonFinite, StuckAt
from sightline.health.finding import Finding, Level
from sightline.health.presets import hjepa
from sightline.health.rule import Rule, Watch
from sightline.health.verdict import Judge, Verdict, judge

__all__ = [
    "Band",
    "Criterion",
    "Finding",
    "Judge",
    "Level",
    "NonFinite",
    "Rule",
    "StuckAt",
    "Verdict",
    "Watch",
    "hjepa",
    "judge",
]
