"""Which faults are planted where, and by which rules each must be found."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchmarks.faults import plants
from benchmarks.faults.plants import Plant
from benchmarks.faults.runs import DIGITS, PHOTOS_32, SMALL, STEPS, Base

from sightline.health import Finding, Level

AT = STEPS // 2  # the last step without the fault
WITHIN = 200  # steps in which it must be found


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, and the findings that name it.

    Args:
        plant: Puts it into a run.
        base: The run that it is put into.
        expected: Patterns of `tag` or `tag rule`, any of which names the fault.
        consequences: Patterns of what the fault really does to the run, beside itself: such an
            error is true, if it comes after the one that names the fault.
        at: The last step without it.
    """

    plant: Plant
    base: Base
    expected: tuple[str, ...]
    consequences: tuple[str, ...] = ()
    at: int = AT

    def is_named_by(self, finding: Finding) -> bool:
        """Whether a finding is one of those that name the fault; a mere INFO does not."""
        return finding.level >= Level.WARN and _matches(finding, self.expected)

    def may_lead_to(self, finding: Finding) -> bool:
        """Whether a finding is of what the fault does to the run."""
        return _matches(finding, self.consequences)


def _matches(finding: Finding, patterns: tuple[str, ...]) -> bool:
    names = finding.tag, f"{finding.tag} {finding.rule}"
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


COLLAPSED = ("collapse/mean_std_per_dim collapse", "collapse/mean_similarity collapse")


FAULTS: dict[str, Fault] = {
    "full collapse": Fault(
        plants.full_collapse,
        PHOTOS_32,
        ("collapse/mean_std_per_dim*", "collapse/dead_dimensions*", "collapse/mean_similarity*"),
    ),
    "dimensional collapse": Fault(
        plants.dimensional_collapse, DIGITS, ("collapse/effective_rank*", "train/context_rank*")
    ),
    "one level collapsed": Fault(
        plants.level_collapse, PHOTOS_32, ("hierarchy/level2_*", "prediction/level2_*")
    ),
    "frozen EMA": Fault(plants.frozen_average, DIGITS, ("ema/update_magnitude frozen",)),
    "momentum schedule stuck": Fault(
        plants.stuck_momentum, PHOTOS_32, ("ema/momentum_current off_schedule",)
    ),
    "gradients in the target encoder": Fault(
        plants.gradients_in_target,
        DIGITS,
        ("ema/target_gradient_norm*",),
        consequences=COLLAPSED,  # both sides of the loss give way to each other
    ),
    "context leaks targets": Fault(plants.leak, PHOTOS_32, ("masking/context_target_overlap*",)),
    "border never masked": Fault(
        plants.never_masked_border, PHOTOS_32, ("masking/coverage_min_max_ratio*",), at=0
    ),
    "repeated masks": Fault(
        plants.repeated_masks, PHOTOS_32, ("masking/repeated_frac*", "masking/unchanged_frac*")
    ),
    "learning rate x 100": Fault(
        plants.huge_rate,
        DIGITS,
        ("updates/*_update_to_weight*", "learning_rate/base_lr*"),
        consequences=COLLAPSED,  # weights that are thrown about map all images to one point
    ),
    "learning rate 0": Fault(
        plants.zero_rate, PHOTOS_32, ("learning_rate/avg_param_update*", "updates/*")
    ),
    "exploding gradient": Fault(
        plants.exploding_gradient,
        DIGITS,
        ("gradient/global_norm_before_clip*", "gradients/layer_ratio/context_encoder*"),
    ),
    "NaN loss": Fault(plants.nan_loss, DIGITS, ("* non_finite", "gradients/*_num_nonfinite*")),
    "starved loader": Fault(plants.starved_loader, DIGITS, ("performance/data_time_ms*",)),
    "one level dominates": Fault(plants.dominating_level, PHOTOS_32, ("loss/contribution_h0*",)),
    "wrong normalisation": Fault(plants.wrong_normalisation, PHOTOS_32, ("input/pixel_*",)),
}

HEALTHY: dict[str, Base] = {
    # That of `make train`, whole, as it is watched there; the probes are asked more often.
    "digits, width 64": Base(
        8,
        {
            "training.warmup_epochs": 20,
            "evaluation.eval_frequency": 38,
            "logging.preset": "standard",
        },
        steps=2090,
    ),
    "digits, width 32": Base(8, {**SMALL, "model.embed_dim": 32, "seed": 1}),
    "photos of 32, width 48": Base(32, {**PHOTOS_32.settings, "seed": 2}),
    "photos of 32, width 96": Base(
        32, {**PHOTOS_32.settings, "model.embed_dim": 96, "model.patch_size": 8, "seed": 3}
    ),
    "photos of 64, width 128": Base(
        64,
        {
            **PHOTOS_32.settings,
            "model.embed_dim": 128,
            "model.patch_size": 16,
            "model.num_hierarchies": 2,
            "loss.hierarchy_weights": "[1.0, 1.0]",
            "seed": 4,
        },
    ),
}
