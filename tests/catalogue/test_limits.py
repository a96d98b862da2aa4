import math
from itertools import product

import pytest

from sightline.catalogue import SCALES, HealthyRange, Limit, bands, factor, find, rows

SHAPE = {"num_samples": 129, "width": 256}
WITH_NUMBERS = [row for row in rows() if row.band is not None or row.limits]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("none", 1.0),
        ("sqrt_width", 16.0),
        ("width", 100 / 256),
        ("reachable_rank", 100 / 128),
        ("share", None),
        ("difference", None),
        ("standard_errors", None),
        ("schedule", None),
        ("configured", None),
    ],
)
def test_a_scale_is_a_factor_where_the_shape_of_the_features_gives_it(scale, expected):
    assert factor(scale, **SHAPE) == (None if expected is None else pytest.approx(expected))
    assert scale in SCALES


def test_a_scale_that_lacks_what_it_needs_has_no_factor():
    assert factor("sqrt_width") is None
    assert factor("reachable_rank", width=64) is None
    assert factor("reachable_rank", num_samples=1, width=64) is None


@pytest.mark.parametrize("row", WITH_NUMBERS, ids=lambda row: row.tag)
def test_the_words_hold_the_numbers_that_judge(row):
    words = f"{row.healthy} {row.warn}"
    for limit in row.limits:
        if limit.scale in {"schedule", "difference"}:  # their numbers are roundings
            continue
        for number in filter(None, (limit.low, limit.high)):  # 0 has many names: any, exactly 0
            spelled = f"{number:.8f}".rstrip("0").rstrip(".")
            assert spelled in words


@pytest.mark.parametrize("row", WITH_NUMBERS, ids=lambda row: row.tag)
def test_no_healthy_range_reaches_beyond_a_limit(row):
    for limit in row.limits if row.band is not None else ():
        if limit.scale == row.band.scale:
            assert limit.low is None or row.band.low >= limit.low
            assert limit.high is None or row.band.high <= limit.high


def test_only_scalars_have_numbers():
    assert {row.kind for row in WITH_NUMBERS} == {"scalar"}


def test_a_range_is_where_the_health_rule_begins_to_warn():
    edges = bands(["collapse/effective_rank", "collapse/mean_std_per_dim"], **SHAPE)
    assert edges == pytest.approx({
        "healthy/collapse/effective_rank/low": 12.8,
        "healthy/collapse/effective_rank/high": 128.0,
        "healthy/collapse/mean_std_per_dim/low": 0.3 / 16,
        "healthy/collapse/mean_std_per_dim/high": 1 / 16,
    })


def test_a_range_that_lacks_the_shape_is_left_out_and_others_are_not():
    tags = ["collapse/effective_rank", "gradient/global_norm_before_clip", "my/own", "loss/total"]
    assert set(bands(tags)) == {
        "healthy/gradient/global_norm_before_clip/low",
        "healthy/gradient/global_norm_before_clip/high",
    }


def test_the_edges_have_no_edges():
    edges = bands([row.tag for row in WITH_NUMBERS if "{" not in row.tag], **SHAPE)
    assert len(edges) > 20
    assert bands(edges, **SHAPE) == {}
    assert all(math.isfinite(value) for value in edges.values())
    assert all(find(tag).meaning.split()[1] == "edge" for tag in edges)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HealthyRange(low=2, high=1), "a low edge below the high one, got 2 and 1"),
        (lambda: HealthyRange(low=0, high=1, scale="sqrt"), "expected a scale among none, "),
        (lambda: Limit(), "expected something that is limited"),
        (lambda: Limit(high=1, scale="share"), "got None with share"),
        (lambda: Limit(high=1, reference="loss/total"), "got 'loss/total' with none"),
    ],
)
def test_what_limits_nothing_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_limit_reads_as_a_sentence():
    assert (
        str(Limit(low=0.1, high=10, patience=3)) == "warn below 0.1 or above 10, 3 readings running"
    )
    assert str(Limit(high=1.5, trend="rising")) == "warn above 1.5 and rising"
    assert str(Limit(finite=True, level="error")) == "error not finite"
    assert str(Limit(scale="configured")) == "warn outside the configured range"
    share = Limit(high=20, scale="share", reference="performance/step_time_ms")
    assert str(share) == "warn above 20 % of performance/step_time_ms"


@pytest.mark.parametrize(("num_samples", "width"), list(product((2, 64, 1000), (16, 768))))
def test_features_of_full_rank_are_at_the_upper_edge_whatever_their_shape(num_samples, width):
    edges = bands(["collapse/effective_rank"], num_samples=num_samples, width=width)
    assert edges["healthy/collapse/effective_rank/high"] == min(num_samples - 1, width)
