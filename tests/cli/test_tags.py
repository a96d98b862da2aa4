"""`sightline tags` as a user meets it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from sightline.catalogue import layout, layout_from_json, rows
from sightline.cli.app import app


def tags(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["tags", *arguments])


def test_the_table_has_a_line_for_every_tag() -> None:
    result = tags()
    assert result.exit_code == 0
    words = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
    assert words == [row.tag for row in rows()]


def test_a_pattern_and_a_recipe_choose() -> None:
    lines = tags("_norm$", "--recipe", "hjepa").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == [
        "ema/target_gradient_norm",
        "hierarchy/level{l}_feat_norm",
        "train/context_norm",
        "train/target_norm",
    ]


@pytest.mark.parametrize("tag", ["collapse/effective_rank", "hierarchy/level2_effective_rank"])
def test_one_tag_is_told_in_full(tag: str) -> None:
    text = " ".join(tags(tag).stdout.split())
    assert text.startswith(tag)
    for part in ("directions", "10 to 100 % of min(N - 1, D)", "3 readings running", "by hjepa"):
        assert part in text


def test_a_tag_that_others_begin_with_is_that_one_alone() -> None:
    assert tags("train/loss").stdout.startswith("train/loss\n")


def test_json_holds_the_limits() -> None:
    (row,) = json.loads(tags("performance/data_time_ms", "--json").stdout)
    assert row["limits"][0]["reference"] == "performance/step_time_ms"
    assert row["limits"][0]["high"] == 20
    assert len(json.loads(tags("--json").stdout)) == len(rows())


def test_the_printed_layout_is_that_of_the_catalogue() -> None:
    result = tags("--layout", "json", "--levels", "2", "--module", "predictor", "--module", "heads")
    expected = layout("hjepa", num_levels=2, modules=["predictor", "heads"])
    assert layout_from_json(json.loads(result.stdout)) == expected
    common = tags("--layout", "json", "--recipe", "common", "--no-bands")
    assert layout_from_json(json.loads(common.stdout)) == layout(with_bands=False)


def test_what_nothing_matches_is_a_problem() -> None:
    result = tags("no/such/tag")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "expected a tag of the catalogue that matches 'no/such/tag', got none" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "gan"], "expected --recipe to be one of common, hjepa, got 'gan'"),
        (["--recipe", "gan", "--layout", "json"], "expected a recipe among common, hjepa"),
        (["(loss"], "expected a regular expression for PATTERN"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], message: str) -> None:
    result = tags(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
