"""Embeddings in a run's directory, where TensorBoard's projector finds them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import quote

from sightline import events
from sightline.events.paths import AnyPath
from sightline.events.projector import (
    CONFIG_NAME,
    Block,
    Projection,
    metadata_tsv,
    projection_name,
    split_config,
    tensor_bytes,
)
from sightline.writers.sprite import draw_sprite
from sightline.writers.values import Embedding

FOLDER = "projector"
OURS = re.compile(rf"{FOLDER}/(?!\.)[^/]+/(-?\d+)/tensor\.bytes")
MAX_NAME_LENGTH = 200  # file systems take 255 bytes


class Projector:
    """Writes `projector/<tag>/<step>/` with vectors, labels and thumbnails, and lists them.

    All steps stay. The list, `projector_config.pbtxt`, keeps what others wrote into it, and is
    replaced in one piece: a kill at any moment leaves the old one or the new one. What it names
    exists, because TensorBoard's projector shows nothing at all where one file is missing.

    Args:
        run_dir: The run's directory.
        resume_step: Last step that stays, where the run continues; None keeps all.
    """

    def __init__(self, run_dir: AnyPath, resume_step: int | None = None) -> None:
        self._run_dir = run_dir
        if resume_step is not None:
            self._withdraw({
                block.tensor_path
                for block in self._read()
                if block.tensor_path is not None
                and (match := OURS.fullmatch(block.tensor_path))
                and int(match[1]) > resume_step
            })

    def write(self, tag: str, embedding: Embedding, step: int) -> None:
        """Write an embedding, in place of an earlier one of the same tag and step.

        Args:
            tag: Its name.
            embedding: On the host.
            step: Its step.
        """
        relative = f"{FOLDER}/{folder_name(tag)}/{step}"
        tensor_path = f"{relative}/tensor.bytes"
        # First out of the list: with the shape of the old vectors the new ones could not be read.
        self._withdraw({tensor_path})
        events.make_directory(self._run_dir / relative)
        (self._run_dir / tensor_path).write_bytes(tensor_bytes(embedding.vectors))
        metadata_path = sprite_path = None
        thumbnail_size = (0, 0)
        if embedding.metadata is not None:
            metadata_path = f"{relative}/metadata.tsv"
            (self._run_dir / metadata_path).write_bytes(metadata_tsv(embedding.metadata))
        if embedding.images is not None:
            sprite_path = f"{relative}/sprite.png"
            sprite, thumbnail_size = draw_sprite(embedding.images)
            (self._run_dir / sprite_path).write_bytes(events.encode_png(sprite))
        projection = Projection(
            projection_name(tag, step),
            tensor_path,
            embedding.vectors.shape,
            metadata_path,
            sprite_path,
            thumbnail_size,
        )
        text = "".join(block.text for block in self._read())
        self._replace(
            text + ("" if not text or text.endswith("\n") else "\n") + projection.encode()
        )

    def _withdraw(self, tensor_paths: set[str]) -> None:
        """Take embeddings of ours off the list, then remove their files."""
        blocks = self._read()
        kept = [block for block in blocks if block.tensor_path not in tensor_paths]
        if len(kept) == len(blocks):
            return
        text = "".join(block.text for block in kept)
        self._replace(text.strip() and text.lstrip("\n"))
        for tensor_path in tensor_paths:
            folder = (self._run_dir / tensor_path).parent
            if isinstance(folder, Path):
                import shutil

                shutil.rmtree(folder, ignore_errors=True)
            elif folder.exists():
                folder.fs.rm(folder.path, recursive=True)

    def _read(self) -> list[Block]:
        path = self._run_dir / CONFIG_NAME
        try:
            return split_config(path.read_text("utf-8"))
        except FileNotFoundError:
            return []
        except ValueError as error:  # of UTF-8 too
            raise ValueError(
                f"expected a list of embeddings in {path}, got a file that cannot be read "
                f"({error}); repair it, or move it away"
            ) from error

    def _replace(self, text: str) -> None:
        config = self._run_dir / CONFIG_NAME
        if not isinstance(config, Path):  # an object is replaced in one piece
            config.write_bytes(text.encode())
            return
        temporary = config.with_name(f".{CONFIG_NAME}.tmp")
        try:
            temporary.write_text(text, "utf-8", newline="\n")
            temporary.replace(config)
        finally:
            temporary.unlink(missing_ok=True)


def folder_name(tag: str) -> str:
    """A tag as the name of one folder, of plain characters, that leads nowhere else.

    Args:
        tag: Any text.

    Returns:
        At most 200 characters of ASCII; where that cuts something off, a digest makes up for it.

    Example:
        >>> folder_name("val/größe"), folder_name("..")
        ('val%2Fgr%C3%B6%C3%9Fe', '%2E.')
    """
    name = quote(tag, safe="")
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if len(name) > MAX_NAME_LENGTH:
        digest = hashlib.sha256(tag.encode()).hexdigest()[:16]
        name = f"{name[: MAX_NAME_LENGTH - 17]}~{digest}"
    return name
