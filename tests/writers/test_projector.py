"""What TensorBoard's own projector plugin reads of what was written."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin
from werkzeug.test import Client

from sightline import MetricsLogger
from sightline.events.projector import CONFIG_NAME
from sightline.writers import Embedding, Memory, TensorBoard
from sightline.writers.projector import Projector, folder_name
from sightline.writers.sprite import draw_sprite

NOW = 1.7e9
VECTORS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
FOREIGN = 'embeddings {\n  tensor_name: "theirs"\n  tensor_path: "00001/default/tensors.tsv"\n}\n'


class Asked:
    """TensorBoard's projector plugin on a log directory, asked as its page asks."""

    def __init__(self, logdir: Path) -> None:
        multiplexer = plugin_event_multiplexer.EventMultiplexer()
        multiplexer.AddRunsFromDirectory(str(logdir))
        multiplexer.Reload()
        provider = data_provider.MultiplexerDataProvider(multiplexer, str(logdir))
        plugin = ProjectorPlugin(TBContext(logdir=str(logdir), data_provider=provider))
        self._clients = {path: Client(app) for path, app in plugin.get_plugin_apps().items()}

    def get(self, route: str, address: str = "") -> bytes:
        response = self._clients[route].get(f"{route}?{address}")
        assert response.status_code == 200, response.data
        return response.data

    def embeddings(self, run: str = ".") -> dict[str, Any]:
        config = json.loads(self.get("/info", f"run={run}"))
        return {entry["tensorName"]: entry for entry in config["embeddings"]}

    def vectors(self, name: str, run: str = ".") -> np.ndarray:
        encoded = self.get("/tensor", f"run={run}&name={name}&num_rows=100000")
        return np.frombuffer(encoded, "<f4").reshape(self.embeddings(run)[name]["tensorShape"])


def write(writer: TensorBoard, step: int, tag: str = "z", **beside: Any) -> None:
    embedding = Embedding(VECTORS + step, **beside).on_host()
    writer.write({tag: embedding}, step=step, wall_time=NOW)


def session(run_dir: Path, steps: list[int], resume_step: int | None = None) -> None:
    writer = TensorBoard(run_dir, resume_step=resume_step)
    for step in steps:
        write(writer, step)
    writer.close()


def test_a_logged_embedding_reaches_the_projector_with_labels_and_thumbnails(
    tmp_path: Path,
) -> None:
    images = torch.linspace(0, 1, 5 * 3 * 4 * 6).reshape(5, 3, 4, 6)
    metadata = {"class": torch.arange(5), "name": ["a", "b\tc", "d\ne", "ü", None]}
    with MetricsLogger("run", tmp_path) as logger:
        logger.log_embedding(
            "val/größe", torch.tensor(VECTORS), 7, metadata=metadata, images=images
        )
    asked = Asked(tmp_path)
    assert json.loads(asked.get("/runs")) == ["run"]
    (name,) = asked.embeddings("run")
    assert name == "val/größe step 00000007"
    np.testing.assert_array_equal(asked.vectors(name, "run"), VECTORS)
    lines = asked.get("/metadata", f"run=run&name={name}&num_rows=5").decode().split("\n")
    assert lines == ["class\tname", "0\ta", "1\tb\\tc", "2\td\\ne", "3\tü", "4\t", ""]
    picture = Pillow.open(io.BytesIO(asked.get("/sprite_image", f"run=run&name={name}")))
    assert picture.size == (18, 8)
    assert asked.embeddings("run")[name]["sprite"]["singleImageDim"] == [6, 4]
    second = np.asarray(picture)[:4, 6:12]
    expected = np.rint(images[1].numpy().transpose(1, 2, 0) * 255)
    np.testing.assert_array_equal(second, expected)


@pytest.mark.parametrize("number", [0.0, 0.5, 2.0, 32.0])
def test_vectors_whose_bytes_are_text_are_read_as_numbers(tmp_path: Path, number: float) -> None:
    vectors = np.full((4, 3), number, np.float32)
    vectors.tobytes().decode()  # they are text
    writer = TensorBoard(tmp_path)
    writer.write({"z": Embedding(vectors)}, step=0, wall_time=NOW)
    writer.close()
    read = Asked(tmp_path).vectors("z step 00000000")
    np.testing.assert_allclose(read, vectors, rtol=1e-5)


def test_one_column_has_no_header_and_empty_labels_keep_their_line(tmp_path: Path) -> None:
    writer = TensorBoard(tmp_path)
    write(writer, 0, metadata=["a", "", " ", None, float("nan")])
    writer.close()
    text = Asked(tmp_path).get("/metadata", "run=.&name=z step 00000000&num_rows=5").decode()
    assert text == "a\n(empty)\n(empty)\n(empty)\n(empty)\n"


def test_every_step_stays_and_a_step_written_again_is_replaced(tmp_path: Path) -> None:
    writer = TensorBoard(tmp_path)
    write(writer, 3, metadata=list("abcde"))
    write(writer, 10)
    smaller = Embedding(VECTORS[:2, :2])
    writer.write({"z": smaller}, step=3, wall_time=NOW)
    writer.close()
    asked = Asked(tmp_path)
    assert sorted(asked.embeddings()) == ["z step 00000003", "z step 00000010"]
    np.testing.assert_array_equal(asked.vectors("z step 00000003"), VECTORS[:2, :2])
    assert "metadataPath" not in asked.embeddings()["z step 00000003"]
    np.testing.assert_array_equal(asked.vectors("z step 00000010"), VECTORS + 10)


@pytest.mark.parametrize(
    ("resume_step", "steps"), [(None, [0, 5, 9]), (5, [0, 5]), (4, [0]), (-1, []), (9, [0, 5, 9])]
)
def test_a_resumed_run_keeps_the_steps_up_to_there_and_what_others_wrote(
    tmp_path: Path, resume_step: int | None, steps: list[int]
) -> None:
    theirs = tmp_path / "00001" / "default" / "tensors.tsv"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("1\t2\n3\t4\n")
    (tmp_path / CONFIG_NAME).write_text(f"# by hand\n{FOREIGN}")
    session(tmp_path, [0, 5, 9])
    session(tmp_path, [12], resume_step)
    names = [f"z step {step:08d}" for step in [*steps, 12]]
    assert sorted(Asked(tmp_path).embeddings()) == ["theirs", *names]
    config = (tmp_path / CONFIG_NAME).read_text()
    assert config.startswith(f"# by hand\n{FOREIGN}")
    folders = {path.name for path in (tmp_path / "projector" / "z").iterdir()}
    assert folders == {str(step) for step in [*steps, 12]}


def test_what_torch_wrote_into_the_same_run_stays(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as theirs:
        theirs.add_embedding(torch.tensor(VECTORS), tag="theirs", global_step=2)
    session(tmp_path, [0])
    asked = Asked(tmp_path)
    assert sorted(asked.embeddings()) == ["theirs:00002", "z step 00000000"]
    np.testing.assert_allclose(asked.vectors("theirs:00002"), VECTORS, rtol=1e-4)


@pytest.mark.parametrize(
    "tag", ["..", ".", "a/../../b", "C:\\x", "größe/😀", "x" * 3000, "a b", "%2E%2E", "CON:0", "~"]
)
def test_any_legal_tag_stays_inside_the_run(tmp_path: Path, tag: str) -> None:
    run_dir = tmp_path / "runs" / "run"
    writer = TensorBoard(run_dir)
    write(writer, 0, tag)
    writer.close()
    (name,) = Asked(run_dir).embeddings()
    assert name.endswith("step 00000000")
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "tfevents" not in path.name]
    expected = {run_dir / CONFIG_NAME, run_dir / "projector" / folder_name(tag) / "0/tensor.bytes"}
    assert set(files) == expected


def test_two_long_tags_do_not_share_a_folder() -> None:
    names = {folder_name("x" * 3000), folder_name("x" * 3001)}
    assert len(names) == 2
    assert max(map(len, names)) <= 200


@pytest.mark.parametrize("text", ["embeddings {", "\udcff"])
def test_a_list_that_cannot_be_read_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    config = tmp_path / CONFIG_NAME
    config.write_bytes(text.encode(errors="surrogateescape"))
    before = config.read_bytes()
    writer = TensorBoard(tmp_path)
    with pytest.raises(ValueError, match=r"projector_config.pbtxt.*repair it, or move it away"):
        write(writer, 0)
    writer.close()
    assert config.read_bytes() == before


def test_a_list_that_cannot_be_replaced_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(tmp_path, [0])
    before = (tmp_path / CONFIG_NAME).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        Projector(tmp_path).write("z", Embedding(VECTORS), 1)
    assert (tmp_path / CONFIG_NAME).read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_a_hostile_list_deletes_nothing_outside(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    for name in ("projector/../9", "../9", "projector/a/../9"):
        (run_dir / name).mkdir(parents=True, exist_ok=True)
        (run_dir / name / "tensor.bytes").write_bytes(b"keep")
    paths = ["projector/../9/tensor.bytes", "../9/tensor.bytes", "projector/a/../9/tensor.bytes"]
    entries = "".join(f'embeddings {{ tensor_path: "{path}" }}\n' for path in paths)
    (run_dir / CONFIG_NAME).write_text(entries)
    Projector(run_dir, resume_step=0)
    assert (run_dir / CONFIG_NAME).read_text() == entries
    assert all((run_dir / path).exists() for path in paths)


@pytest.mark.parametrize(
    ("num_pictures", "shape", "cell"),
    [
        (1, (8, 8, 1), (8, 8)),
        (5, (100, 200, 3), (64, 32)),
        (7, (1, 1000, 4), (64, 1)),
        (40_000, (64, 64, 1), (40, 40)),
    ],
)
def test_a_sprite_is_as_large_as_the_projector_takes(
    num_pictures: int, shape: tuple[int, int, int], cell: tuple[int, int]
) -> None:
    sprite, size = draw_sprite([np.full(shape, 200, np.uint8)] * num_pictures)
    assert size == cell
    assert max(sprite.shape[:2]) <= 8192
    num_cells = sprite.shape[0] // size[1] * (sprite.shape[1] // size[0])
    assert num_cells >= num_pictures
    assert sprite.shape[2] == shape[2]
    assert (sprite[: size[1], : size[0]] == 200).all()


def test_thumbnails_of_different_sizes_and_channels_stand_in_the_middle_of_their_cell() -> None:
    wide, high = np.full((2, 4, 1), 100, np.uint8), np.full((4, 2, 3), 50, np.uint8)
    sprite, size = draw_sprite([wide, high])
    assert (sprite.shape, size) == ((4, 8, 3), (4, 4))
    np.testing.assert_array_equal(sprite[:, 1, 0], [0, 100, 100, 0])
    np.testing.assert_array_equal(sprite[0, 4:, 2], [0, 50, 50, 0])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e300])
def test_vectors_that_no_projection_can_place_are_a_logging_error(
    tmp_path: Path, bad: float, capsys: pytest.CaptureFixture[str]
) -> None:
    vectors = VECTORS.astype(np.float64)
    vectors[1, 2] = bad
    logger = MetricsLogger("run", tmp_path)
    logger.log_embedding("z", vectors, 0)
    with pytest.raises(ValueError, match="got 1 of 5 with NaN or infinity"):
        logger.close()
    assert not (tmp_path / "run" / CONFIG_NAME).exists()
    capsys.readouterr()


@pytest.mark.parametrize(
    ("vectors", "beside", "error", "message"),
    [
        (VECTORS[0], {}, ValueError, r"shape \(3,\); flatten"),
        (VECTORS[:1], {}, ValueError, "at least two vectors"),
        (VECTORS[:, :1], {}, ValueError, "of at least two numbers"),
        (VECTORS, {"metadata": ["a"]}, ValueError, "expected 5 metadata 'labels'.*got 1"),
        (VECTORS, {"metadata": {"c": np.zeros(4)}}, ValueError, "metadata 'c'.*got 4"),
        (VECTORS, {"metadata": "abcde"}, TypeError, "got str"),
        (VECTORS, {"images": np.zeros((4, 8, 8))}, ValueError, "expected 5 images.*got 4"),
        (VECTORS, {"images": np.zeros((5, 8, 8, 2))}, ValueError, "got shape"),
        (VECTORS, {"images": ["a.png"] * 5}, TypeError, "got str"),
    ],
)
def test_what_is_no_embedding_is_refused_at_the_call(
    vectors: Any, beside: dict[str, Any], error: type[Exception], message: str
) -> None:
    with (
        MetricsLogger("run", "nowhere", writers=[Memory()]) as logger,
        pytest.raises(error, match=message),
    ):
        logger.log_embedding("z", vectors, **beside)


def test_what_is_logged_is_what_it_was_at_the_call() -> None:
    memory = Memory()
    vectors, images = torch.tensor(VECTORS), np.zeros((5, 2, 2), np.uint8)
    labels, classes = list("abcde"), np.arange(5)
    with MetricsLogger("run", "nowhere", writers=[memory]) as logger:
        logger.log_embedding(
            "z", vectors, 0, metadata={"label": labels, "class": classes}, images=images
        )
        vectors += 1
        images += 1
        classes += 1
        labels[0] = "changed"
    value = memory.written[0].value
    assert isinstance(value, Embedding)
    np.testing.assert_array_equal(value.vectors, VECTORS)
    assert value.metadata == {"label": tuple("abcde"), "class": tuple("01234")}
    assert all((image == 0).all() for image in value.images)


def test_jax_vectors_of_any_precision_are_taken() -> None:
    import jax.numpy as jnp

    memory = Memory()
    with MetricsLogger("run", "nowhere", writers=[memory]) as logger:
        logger.log_embedding("z", jnp.ones((2, 3), jnp.bfloat16), metadata=jnp.arange(2))
    value = memory.written[0].value
    assert isinstance(value, Embedding)
    assert value.vectors.dtype == np.float32
    assert value.metadata == {"label": ("0", "1")}
