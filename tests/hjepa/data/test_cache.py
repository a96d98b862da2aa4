import errno
import itertools
import json
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.hjepa.data import cache, encoded, load_folder, load_images
from sightline.hjepa.data.encoded import How
from sightline.hjepa.data_config import DataConfig

NUM = 6


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    for number in range(NUM):
        file = folder / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(file)
    return folder


@pytest.fixture
def decoded(monkeypatch):
    """Counts what is decoded."""
    calls = []
    decode = encoded.decode

    def counted(*args):
        calls.append(args)
        return decode(*args)

    monkeypatch.setattr(encoded, "decode", counted)
    return calls


@pytest.fixture
def how(tmp_path):
    return How(8, cache_dir=tmp_path / "kept", max_unreadable_share=0.5)


def same(one, other):
    return torch.equal(one.images_NCHW, other.images_NCHW) and torch.equal(
        one.labels_N, other.labels_N
    )


def place_of(how):
    [place] = (entry for entry in (how.cache_dir / "images").iterdir() if entry.is_dir())
    return place


def test_images_are_decoded_once_and_mapped_from_a_file_after_that(photos, how, decoded):
    in_memory = load_folder(photos, 8)
    decoded.clear()
    first = load_folder(photos, 8, how=how)
    assert len(decoded) == NUM
    again = load_folder(photos, 8, how=how)
    assert len(decoded) == NUM
    assert same(first, in_memory)
    assert same(again, in_memory)
    assert str(place_of(how) / "images.npy") in Path("/proc/self/maps").read_text()
    assert sorted(file.name for file in place_of(how).iterdir()) == ["images.npy", "index.json"]
    np.testing.assert_array_equal(
        np.load(place_of(how) / "images.npy"), in_memory.images_NCHW.numpy()
    )


@pytest.mark.parametrize("change", ["pixels", "time", "new", "gone", "renamed", "size", "channels"])
def test_other_images_are_decoded_anew(photos, how, decoded, change):
    load_folder(photos, 8, how=how)
    decoded.clear()
    file = photos / "a" / "0.png"
    if change == "pixels":
        Image.new("RGB", (9, 9)).save(file)
    elif change == "time":
        os.utime(file, (1, 1))
    elif change == "new":
        Image.new("RGB", (9, 9)).save(photos / "a" / "new.png")
    elif change == "gone":
        file.unlink()
    elif change == "renamed":
        file.rename(photos / "b" / "0.png")
    changes = {"size": {"image_size": 7}, "channels": {"channels": 1}}.get(change, {})
    how = How(**{**vars(how), **changes})
    images = load_folder(photos, how.image_size, how=how)
    assert len(decoded) == len(images) == NUM + (change == "new") - (change == "gone")
    assert same(images, load_folder(photos, 8, how=How(**{**vars(how), "cache_dir": None})))


@pytest.mark.parametrize("change", [{"image_size": 7}, {"channels": 1}])
def test_images_of_two_kinds_are_kept_beside_each_other(photos, how, decoded, change, caplog):
    other = How(**{**vars(how), **change})
    for one in (how, other, how, other):
        load_folder(photos, one.image_size, how=one)
    assert len(decoded) == 2 * NUM
    assert "damaged" not in caplog.text


def test_the_folder_may_be_moved(photos, how, decoded):
    load_folder(photos, 8, how=how)
    moved = photos.rename(photos.with_name("moved"))
    load_folder(moved, 8, how=how)
    assert len(decoded) == NUM


def test_what_could_not_be_read_is_known_without_decoding(photos, how, decoded, caplog):
    (photos / "a" / "2.png").write_bytes(b"torn")
    first = load_folder(photos, 8, how=how)
    caplog.clear()
    again = load_folder(photos, 8, how=how)
    assert len(decoded) == NUM
    assert same(first, again)
    assert again.labels_N.tolist() == [0, 0, 1, 1, 1]
    assert again.unreadable == first.unreadable
    assert "2.png" in caplog.text
    with pytest.raises(ValueError, match=r"at most 0\.1 of the 6 images .*2\.png"):
        load_folder(photos, 8, how=How(**{**vars(how), "max_unreadable_share": 0.1}))


def cut(file):
    file.write_bytes(file.read_bytes()[:-100])


def longer_shape(file):
    np.save(file, np.zeros((NUM + 1, 3, 8, 8), np.uint8))


def floats(file):
    np.save(file, np.zeros((NUM, 3, 8, 8)))


def objects(file):
    np.save(file, np.array([{}, {}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("images.npy", cut),
        ("images.npy", longer_shape),
        ("images.npy", floats),
        ("images.npy", objects),
        ("images.npy", lambda file: file.write_bytes(b"")),
        ("images.npy", lambda file: file.write_bytes(b"of another program")),
        ("images.npy", lambda file: file.unlink()),
        ("index.json", cut),
        ("index.json", lambda file: file.write_text("[]")),
        ("index.json", lambda file: file.write_text("{}")),
        ("index.json", lambda file: file.write_bytes(b"\xff\xfe")),
        ("index.json", lambda file: file.unlink()),
    ],
)
def test_damaged_or_foreign_files_are_made_anew(photos, how, decoded, name, damage):
    whole = load_folder(photos, 8)
    load_folder(photos, 8, how=how)
    damage(place_of(how) / name)
    decoded.clear()
    assert same(load_folder(photos, 8, how=how), whole)
    assert len(decoded) == NUM
    assert same(load_folder(photos, 8, how=how), whole)
    assert len(decoded) == NUM


def test_images_of_another_set_in_the_place_of_ours_are_made_anew(photos, how, decoded):
    load_folder(photos, 8, how=how)
    index = place_of(how) / "index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "key": "another"}))
    decoded.clear()
    load_folder(photos, 8, how=how)
    assert len(decoded) == NUM


def test_an_interrupted_decoding_leaves_nothing_and_the_next_begins_anew(photos, how, monkeypatch):
    decode = encoded.decode

    def interrupted(source, *args):
        if source.name == "4.png":
            raise KeyboardInterrupt
        return decode(source, *args)

    with monkeypatch.context() as patch:
        patch.setattr(encoded, "decode", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_folder(photos, 8, how=how)
    assert [file.suffix for file in (how.cache_dir / "images").iterdir()] == [".lock"]
    assert same(load_folder(photos, 8, how=how), load_folder(photos, 8))


def test_what_a_killed_process_left_is_removed(photos, how):
    load_folder(photos, 8, how=how)
    place = place_of(how)
    torn = place.rename(place.with_name(f"{place.name}.0a1b2c3d.part"))
    load_folder(photos, 8, how=how)
    assert not torn.exists()


def test_of_two_that_begin_at_once_one_decodes_and_both_have_the_images(
    photos, how, decoded, monkeypatch
):
    # The lock belongs to an open file: two threads exclude each other as two processes do.
    both_found_nothing, turns = threading.Barrier(2), itertools.count()
    load = cache.ImageCache.load

    def together(place):
        found = load(place)
        if next(turns) < 2:
            both_found_nothing.wait(timeout=60)
        return found

    monkeypatch.setattr(cache.ImageCache, "load", together)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: load_folder(photos, 8, how=how), range(2))
    assert len(decoded) == NUM
    assert same(one, other)
    assert same(one, load_folder(photos, 8))


def test_without_locks_two_processes_do_not_disturb_each_other(photos, how, monkeypatch):
    class NoLocks(cache.FileLock):
        def _acquire(self):
            raise NotImplementedError

    monkeypatch.setattr(cache, "FileLock", NoLocks)
    decode = encoded.decode

    def meanwhile(source, *args):
        with monkeypatch.context() as patch:  # another process comes first
            patch.setattr(encoded, "decode", decode)
            load_folder(photos, 8, how=how)
        return decode(source, *args)

    monkeypatch.setattr(encoded, "decode", meanwhile)
    assert same(
        load_folder(photos, 8, how=How(**{**vars(how), "num_workers": 1})), load_folder(photos, 8)
    )


def test_a_folder_that_cannot_be_written_is_explained(photos, tmp_path):
    (tmp_path / "file").write_text("in the way")
    how = How(8, cache_dir=tmp_path / "file")
    with pytest.raises(OSError, match=r"expected to keep .* set data\.cache_dir .* or to null"):
        load_folder(photos, 8, how=how)


def test_a_full_disk_is_told_before_anything_is_decoded(photos, how, decoded, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match=r"keep 1\.15 kB of .* got 1 kB of free disk; make room"):
        load_folder(photos, 8, how=how)
    assert decoded == []


def test_a_disk_that_fills_up_meanwhile_is_explained(photos, how, monkeypatch):
    add = cache.Writing.add

    def full(writing, image):
        if writing.num_images == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        add(writing, image)

    monkeypatch.setattr(cache.Writing, "add", full)
    with pytest.raises(OSError, match="got No space left on device; make room there"):
        load_folder(photos, 8, how=how)
    assert [file.suffix for file in (how.cache_dir / "images").iterdir()] == [".lock"]


def test_the_default_is_the_users_folder_of_caches(photos, tmp_path, decoded, monkeypatch):
    for part in ("train", "val"):
        (photos / part).symlink_to(photos)
    config = DataConfig(dataset="folder", data_path=photos / "..", image_size=8)
    (tmp_path / "train").symlink_to(photos)
    (tmp_path / "val").symlink_to(photos)
    for link in ("train", "val"):
        (photos / link).unlink()
    train, _ = load_images(config)
    assert len(list((tmp_path / "cache" / "sightline" / "images").glob("*/images.npy"))) == 1
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    load_images(config)
    assert (tmp_path / "home" / ".cache" / "sightline" / "images").is_dir()
    decoded.clear()
    none = config.model_copy(update={"cache_dir": None})
    assert same(load_images(none)[0], train)
    assert len(decoded) == 2 * NUM


def test_a_slow_decoding_says_how_fast_it_was(photos, caplog, monkeypatch):
    monkeypatch.setattr(encoded, "SECONDS_WITHOUT_BAR", 0.0)
    caplog.set_level(logging.INFO)
    load_folder(photos, 8)
    assert "images a second" in caplog.text
