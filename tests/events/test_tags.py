from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.events import check_tag


@pytest.mark.parametrize(
    "tag", ["loss", "loss/h0", "größe [%]", "a b", "a//b", "trailing/", "损失"]
)
def test_a_legal_tag_is_taken_as_it_is(tag: str) -> None:
    check_tag(tag)


@pytest.mark.parametrize(
    ("tag", "proposal"),
    [
        ("", "value"),
        ("/", "value"),
        ("/loss", "loss"),
        ("//a/b", "a/b"),
        ("lo\nss", "lo_ss"),
        ("a\x7fb", "a_b"),
        ("half \ud800", "half _"),
    ],
)
def test_an_illegal_tag_is_refused_with_a_proposal(tag: str, proposal: str) -> None:
    with pytest.raises(ValueError, match="expected a tag") as refusal:
        check_tag(tag)
    assert str(refusal.value).endswith(f"use {proposal!r}")


def test_a_tag_that_is_no_text_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="use '3'"):
        check_tag(3)


@given(st.text())
def test_every_proposal_is_legal(tag: str) -> None:
    try:
        check_tag(tag)
    except ValueError as refusal:
        check_tag(str(refusal).rpartition("; use '")[2].removesuffix("'").strip('"'))
