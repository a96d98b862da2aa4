"""Whether more or less of a number is better, told by its name."""

from __future__ import annotations

import re
from enum import StrEnum

LESS = """
loss losses error err errors mse rmse mae nll ce xent perplexity ppl bpd bpp bits fid kid
lpips kl wer cer eer divergence regret ms seconds secs latency distortion
"""
MORE = """
accuracy acc precision recall sensitivity specificity f1 auc auroc auprc roc ap ndcg mrr
hits top1 top5 iou miou dice psnr ssim bleu rouge meteor cider r2 elbo likelihood reward rewards
return returns score success win throughput second rank
"""
LESS_IS_BETTER = frozenset(LESS.split())
MORE_IS_BETTER = frozenset(MORE.split())
ALIASES = {re.compile(r"cross.?entropy", re.IGNORECASE): "xent", re.compile("IoU"): "Iou"}
WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")


class Goal(StrEnum):
    """Which value of a curve is its best."""

    MIN = "min"
    MAX = "max"


class Best(StrEnum):
    """How to tell which value is the best."""

    AUTO = "auto"
    MIN = "min"
    MAX = "max"

    def goal(self, tag: str) -> Goal | None:
        """The goal of a tag."""
        return goal_of(tag) if self is Best.AUTO else Goal(self.value)


def goal_of(tag: str) -> Goal | None:
    """Tell by its words whether less or more of a number is better; the last word that says it.

    Args:
        tag: Its name.

    Returns:
        The goal; None where no word says it, as for a learning rate.

    Example:
        >>> [goal_of(tag) for tag in ("train/loss", "loss/h0", "eval/kNN_accuracy", "Train/PSNR")]
        [<Goal.MIN: 'min'>, <Goal.MIN: 'min'>, <Goal.MAX: 'max'>, <Goal.MAX: 'max'>]
        >>> goal_of("train/lr")
    """
    for pattern, word in ALIASES.items():
        tag = pattern.sub(word, tag)
    for word in reversed(WORD.findall(tag)):
        if word.lower() in LESS_IS_BETTER:
            return Goal.MIN
        if word.lower() in MORE_IS_BETTER:
            return Goal.MAX
    return None
