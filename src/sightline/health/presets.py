"""Rules that belong together: one set a recipe, made of the catalogue's limits."""

from __future__ import annotations

from collections.abc import Callable

from sightline.health.book import RuleBook
from sightline.health.facts import Facts


def hjepa(facts: Facts) -> RuleBook:
    """Rules of an H-JEPA run: all limits of the tags that every trainer and H-JEPA write.

    An untrained encoder maps all images to much the same feature: on 8 x 8 digits their mean cosine
    starts at 0.99 and needs several hundred steps to come down. Before `facts.settle_steps` that is
    no sign of collapse; the rank is, for it starts high.

    Args:
        facts: what is known of the run; N and D are those of the features that the collapse/
            values are computed from.

    Returns:
        The rules.

    Example:
        >>> (rule,) = hjepa(Facts(num_samples=257, width=64)).rules_for("collapse/effective_rank")
        >>> for step in (1, 2, 3):
        ...     rule.update(step, 3.2)
        >>> print(rule.verdict().value, rule.verdict().unit)
        5.0 % of min(N - 1, D)
    """
    return _book("hjepa", facts)


def hnerv(facts: Facts) -> RuleBook:
    """Rules of a neural video representation with an RGB and a CLIP head, by its usual tags.

    Args:
        facts: what is known of the run.

    Returns:
        The rules.
    """
    return _book("hnerv", facts)


def vae(facts: Facts) -> RuleBook:
    """Rules of a variational autoencoder: its loss falls, and its posterior does not collapse.

    Args:
        facts: what is known of the run; the width is that of the latents.

    Returns:
        The rules.
    """
    return _book("vae", facts)


def gan(facts: Facts) -> RuleBook:
    """Rules of a generative adversarial network: neither side wins. Its losses need not fall.

    Args:
        facts: what is known of the run.

    Returns:
        The rules.
    """
    return _book("gan", facts)


def generic(facts: Facts) -> RuleBook:
    """Rules of any training whose loss is meant to fall, supervised for one.

    Args:
        facts: what is known of the run.

    Returns:
        The rules.
    """
    return _book("generic", facts)


PRESETS: dict[str, Callable[[Facts], RuleBook]] = {
    one.__name__: one for one in (hjepa, hnerv, vae, gan, generic)
}
RECIPES_OF = {
    "hjepa": ("common", "hjepa"),
    "hnerv": ("common", "generic", "hnerv"),
    "vae": ("common", "generic", "vae"),
    "gan": ("common", "gan"),
    "generic": ("common", "generic"),
}


def _book(preset: str, facts: Facts) -> RuleBook:
    return RuleBook(RECIPES_OF[preset], facts)
