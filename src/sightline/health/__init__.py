"""Judgement over series: rules, findings, verdict; the same code live and on old files."""

from sightline.health.book import RuleBook
from sightline.health.criteria import Band, Criterion, NonFinite, StuckAt
from sightline.health.facts import Facts, Plan
from sightline.health.finding import Finding, Level
from sightline.health.judge import Judge, Rules, judge
from sightline.health.presets import PRESETS, gan, generic, hjepa, hnerv, vae
from sightline.health.related import Related, Unless
from sightline.health.rule import About, Rule, Watch
from sightline.health.transforms import Change, OfFirst, OffPlan, Transform
from sightline.health.verdict import Verdict
from sightline.health.windows import Deviations, Drift, Gain, Range

__all__ = [
    "PRESETS",
    "About",
    "Band",
    "Change",
    "Criterion",
    "Deviations",
    "Drift",
    "Facts",
    "Finding",
    "Gain",
    "Judge",
    "Level",
    "NonFinite",
    "OfFirst",
    "OffPlan",
    "Plan",
    "Range",
    "Related",
    "Rule",
    "RuleBook",
    "Rules",
    "StuckAt",
    "Transform",
    "Unless",
    "Verdict",
    "Watch",
    "gan",
    "generic",
    "hjepa",
    "hnerv",
    "judge",
    "vae",
]
