import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.catalogue import describe, find, rows

GOLDEN = (Path(__file__).parent / "tags.txt").read_text("utf-8").splitlines()
KINDS = {"scalar", "histogram", "image", "video", "text", "graph", "hparams", "layout", "embedding"}
RECORDS = {"text", "graph", "hparams", "layout"}  # neither healthy nor not
FIELDS = {
    "{l}": "1",
    "{m}": "3",
    "{i}": "2",
    "{name}": "loss",
    "{module}": "predictor",
    "{layer}": "blocks.0.norm.weight",
}


def member(tag):
    """A tag of the family."""
    for field, value in FIELDS.items():
        tag = tag.replace(field, value)
    return tag


def test_the_tags_are_those_that_dashboards_know():
    assert [f"{row.recipe} {row.kind} {row.tag}" for row in rows()] == GOLDEN


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.tag)
def test_every_row_says_what_it_is_and_when_it_is_written(row):
    assert row.kind in KINDS
    assert len(row.meaning.split()) >= 8
    assert row.meaning.rstrip().endswith((".", "?"))
    assert row.when
    assert row.kind in RECORDS or row.healthy or row.warn or row.tag.startswith("train_epoch")


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.tag)
def test_every_text_is_a_text(row):
    """An unquoted 0 or yes in YAML is none."""
    texts = (row.tag, row.when, row.meaning, row.kind, row.unit, row.healthy, row.warn)
    assert all(text is None or isinstance(text, str) for text in texts)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.tag)
def test_every_row_finds_itself_through_a_tag_of_its_family(row):
    found = find(member(row.tag))
    assert found.tag == member(row.tag)
    assert found.meaning.split()[0] == row.meaning.split()[0]
    assert (found.kind, found.when.split()[0]) == (row.kind, row.when.split()[0])
    assert (found.band, found.limits) == (row.band, row.limits)


def test_every_tag_named_in_a_text_is_one_of_the_catalogue():
    subjects = sorted({row.tag.partition("/")[0] for row in rows() if "/" in row.tag})
    named = re.compile(rf"\b(?:{'|'.join(subjects)})/[\w{{}}/]+")
    for row in rows():
        texts = " ".join(filter(None, (row.meaning, row.healthy, row.warn)))
        references = [limit.reference for limit in row.limits if limit.reference]
        for tag in [*named.findall(texts), *references]:
            assert find(member(tag)) is not None, f"{row.tag} names {tag}"


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("loss/h0", "Loss of level 0 before"),
        ("hierarchy/level12_effective_rank", "target features of level 12 "),
        ("val/loss/h1", "Mean of loss/h1 over the held-out"),
        ("train_epoch/loss", "Mean of train/loss over all"),
        ("loss/contribution_h2", "Share of level 2 in"),
    ],
)
def test_a_description_names_the_member_of_the_family(tag, text):
    assert text in describe(tag)
    assert "{" not in describe(tag)


@pytest.mark.parametrize("tag", ["", "loss/h", "loss/hx", "loss/h1 ", "xloss/h1", "val/", "epochs"])
def test_a_tag_of_nobody_has_no_description(tag):
    assert find(tag) is None
    assert describe(tag) is None


@given(st.text())
def test_no_tag_breaks_the_search(tag):
    row = find(tag)
    assert row is None or row.tag == tag


def test_a_description_holds_range_unit_and_cadence():
    text = describe("performance/data_time_ms")
    for part in ("**Healthy:** near 0", "**Warning:** above 20%", "**Unit:** ms", "**Written:**"):
        assert part in text


def test_importing_the_catalogue_reads_no_file():
    code = (
        "import sightline.catalogue as c; assert c.rows.cache_info().currsize == 0;"
        "c.describe('epoch'); assert c.rows.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
