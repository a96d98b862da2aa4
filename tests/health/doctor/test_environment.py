"""What is wrong with an environment; the packages here lie in folders made for a test."""

from __future__ import annotations

import errno
import os
import re
import socket
import sys
import tomllib
from pathlib import Path

import pytest

from sightline.health import Level
from sightline.health.doctor import accelerators, ports
from sightline.health.doctor.accelerators import (
    Accelerators,
    Framework,
    check_accelerators,
    cuda_in,
    gather_accelerators,
    num_devices_seen,
)
from sightline.health.doctor.complaint import Complaint
from sightline.health.doctor.distributions import Installed, installed
from sightline.health.doctor.extras import BUNDLES, WITHOUT, check_extras
from sightline.health.doctor.ports import PortFacts, check_port, gather_port
from sightline.health.doctor.storage import StorageFacts, check_storage, gather_storage
from sightline.health.doctor.versions import check_versions

ROOT = Path(__file__).parents[3]


def only(complaints: tuple[Complaint, ...]) -> Complaint:
    [one] = complaints
    assert one.what.endswith(".")
    return one


def install(site: Path, name: str, version: str, *lines: str) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    (folder / "METADATA").write_text("\n".join([*head, *lines, ""]))


SIGHTLINE = (
    "Requires-Dist: numpy>=2.0",
    'Requires-Dist: tensorboard>=2.19; extra == "board"',
    'Requires-Dist: fsspec>=2025.2; extra == "remote"',
    'Requires-Dist: s3fs>=2025.2; extra == "remote"',
    'Requires-Dist: colorama>=99; sys_platform == "none"',
    "Provides-Extra: board",
    "Provides-Extra: remote",
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    install(tmp_path, "sightline", "0.1.0", *SIGHTLINE)
    install(tmp_path, "numpy", "2.3.0")
    tensorboard = ("Requires-Dist: protobuf<8,>=6.31", "Requires-Dist: setuptools>=41")
    install(tmp_path, "tensorboard", "2.21.0", *tensorboard)
    install(tmp_path, "protobuf", "7.1")
    install(tmp_path, "setuptools", "84.0")
    return tmp_path


def replace(site: Path, name: str, version: str, *lines: str) -> None:
    [old] = site.glob(f"{name}-*.dist-info")
    (old / "METADATA").unlink()
    old.rmdir()
    install(site, name, version, *lines)


def test_versions_that_fit_have_no_complaint(site):
    checkup = check_versions(installed([str(site)]))
    assert checkup.complaints == ()
    assert "sightline 0.1.0" in checkup.found
    assert "4 packages" in checkup.found


def test_a_package_that_is_too_old_is_found(site):
    replace(site, "numpy", "1.26.4")
    one = only(check_versions(installed([str(site)])).complaints)
    assert one.what == "sightline 0.1.0 asks for `numpy>=2.0`, and 1.26.4 is installed."
    assert one.remedy == 'Run `pip install "numpy>=2.0"`.'
    assert one.level is Level.WARN


def test_a_package_of_an_extra_that_is_too_old_is_found(site):
    install(site, "fsspec", "2024.1")
    one = only(check_versions(installed([str(site)])).complaints)
    assert "`fsspec>=2025.2`, and 2024.1 is installed" in one.what


def test_a_tensorboard_that_asks_for_another_protobuf_blocks_viewing(site):
    replace(site, "protobuf", "8.0.1")
    one = only(check_versions(installed([str(site)])).complaints)
    assert "tensorboard 2.21.0 asks for `protobuf<8,>=6.31`, and 8.0.1 is installed" in one.what
    assert one.level is Level.ERROR


def test_a_tensorboard_whose_setuptools_lost_pkg_resources_blocks_viewing(site):
    replace(site, "tensorboard", "2.20.0", "Requires-Dist: setuptools>=41")
    one = only(check_versions(installed([str(site)])).complaints)
    assert "tensorboard 2.20.0 with setuptools 84.0" in one.what
    assert one.level is Level.ERROR
    replace(site, "setuptools", "81.0")
    assert check_versions(installed([str(site)])).complaints == ()


def test_a_package_that_is_gone_is_found(site):
    [old] = site.glob("numpy-*")
    (old / "METADATA").unlink()
    one = only(check_versions(installed([str(site)])).complaints)
    assert "`numpy>=2.0`, which is not installed" in one.what


def test_the_packages_of_this_environment_fit():
    assert check_versions(installed()).complaints == ()


def test_extras_of_which_something_is_missing_are_named_with_what_they_are_for(site):
    install(site, "fsspec", "2025.9")
    one = only(check_extras(installed([str(site)])).complaints)
    assert one.what == "s3fs is not installed: no logs on S3, GCS and other URLs."
    assert 'pip install "sightline[remote]"' in one.remedy
    assert one.level is Level.INFO
    [old] = site.glob("tensorboard-*")
    (old / "METADATA").unlink()
    levels = [one.level for one in check_extras(installed([str(site)])).complaints]
    assert levels == [Level.WARN, Level.INFO]


def test_of_each_extra_it_is_known_what_it_is_for():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert WITHOUT.keys() == extras["optional-dependencies"].keys() - BUNDLES


# No GPU can be here: what the machine has is handed in, or lies in a folder in place of /dev.
ONE_GPU = ("/dev/nvidia0",)
CUDA = Framework("torch", "2.13.0", "12.8", 0)


@pytest.mark.parametrize(
    ("found", "what", "remedy"),
    [
        (Accelerators(ONE_GPU, "", None, (CUDA,)), "CUDA_VISIBLE_DEVICES is ''", "unset CUDA"),
        (Accelerators(ONE_GPU, "-1", None, (CUDA,)), "CUDA_VISIBLE_DEVICES is '-1'", "unset CUDA"),
        (
            Accelerators(ONE_GPU, None, None, (Framework("torch", "2", "12.8", 0, "too old"),)),
            "sees none: too old",
            "nvidia-smi",
        ),
        (
            Accelerators(ONE_GPU, "0", "cpu", (Framework("jax", "0.10", "12", 0),)),
            "JAX_PLATFORMS is 'cpu'",
            "unset JAX_PLATFORMS",
        ),
        (
            Accelerators(ONE_GPU, None, None, (Framework("jax", "0.10", ""),)),
            "JAX 0.10 is a build for processors only",
            "jax[cuda13]",
        ),
        (
            Accelerators(ONE_GPU, None, None, (Framework("jax", "0.10", "12", None, "a crash"),)),
            "did not say how many GPUs it sees: a crash",
            "import jax",
        ),
    ],
)
def test_a_gpu_that_a_framework_does_not_see_is_a_warning(found, what, remedy):
    one = only(check_accelerators(found).complaints)
    assert what in one.what
    assert remedy in one.remedy
    assert one.level is Level.WARN


def test_a_gpu_that_is_seen_is_fine_and_a_build_without_one_is_a_note():
    seen = Accelerators(ONE_GPU, "0", None, (Framework("torch", "2.13.0", "12.8", 1),))
    assert check_accelerators(seen).complaints == ()
    none = Accelerators((), None, None, (Framework("torch", "2.13.0", "12.8"),))
    assert only(check_accelerators(none).complaints).level is Level.INFO


def test_a_build_for_processors_beside_a_gpu_is_found_from_the_files_of_torch(tmp_path):
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvidiactl").touch()
    torch = {"torch": Installed("torch", "2.13.0+cpu")}
    found = gather_accelerators(torch, devices_in=tmp_path)
    assert found.devices == (str(tmp_path / "nvidia0"),)
    assert "build for processors only" in only(check_accelerators(found).complaints).what


def test_torch_itself_says_how_many_gpus_it_sees():
    assert num_devices_seen("torch", 60.0) == (0, "")


def test_a_framework_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setitem(accelerators._COUNT, "torch", "import time; time.sleep(60)")
    assert num_devices_seen("torch", 0.1) == (None, "no answer within 0.1 s")


def test_a_build_without_cuda_is_told_by_its_version_file():
    assert cuda_in("cuda: Optional[str] = None\nhip: Optional[str] = None\n") == ""
    assert cuda_in("cuda: Optional[str] = '12.8'\nhip: Optional[str] = None\n") == "12.8"
    assert cuda_in("cuda: Optional[str] = None\nhip: Optional[str] = '6.4'\n") == "6.4"


def test_a_port_that_somebody_listens_on_is_found_with_its_process():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        facts = gather_port(port)
        one = only(check_port(facts).complaints)
    assert facts.pid == os.getpid()
    assert f"Port {port} of localhost is in use by process {os.getpid()}" in one.what
    assert Path(sys.executable).name in one.what
    assert one.level is Level.WARN
    assert check_port(gather_port(port)).complaints == ()


def test_a_tensorboard_on_the_port_is_named_with_its_address():
    facts = PortFacts(6006, "localhost", errno.EADDRINUSE, "tensorboard --logdir runs", 7)
    assert "http://localhost:6006" in only(check_port(facts).complaints).remedy
    nobody = PortFacts(6006, "localhost", errno.EADDRINUSE)
    assert "in use by another process" in only(check_port(nobody).complaints).what
    forbidden = PortFacts(80, "localhost", errno.EACCES)
    assert "may not open port 80" in only(check_port(forbidden).complaints).what


def test_the_port_is_the_one_of_the_board():
    text = (ROOT / "src/sightline/board/launch.py").read_text()
    assert re.search(rf"port: int = {ports.DEFAULT_PORT},", text)


def test_a_directory_that_takes_files_is_fine_and_left_as_it_was(tmp_path):
    facts = gather_storage(tmp_path / "not" / "there")
    assert facts.folder == str(tmp_path)
    assert facts.fault == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="takes a folder that is never writable")
def test_a_directory_that_takes_no_file_is_found():
    one = check_storage(gather_storage(Path("/proc/self"))).complaints[0]
    assert "No file can be made in /proc/" in one.what
    assert one.level is Level.ERROR


@pytest.mark.parametrize(
    ("free_bytes", "free_files", "what", "level"),
    [
        (400_000_000, None, "has 400 MB of 1 TB left", Level.WARN),
        (20_000_000, 10**6, "has 20 MB of 1 TB left", Level.ERROR),
        (10**11, 3, "room for 3 more files left", Level.ERROR),
    ],
)
def test_a_disk_that_is_almost_full_is_found(free_bytes, free_files, what, level):
    facts = StorageFacts("/data", "", free_bytes, 10**12, free_files)
    one = only(check_storage(facts).complaints)
    assert what in one.what
    assert one.level is level
