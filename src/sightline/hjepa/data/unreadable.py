"""Images that cannot be read: counted, named, and too many are an error."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

NUM_NAMED = 3  # in a message


@dataclass
class Unreadable:
    """The unreadable images of a set.

    Args:
        place: The set, for messages.
        max_share: Share of unreadable images above which there is an error.
        num_images: Images in the set, readable or not.
    """

    place: str
    max_share: float
    num_images: int
    reasons: dict[int, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def add(self, number: int, name: str, reason: str) -> None:
        """Leave an image out.

        Args:
            number: Its place in the set.
            name: What to call it.
            reason: Why it cannot be read.

        Raises:
            ValueError: If there are too many by now.
        """
        self.reasons[number] = reason
        self.names.append(f"{name} ({reason})")
        if len(self.names) > self.max_share * self.num_images:
            raise ValueError(
                f"expected at most {self.max_share:.3g} of the {self.num_images:,} images of "
                f"{self.place} to be unreadable (data.max_unreadable_share), got "
                f"{len(self.names):,} by number {number + 1:,}: {self._some()}; repair or remove "
                f"them, or allow a larger share"
            )

    def warn(self) -> None:
        """Tell once how many were left out, and name the first of them."""
        if self.names:
            log.warning(
                "%s of the %s images of %s cannot be read and are left out: %s",
                f"{len(self.names):,}",
                f"{self.num_images:,}",
                self.place,
                self._some(),
            )

    def _some(self) -> str:
        more = len(self.names) - NUM_NAMED
        return "; ".join(self.names[:NUM_NAMED]) + (f"; and {more:,} more" if more > 0 else "")
