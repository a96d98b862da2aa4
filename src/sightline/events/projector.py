"""What TensorBoard's projector reads: a list of embeddings as text, vectors, and labels."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

CONFIG_NAME = "projector_config.pbtxt"
EMPTY_ROW = "(empty)"

TOKEN = re.compile(
    r"""\s+|\#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}<>\[\]]|[^\s\#"'{}<>\[\]]+"""
)
# The page asks for an embedding by an address in which it escapes nothing.
UNSAFE_IN_ADDRESS = str.maketrans("#%&+;", "＃％＆＋；")  # noqa: RUF001
CELL_ESCAPES = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})
# Bytes with which no character of UTF-8 begins.
INVALID_FIRST_BYTES = frozenset([*range(0x80, 0xC2), *range(0xF5, 0x100)])


@dataclass(frozen=True, slots=True)
class Projection:
    """One embedding in the list.

    Args:
        name: What the projector shows in its menu; see `projection_name`.
        tensor_path: File of the vectors, from the directory of the list, as ASCII.
        shape: Vectors, and numbers of each.
        metadata_path: File of the labels, or none.
        sprite_path: File of the thumbnails, or none.
        thumbnail_size: Width and height of one, in pixels.
    """

    name: str
    tensor_path: str
    shape: tuple[int, int]
    metadata_path: str | None = None
    sprite_path: str | None = None
    thumbnail_size: tuple[int, int] = (0, 0)

    def encode(self) -> str:
        """The embedding in the text format of protocol buffers.

        Returns:
            Lines that end in a line break.

        Example:
            >>> print(Projection("z", "z.bytes", (2, 3)).encode(), end="")
            embeddings {
              tensor_name: "z"
              tensor_path: "z.bytes"
              tensor_shape: 2
              tensor_shape: 3
            }
        """
        lines = [
            f"tensor_name: {_quoted(self.name)}",
            f"tensor_path: {_quoted(self.tensor_path)}",
            *(f"tensor_shape: {size}" for size in self.shape),
        ]
        if self.metadata_path is not None:
            lines.append(f"metadata_path: {_quoted(self.metadata_path)}")
        if self.sprite_path is not None:
            dims = " ".join(f"single_image_dim: {size}" for size in self.thumbnail_size)
            lines.append(f"sprite {{ image_path: {_quoted(self.sprite_path)} {dims} }}")
        return "".join(["embeddings {\n", *(f"  {line}\n" for line in lines), "}\n"])


class Block(NamedTuple):
    """A part of a list of embeddings.

    Args:
        text: As it stands in the file.
        tensor_path: Of an embedding: its file of vectors. None for anything else.
    """

    text: str
    tensor_path: str | None = None


def split_config(text: str) -> list[Block]:
    """Cut a list of embeddings into its parts, whoever wrote them.

    Args:
        text: The file.

    Returns:
        The embeddings, and between them whatever else there is; together they are the text.

    Raises:
        ValueError: If brackets or quotes do not match.

    Example:
        >>> split_config('embeddings { tensor_path: "z.bytes" } # old')
        [Block(text='embeddings { tensor_path: "z.bytes" }', tensor_path='z.bytes'), \
Block(text=' # old', tensor_path=None)]
    """
    blocks: list[Block] = []
    pending: list[str] = []
    path, key, depth, is_embedding = "", "", 0, False
    for token in _tokens(text):
        if token in {"{", "<", "["}:
            if depth == 0 and key == "embeddings" and token != "[":
                *before, name = _until_last(pending, "embeddings")
                blocks += [Block("".join(before))] if before else []
                pending, path, is_embedding = [name], "", True
            depth += 1
        pending.append(token)
        if token in {"}", ">", "]"}:
            depth -= 1
            if depth == 0 and is_embedding:
                blocks.append(Block("".join(pending), path))
                pending, is_embedding = [], False
        elif depth == 1 and key == "tensor_path" and token[0] in "\"'":
            path = token[1:-1]
        if depth < 0:
            break
        if not token.isspace() and token[0] != "#" and token != ":":
            key = token.rstrip(":")
    if depth != 0:
        raise ValueError("expected brackets that match, got one without the other")
    return blocks + ([Block("".join(pending))] if pending else [])


def projection_name(tag: str, step: int) -> str:
    """How the projector's menu calls the embedding of a step; it sorts by these names.

    Characters that mean something in an address are replaced by their full-width twins.

    Args:
        tag: Name of the embedding.
        step: Its step.

    Returns:
        A name.

    Example:
        >>> projection_name("val/latents", 500)
        'val/latents step 00000500'
    """
    visible = tag.translate(UNSAFE_IN_ADDRESS)
    return f"{visible} step {step:08d}"


def tensor_bytes(vectors: NDArray[Any]) -> bytes:
    """Vectors as little-endian 32-bit floats, in bytes that nobody takes for text.

    TensorBoard reads a file of vectors as text, and as floats only where that is no UTF-8. Where
    the bytes up to the first line break happen to be UTF-8, which takes very plain numbers, the
    first number changes: a zero becomes a negative zero, another the nearest float with a first
    byte that no text has: mostly one unit in the last place away, at most 64, next to zero 128.

    Args:
        vectors: Finite numbers, shape (vectors, numbers of each).

    Returns:
        Four bytes a number.

    Example:
        >>> tensor_bytes(np.zeros((1, 2))).hex()
        '0000008000000000'
    """
    encoded = np.asarray(vectors, dtype="<f4").tobytes()
    line_break = re.search(rb"[\r\n]", encoded)
    first_line = encoded[: line_break.start()] if line_break else encoded
    try:
        first_line.decode()
    except UnicodeDecodeError:
        return encoded
    (first,) = struct.unpack_from("<I", encoded)
    return struct.pack("<I", _unlike_text(first)) + encoded[4:]


def metadata_tsv(columns: Mapping[str, Sequence[str]]) -> bytes:
    r"""Labels of points as the projector reads them.

    One column stands without its name, several have a first line of names. Tabs and line breaks
    within a cell are written as `\\t` and `\\n`. The projector skips an empty line, which would
    shift all labels below it: a row that is empty reads "(empty)".

    Args:
        columns: Cells by name of the column, all of one length.

    Returns:
        The file, in UTF-8.

    Example:
        >>> metadata_tsv({"label": ["cat", "a\tb", ""]}).decode().splitlines()
        ['cat', 'a\\tb', '(empty)']
        >>> metadata_tsv({"label": ["cat"], "size": ["3"]}).decode().splitlines()
        ['label\tsize', 'cat\t3']
    """
    rows = list(zip(*columns.values(), strict=True))
    if len(columns) > 1:
        rows.insert(0, tuple(columns))
    return "".join(map(_row, rows)).encode(errors="replace")


def _row(cells: tuple[str, ...]) -> str:
    line = "\t".join(cell.translate(CELL_ESCAPES) for cell in cells)
    if not line.strip("\ufeff \t").strip():
        line = EMPTY_ROW + line[line.find("\t") :] if "\t" in line else EMPTY_ROW
    return line + "\n"


def _unlike_text(bits: int) -> int:
    """The nearest float, as bits, that begins with a byte that no text has."""
    if bits == 0:
        return 1 << 31
    near = (bits + sign * distance for distance in range(1, 129) for sign in (-1, 1))
    return next(other for other in near if other & 0xFF in INVALID_FIRST_BYTES and other >= 0)


def _tokens(text: str) -> Iterator[str]:
    offset = 0
    while offset < len(text):
        match = TOKEN.match(text, offset)
        if match is None:
            raise ValueError(f"expected quotes that match, got {text[offset : offset + 20]!r}")
        yield match[0]
        offset = match.end()


def _until_last(tokens: list[str], start: str) -> list[str]:
    """Tokens joined to two texts: before the last one that begins so, and from there on."""
    last = max(index for index, token in enumerate(tokens) if token.startswith(start))
    before, after = "".join(tokens[:last]), "".join(tokens[last:])
    return [before, after] if before else [after]


def _quoted(text: str) -> str:
    """A text as protocol buffers write it: what is not plain ASCII as octal bytes."""
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"\"\\'" else f"\\{byte:03o}"
        for byte in text.encode(errors="replace")
    )
    return f'"{escaped}"'
