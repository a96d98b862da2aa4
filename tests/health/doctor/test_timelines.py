from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightline.health.doctor.timelines import SLIP_SECS, Timelines

point = st.tuples(
    st.integers(0, 2), st.integers(-3, 6), st.floats(0, 9).map(lambda time: round(time, 1))
)


def told_slowly(points: list[tuple[int, int, float]]) -> dict[str, float] | None:
    """The timeline of the points of one tag, one after the other."""
    if not points:
        return None
    steps, times = [one[1] for one in points], [one[2] for one in points]
    pairs = list(itertools.pairwise(points))
    falls = [a[1] - b[1] for a, b in pairs if b[1] < a[1]]
    slips = [a[2] - b[2] for a, b in pairs if b[1] > a[1] and b[2] < a[2]]
    return {
        "num_points": len(points),
        "min_step": min(steps),
        "max_step": max(steps),
        "min_time": min(times),
        "max_time": max(times),
        "num_repeats": sum(a[1] == b[1] for a, b in pairs),
        "num_falls": len(falls),
        "deepest_fall": max(falls, default=0),
        "num_slips": sum(slip > SLIP_SECS for slip in slips),
        "longest_slip": max(slips, default=0.0),
    }


@given(st.lists(st.lists(point, max_size=12), max_size=4))
def test_parts_of_any_size_give_what_a_walk_over_the_points_gives(parts):
    timelines = Timelines()
    for part in parts:
        ordered = sorted(part, key=lambda one: one[0])
        tags, steps, times = (np.array(column) for column in zip(*ordered, strict=True)) if part \
            else (np.zeros(0, int), np.zeros(0, int), np.zeros(0))  # fmt: skip
        timelines.add(tags, steps, times)
    for tag in range(3):
        expected = told_slowly([one for part in parts for one in part if one[0] == tag])
        found = timelines[tag]
        if expected is None:
            assert found is None
        else:
            assert found is not None
            assert {name: getattr(found, name) for name in found.__slots__} == expected
