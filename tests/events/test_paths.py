from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from upath import UPath

from sightline.events import make_directory, to_local_path, to_path


@pytest.mark.parametrize("given", ["runs/a", Path("runs/a"), UPath("runs/a")])
def test_a_local_path_is_a_path(given: str | Path) -> None:
    assert to_path(given) == Path("runs/a")
    assert isinstance(to_path(given), Path)


def test_a_file_url_is_a_local_path(tmp_path: Path) -> None:
    assert to_path(tmp_path.as_uri()) == tmp_path
    assert to_path(UPath(tmp_path.as_uri())) == tmp_path


@pytest.mark.parametrize("url", ["s3://bucket/logs", "gs://bucket/logs", "memory://logs"])
def test_a_url_stays_what_it_is(url: str) -> None:
    path = to_path(url)
    assert not isinstance(path, Path)
    assert str(path) == url
    assert str(path / "run") == f"{url}/run"


def test_the_options_of_a_storage_go_along_and_its_connection_does_not() -> None:
    given = UPath("memory://logs", skip_instance_cache=True)
    connection = given.fs
    path = to_path(given)
    assert path == given
    assert path.storage_options == {"skip_instance_cache": True}
    assert path.fs is not connection


@pytest.mark.parametrize("url", ["s3://bucket/logs", "gs://bucket/logs"])
def test_a_url_that_pathlib_has_mangled_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=rf"expected a URL as text, .*give it as '{url}'"):
        to_path(Path(url))


def test_a_directory_with_a_colon_in_its_name_is_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("trial:").mkdir()
    assert to_path("trial:/run") == Path("trial:/run")


def test_what_needs_the_disk_refuses_a_url() -> None:
    assert to_local_path("runs") == Path("runs")
    with pytest.raises(ValueError, match="expected a path on the disk, got s3://bucket/a"):
        to_local_path("s3://bucket/a")


def test_directories_are_created_where_there_are_any(tmp_path: Path) -> None:
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_url_without_the_extra_names_it() -> None:
    program = (
        "import sys\n"
        "sys.modules['upath'] = None\n"
        "from sightline.events import to_path\n"
        "to_path('runs')\n"
        "to_path('s3://bucket')\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert answer.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: universal-pathlib is not installed; "
        'run: pip install "sightline[remote]"'
    )


def test_a_local_path_loads_nothing_that_urls_need(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from sightline.writers import TensorBoard\n"
        "TensorBoard(sys.argv[1]).close()\n"
        "assert not {'upath', 'fsspec', 's3fs'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True)
