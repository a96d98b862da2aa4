"""GPUs that the machine has and the frameworks do not see."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sightline._amounts import counted
from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.doctor.distributions import Environment
from sightline.health.finding import Level

SUBJECT = "gpu"
HIDDEN = {"", "-1", "none", "NoDevFiles"}
_JAX_PLUGIN = re.compile(r"jax-cuda\d+-plugin$")
_COUNT = {
    "torch": "import torch; print(torch.cuda.device_count())",
    "jax": "import jax; print(sum(one.platform == 'gpu' for one in jax.devices()))",
}


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework, and how many GPUs it sees.

    Attributes:
        name: `torch` or `jax`.
        version: its version.
        cuda: the CUDA that it is built for; empty for a build for processors.
        num_devices: how many GPUs it sees; None where it was not asked.
        said: the last line of what it said when it was asked.
    """

    name: str
    version: str
    cuda: str
    num_devices: int | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Accelerators:
    """What a machine and its frameworks have of NVIDIA's GPUs.

    Attributes:
        devices: device nodes of GPUs.
        visible: CUDA_VISIBLE_DEVICES; None where it is not set.
        platforms: JAX_PLATFORMS; None where it is not set.
        frameworks: those that are installed.
    """

    devices: tuple[str, ...] = ()
    visible: str | None = None
    platforms: str | None = None
    frameworks: tuple[Framework, ...] = ()


def gather_accelerators(
    environment: Environment, *, devices_in: Path = Path("/dev"), timeout_s: float = 60.0
) -> Accelerators:
    """Look for GPUs, and ask the frameworks how many they see.

    They are asked in processes of their own, and only where there are a GPU and a build for it.

    Args:
        environment: What is installed.
        devices_in: Where the device nodes are.
        timeout_s: How long a framework may take to answer, in seconds.

    Returns:
        What was found.
    """
    nodes = [*devices_in.glob("nvidia[0-9]*"), *devices_in.glob("dxg")]  # dxg: Windows' Linux
    devices = tuple(sorted(map(str, nodes)))
    frameworks = []
    for name, cuda in (("torch", _cuda_of_torch()), ("jax", _cuda_of_jax(environment))):
        if name in environment:
            num_devices, said = (
                num_devices_seen(name, timeout_s) if devices and cuda else (None, "")
            )
            version = environment[name].version
            frameworks.append(Framework(name, version, cuda, num_devices, said))
    variables = os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("JAX_PLATFORMS")
    return Accelerators(devices, *variables, tuple(frameworks))


def check_accelerators(found: Accelerators) -> Checkup:
    """Find GPUs that no framework sees, and builds for GPUs where there is none.

    Args:
        found: What the machine has.

    Returns:
        A complaint for each framework that sees no GPU where there is one; for information where a
        build for GPUs has none.
    """
    complaints = []
    for one in found.frameworks:
        title = "PyTorch" if one.name == "torch" else "JAX"
        build = f"{title} {one.version}"
        if found.devices and not one.cuda:
            what = f"This machine has {counted(len(found.devices), 'GPU')} "
            what += f"({', '.join(found.devices)}), and {build} is a build for processors only."
            complaints.append(Complaint(Level.WARN, SUBJECT, what, _install(one.name)))
        elif found.devices and one.num_devices == 0:
            complaints.append(_unseen(found, one, build))
        elif found.devices and one.num_devices is None:
            what = (
                f"{build} did not say how many GPUs it sees: {one.said.rstrip('.') or 'no answer'}."
            )
            remedy = f'Run `{Path(sys.executable).name} -c "{_COUNT[one.name]}"` and mend what '
            remedy += "it says."
            complaints.append(Complaint(Level.WARN, SUBJECT, what, remedy))
        elif not found.devices and one.cuda:
            what = f"{build} is built for CUDA {one.cuda}, and this machine shows no NVIDIA GPU: "
            what += "it trains on the processor."
            remedy = "If there is one, load its driver, and start a container with `--gpus all`."
            complaints.append(Complaint(Level.INFO, SUBJECT, what, remedy))
    return Checkup(SUBJECT, _summary(found), tuple(complaints))


def _unseen(found: Accelerators, one: Framework, build: str) -> Complaint:
    what = f"This machine has {counted(len(found.devices), 'GPU')}, and {build}, built for CUDA "
    what += f"{one.cuda}, sees none"
    if found.visible is not None and found.visible.strip() in HIDDEN:
        what += f": CUDA_VISIBLE_DEVICES is {found.visible!r}."
        remedy = "Run `unset CUDA_VISIBLE_DEVICES`, or set it to the GPUs that you want: `0`."
    elif one.name == "jax" and found.platforms and "cuda" not in found.platforms:
        what += f": JAX_PLATFORMS is {found.platforms!r}."
        remedy = "Run `unset JAX_PLATFORMS`."
    else:
        what += f": {one.said.rstrip('.')}." if one.said else "."
        remedy = "Look at `nvidia-smi`: the driver must run, and be new enough for that CUDA."
    return Complaint(Level.WARN, SUBJECT, what, remedy)


def _install(name: str) -> str:
    if name == "jax":
        return 'Run `pip install "jax[cuda13]"`, or `"jax[cuda12]"` with an older driver.'
    return (
        "Install a build for your driver's CUDA, with the command that "
        "https://pytorch.org/get-started/locally gives."
    )


def _summary(found: Accelerators) -> str:
    seen = [f"{one.name} {one.version} sees {one.num_devices}" for one in found.frameworks
            if one.num_devices is not None]  # fmt: skip
    builds = [f"{one.name} {one.version}" for one in found.frameworks]
    return ", ".join([counted(len(found.devices), "GPU"), *(seen or builds)])


def _cuda_of_torch() -> str:
    """What torch is built for, read from its files: importing it takes seconds."""
    spec = find_spec("torch")
    file = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    if file is None or not file.is_file():
        return ""
    return cuda_in(file.read_text(encoding="utf-8"))


def cuda_in(text: str) -> str:
    """The CUDA, or the HIP, that torch is built for, by its `version.py`; empty for none."""
    match = re.search(r"^(?:cuda|hip)\b[^=\n]*=\s*['\"]([^'\"]+)['\"]", text, re.MULTILINE)
    return match[1] if match else ""


def _cuda_of_jax(environment: Environment) -> str:
    plugins = [name for name in environment if _JAX_PLUGIN.match(name)]
    return max((re.sub(r"\D", "", name) for name in plugins), default="")


def num_devices_seen(name: str, timeout_s: float) -> tuple[int | None, str]:
    """Ask a framework in a process of its own how many GPUs it sees.

    Args:
        name: `torch` or `jax`.
        timeout_s: How long it may take, in seconds.

    Returns:
        How many, None where it gives no answer, and the last line of what it said beside.
    """
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _COUNT[name]],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, f"no answer within {timeout_s:g} s"
    said = (answer.stderr.strip().splitlines() or [""])[-1]
    number = answer.stdout.strip()
    return (int(number), said) if number.isdigit() else (None, said)
