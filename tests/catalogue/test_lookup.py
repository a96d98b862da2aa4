import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.catalogue import describe, find, rows

TAGS = [
    "epoch",
    "train/loss",
    "train/lr",
    "train_epoch/{name}",
    "val/{name}",
    "performance/data_time_ms",
    "performance/step_time_ms",
    "performance/samples_per_second",
    "gradient/global_norm_before_clip",
    "gradient/was_clipped",
    "run/config",
    "run/environment",
    "run/model",
    "run/alerts",
    "logging/dropped_calls",
    "loss/total",
    "loss/h{l}",
    "loss/unweighted",
    "loss/contribution_h{l}",
    "train/ema_momentum",
    "ema/momentum_current",
    "ema/parameter_divergence",
    "masking/mask_ratio",
    "masking/num_masked_patches",
    "masking/num_unmasked_patches",
    "masking/context_target_overlap",
    "masking/context_kept_frac",
    "masking/coverage_min_max_ratio",
    "masking/samples",
    "hierarchy/level{l}_effective_rank",
    "prediction/level{l}_cosine_sim_mean",
    "prediction/level{l}_similarity",
    "train/context_std",
    "train/target_std",
    "collapse/mean_std_per_dim",
    "collapse/min_std_per_dim",
    "collapse/effective_rank",
    "collapse/mean_similarity",
    "eval/knn_accuracy",
    "eval/linear_probe_accuracy",
    "eval/few_label_accuracy",
    "eval/random_encoder_accuracy",
    "eval/effective_rank",
]


def test_the_tags_are_those_that_dashboards_know():
    assert [row.tag for row in rows()] == TAGS


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.tag)
def test_every_row_says_what_it_is_and_when_it_is_written(row):
    assert row.kind in {"scalar", "histogram", "image", "text"}
    assert len(row.meaning.split()) >= 8
    assert row.meaning.rstrip().endswith((".", "?"))
    assert row.when
    assert row.kind == "text" or row.healthy or row.warn or row.tag.startswith("train_epoch")


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.tag)
def test_every_row_finds_itself_through_a_tag_of_its_family(row):
    tag = row.tag.replace("{l}", "3").replace("{name}", "loss")
    assert find(tag).tag == tag
    assert find(tag).meaning.split()[0] == row.meaning.split()[0]


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
