"""PR curves and meshes, from the logger to TensorBoard's two loaders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.plugins.mesh import metadata as mesh_metadata
from tensorboard.plugins.pr_curve import metadata as pr_metadata

from sightline.events import pr_curve
from sightline.logger import MetricsLogger
from sightline.writers import Memory, Mesh, PRCurve
from tests.loaders import Shown, read_python

Loader = Callable[[Path], Shown]

GENERATOR = np.random.default_rng(0)
SCORES = (GENERATOR.integers(0, 5, 100) / 4).astype(np.float32)
LABELS = GENERATOR.random(100) < SCORES
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
FACES = np.array([[0, 1, 2], [0, 1, 3]], np.int32)
COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [51, 102, 204]], np.uint8)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def logger(memory: Memory, tmp_path: Path) -> MetricsLogger:
    return MetricsLogger("run", tmp_path, writers=[memory])


def curve(memory: Memory) -> np.ndarray:
    *_, value = (one.value for one in memory.written if isinstance(one.value, PRCurve))
    return value.curve


def mesh(memory: Memory) -> Mesh:
    *_, value = (one.value for one in memory.written if isinstance(one.value, Mesh))
    return value


class TestPRCurve:
    def test_a_loader_shows_the_curve_at_every_step(
        self, tmp_path: Path, read_loader: Loader
    ) -> None:
        with MetricsLogger("run", tmp_path, describe=lambda tag: f"about {tag}") as logger:
            for step in range(2):
                logger.log_pr_curve("pr", LABELS, SCORES**step, step=step, num_thresholds=11)
        shown = read_loader(tmp_path)
        assert shown.plugins["run"] == {"pr": "pr_curves"}
        assert shown.descriptions["run"] == {"pr": "about pr"}
        content = pr_metadata.parse_plugin_metadata(shown.contents["run"]["pr"])
        assert content.num_thresholds == 11
        for step, array in shown.series["run"]["pr"]:
            expected = pr_curve(LABELS, SCORES**step, 11).astype(np.float32)
            np.testing.assert_array_equal(array, expected)
            assert array.dtype == np.float32

    @pytest.mark.parametrize(
        ("labels", "predictions"),
        [
            (LABELS, SCORES),
            (LABELS.astype(np.int64), SCORES.astype(np.float64)),
            (LABELS.astype(np.float32).reshape(10, 10), SCORES.reshape(10, 10)),
            (LABELS.tolist(), SCORES.tolist()),
            (torch.from_numpy(LABELS), torch.from_numpy(SCORES).requires_grad_()),
            (torch.from_numpy(LABELS).int(), torch.from_numpy(SCORES).bfloat16()),
            (jnp.asarray(LABELS), jnp.asarray(SCORES, jnp.bfloat16)),
            (LABELS, torch.from_numpy(SCORES)),
        ],
    )
    def test_labels_and_scores_of_any_kind_give_the_same_curve(
        self, logger: MetricsLogger, memory: Memory, labels: Any, predictions: Any
    ) -> None:
        logger.log_pr_curve("pr", labels, predictions)
        logger.close()
        np.testing.assert_array_equal(curve(memory), pr_curve(LABELS, SCORES, 127))

    def test_weights_count(self, logger: MetricsLogger, memory: Memory) -> None:
        weights = torch.arange(100) % 3
        logger.log_pr_curve("pr", LABELS, SCORES, num_thresholds=5, weights=weights)
        logger.close()
        expected = pr_curve(LABELS, SCORES, 5, weights.numpy())
        np.testing.assert_array_equal(curve(memory), expected)

    def test_a_later_change_in_place_alters_nothing(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        labels, scores = LABELS.copy(), torch.from_numpy(SCORES.copy())
        logger.log_pr_curve("pr", labels, scores)
        labels[:] = False
        scores.zero_()
        logger.close()
        np.testing.assert_array_equal(curve(memory), pr_curve(LABELS, SCORES, 127))

    @pytest.mark.parametrize(
        ("labels", "predictions", "options", "message"),
        [
            (LABELS, SCORES[:9], {}, r"of one shape for 'pr', got \(100,\) and \(9,\)"),
            (LABELS, np.zeros((100, 2)), {}, "one score for each example, of one class"),
            (LABELS, SCORES, {"weights": np.ones(3)}, r"and \(3,\)"),
            ([], [], {}, r"got \(0,\) and \(0,\)"),
            (LABELS, SCORES, {"num_thresholds": 1}, "at least 2 thresholds for 'pr', got 1"),
        ],
    )
    def test_what_does_not_belong_together_is_refused_at_the_call(
        self,
        logger: MetricsLogger,
        labels: Any,
        predictions: Any,
        options: dict[str, Any],
        message: str,
    ) -> None:
        with pytest.raises(ValueError, match=message):
            logger.log_pr_curve("pr", labels, predictions, **options)
        logger.close()

    @pytest.mark.parametrize(
        ("labels", "predictions", "weights", "message"),
        [
            ([0, 1, 2], [0.1, 0.2, 0.3], None, "labels that are 0 or 1, got 0 to 2; compare them"),
            ([0, 1], [-3.0, 0.2], None, "predictions from 0 to 1, got -3 to 0.2; pass logits"),
            ([0, 1], [np.nan, 0.2], None, "predictions from 0 to 1, got nan"),
            ([0, 1], [0.1, 0.2], [1.0, -1.0], "weights of 0 or more, got -1 to 1; leave out"),
            ([0, 1], [0.1, 0.2], [1.0, np.inf], "weights of 0 or more, got 1 to inf"),
        ],
    )
    def test_numbers_out_of_range_are_an_error_at_close(
        self, logger: MetricsLogger, labels: Any, predictions: Any, weights: Any, message: str
    ) -> None:
        logger.log_pr_curve("pr", labels, predictions, weights=weights)
        with pytest.raises(ValueError, match=message):
            logger.close()


class TestMesh:
    def test_a_loader_shows_every_part(self, tmp_path: Path, read_loader: Loader) -> None:
        config = {"material": {"cls": "MeshStandardMaterial"}}
        with MetricsLogger("run", tmp_path, describe=lambda tag: f"about {tag}") as logger:
            for step in range(2):
                logger.log_mesh("m", CORNERS + step, FACES, COLORS, step=step, config=config)
        shown = read_loader(tmp_path)
        parts = {"m_VERTEX": CORNERS, "m_FACE": FACES, "m_COLOR": COLORS}
        assert shown.plugins["run"] == dict.fromkeys(parts, "mesh")
        assert shown.descriptions["run"] == dict.fromkeys(parts, "about m")
        for tag, array in parts.items():
            content = mesh_metadata.parse_plugin_metadata(shown.contents["run"][tag])
            assert content.name == "m"
            assert list(content.shape) == [1, *array.shape]
            assert json.loads(content.json_config) == config
            for step, part in shown.series["run"][tag]:
                moved = array + step if tag == "m_VERTEX" else array
                np.testing.assert_array_equal(part, moved[None])
                assert part.dtype == array.dtype

    @pytest.mark.parametrize(
        ("vertices", "faces", "colors"),
        [
            (CORNERS, FACES, COLORS),
            (CORNERS[None], FACES[None], COLORS[None]),
            (CORNERS.astype(np.float64), FACES.astype(np.int64), COLORS / 255),
            (torch.from_numpy(CORNERS), torch.from_numpy(FACES), torch.from_numpy(COLORS)),
            (torch.from_numpy(CORNERS).bfloat16(), torch.from_numpy(FACES).long(), COLORS),
            (jnp.asarray(CORNERS), jnp.asarray(FACES), jnp.asarray(COLORS / 255)),
            (CORNERS.tolist(), FACES.tolist(), COLORS),
        ],
    )
    def test_a_mesh_of_any_kind_gives_the_same_arrays(
        self, logger: MetricsLogger, memory: Memory, vertices: Any, faces: Any, colors: Any
    ) -> None:
        logger.log_mesh("m", vertices, faces, colors)
        logger.close()
        value = mesh(memory)
        for got, expected in zip(
            (value.vertices, value.faces, value.colors), (CORNERS, FACES, COLORS), strict=True
        ):
            np.testing.assert_array_equal(got, expected[None])
            assert got.dtype == expected.dtype

    def test_points_have_neither_faces_nor_colours(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        logger.log_mesh("m", np.stack([CORNERS, CORNERS]))
        logger.close()
        assert mesh(memory).vertices.shape == (2, 4, 3)
        assert mesh(memory).faces is mesh(memory).colors is None

    @pytest.mark.parametrize(
        ("vertices", "faces", "colors", "message"),
        [
            (np.zeros((4, 2)), None, None, r"vertices of shape \(n, 3\) or \(meshes, n, 3\)"),
            (np.zeros((1, 1, 4, 3)), None, None, r"got \(1, 1, 4, 3\)"),
            (np.zeros((0, 3)), None, None, r"got \(0, 3\)"),
            (CORNERS, np.zeros((2, 4), int), None, "expected faces of shape"),
            (CORNERS, FACES.astype(np.float32), None, "as integers, got float32"),
            (CORNERS, FACES[None], None, "give both as many meshes"),
            (CORNERS, FACES, COLORS[:3], r"a colour for each vertex of 'm', got \(3, 3\)"),
            (CORNERS, FACES, COLORS.astype(np.int64), "as uint8, or as floats"),
        ],
    )
    def test_what_is_no_mesh_is_refused_at_the_call(
        self, logger: MetricsLogger, vertices: Any, faces: Any, colors: Any, message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            logger.log_mesh("m", vertices, faces, colors)
        logger.close()

    def test_a_mesh_keeps_the_parts_it_was_first_logged_with(self, logger: MetricsLogger) -> None:
        logger.log_mesh("m", CORNERS)
        with pytest.raises(
            ValueError, match="expected 'm' with vertices as before, got vertices, faces"
        ):
            logger.log_mesh("m", CORNERS, FACES)
        logger.log_mesh("other", CORNERS, FACES)
        logger.close()

    @pytest.mark.parametrize(
        ("vertices", "faces", "colors", "message"),
        [
            (CORNERS * np.nan, None, None, "expected finite vertices, got 12 numbers"),
            (CORNERS, FACES + 1, None, "faces of vertices 0 to 3, got 1 to 4; count vertices"),
            (CORNERS, None, COLORS.astype(np.float32), "colours from 0 to 1"),
        ],
    )
    def test_what_shows_in_the_worker_only_is_an_error_at_close(
        self, logger: MetricsLogger, vertices: Any, faces: Any, colors: Any, message: str
    ) -> None:
        logger.log_mesh("m", vertices, faces, colors)
        with pytest.raises(ValueError, match=message):
            logger.close()


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=20),
    st.integers(2, 20),
    st.lists(st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 3), min_size=1, max_size=9),
)
def test_curves_and_points_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    examples: list[tuple[bool, float]],
    num_thresholds: int,
    points: list[tuple[float, float, float]],
) -> None:
    logdir = tmp_path_factory.mktemp("logs")
    labels, scores = zip(*examples, strict=True)
    with MetricsLogger("run", logdir) as logger:
        logger.log_pr_curve("pr", labels, scores, num_thresholds=num_thresholds)
        logger.log_mesh("m", points)
    series = read_python(logdir).series["run"]
    np.testing.assert_allclose(
        series["pr"][0][1], pr_curve(labels, scores, num_thresholds), rtol=1e-6
    )
    np.testing.assert_array_equal(series["m_VERTEX"][0][1], [points])
