from __future__ import annotations

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from sightline.events.projector import (
    Projection,
    metadata_tsv,
    projection_name,
    split_config,
    tensor_bytes,
)

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
PLAIN = st.sampled_from([0.0, 0.5, 2.0, -0.0, 1e-45, 8.968310171678829e-44, 32.0, 131072.0])
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6))


def first_line(encoded: bytes) -> bytes:
    return encoded.replace(b"\r", b"\n").partition(b"\n")[0]


@given(arrays.arrays(np.float32, SHAPES, elements=PLAIN | FLOATS))
def test_vectors_are_never_taken_for_text_and_at_most_one_number_moves(
    vectors: np.ndarray,
) -> None:
    encoded = tensor_bytes(vectors)
    with pytest.raises(UnicodeDecodeError):
        first_line(encoded).decode()
    read = np.frombuffer(encoded, "<f4").reshape(vectors.shape)
    assert np.isfinite(read).all()
    np.testing.assert_array_equal(read.ravel()[1:], vectors.ravel()[1:])
    np.testing.assert_array_max_ulp(read.ravel()[:1], vectors.ravel()[:1], maxulp=128)


def test_all_zero_vectors_stay_zero() -> None:
    vectors = np.frombuffer(tensor_bytes(np.zeros((3, 4))), "<f4")
    np.testing.assert_array_equal(vectors, np.zeros(12))


def test_a_line_break_before_the_first_byte_that_is_no_text_is_noticed() -> None:
    vectors = np.frombuffer(b"\n\n\n\n\xff\xff\xff\x3f", "<f4").reshape(1, 2)
    with pytest.raises(UnicodeDecodeError):
        first_line(tensor_bytes(vectors)).decode()


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_metadata_has_a_line_a_point_whatever_the_cells_hold(
    left: list[str], right: list[str]
) -> None:
    num_points = min(len(left), len(right))
    one = metadata_tsv({"a": left[:num_points]}).decode()
    two = metadata_tsv({"a": left[:num_points], "b": right[:num_points]}).decode()
    for text, num_lines, num_tabs in ((one, num_points, 0), (two, num_points + 1, 1)):
        lines = text.split("\n")
        assert lines.pop() == ""
        assert len(lines) == num_lines
        assert {line.count("\t") for line in lines} == {num_tabs}
        assert "\r" not in text
        assert all(line.strip("\ufeff").strip() for line in lines)


@given(st.text(min_size=1), st.integers(-5, 10**9), st.booleans())
def test_an_entry_is_read_by_protobuf_as_it_was_meant(tag: str, step: int, is_rich: bool) -> None:
    beside = ("a/metadata.tsv", "a/sprite.png", (8, 9)) if is_rich else ()
    entry = Projection(projection_name(tag, step), "a/tensor.bytes", (5, 3), *beside)
    (read,) = text_format.Parse(entry.encode(), ProjectorConfig()).embeddings
    name = projection_name(tag, step).encode(errors="replace").decode()
    assert (read.tensor_name, read.tensor_path) == (name, "a/tensor.bytes")
    assert list(read.tensor_shape) == [5, 3]
    assert read.metadata_path == ("a/metadata.tsv" if is_rich else "")
    assert list(read.sprite.single_image_dim) == ([8, 9] if is_rich else [])


def test_names_hold_nothing_that_means_something_in_an_address() -> None:
    assert not set("#%&+;") & set(projection_name("a#b%c&d+e;f", 3))


def test_names_sort_by_step() -> None:
    names = [projection_name("z", step) for step in (0, 9, 10, 500, 1000, 99_999)]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("", []),
        ('model_checkpoint_path: "x"\n', []),
        ('embeddings { tensor_path: "a" }', ["a"]),
        ("embeddings: < tensor_path: 'a' >\nembeddings{tensor_path:\"b\"}", ["a", "b"]),
        ('embeddings { tensor_name: "}{ \\" embeddings {" tensor_path: "a" } # { "', ["a"]),
        ('embeddings { sprite { image_path: "s" } tensor_name: "tensor_path" }', [""]),
        ('# embeddings { tensor_path: "a" }\nembeddings { tensor_path: "b" }', ["b"]),
    ],
)
def test_a_list_is_cut_where_its_entries_are_and_nothing_is_lost(
    text: str, paths: list[str]
) -> None:
    text_format.Parse(text, ProjectorConfig())
    blocks = split_config(text)
    assert "".join(block.text for block in blocks) == text
    assert [block.tensor_path for block in blocks if block.tensor_path is not None] == paths


@pytest.mark.parametrize("text", ["embeddings {", "}", 'embeddings { tensor_name: "a }'])
def test_a_list_that_is_torn_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="that match"):
        split_config(text)
