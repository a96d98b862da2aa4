"""Whether TensorBoard's port is free, and who has it."""

from __future__ import annotations

import errno
import importlib
import socket
from dataclasses import dataclass

from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.finding import Level

SUBJECT = "port"
DEFAULT_PORT = 6006


@dataclass(frozen=True, slots=True)
class PortFacts:
    """What was found at a port.

    Attributes:
        port: its number.
        host: the address.
        fault: why nothing can listen there, an `errno`; None where it is free.
        owner: the command of the process that listens there; empty where it is not known.
        pid: its process id, or None.
    """

    port: int
    host: str
    fault: int | None = None
    owner: str = ""
    pid: int | None = None


def gather_port(port: int = DEFAULT_PORT, host: str = "localhost") -> PortFacts:
    """Try to listen on a port.

    Args:
        port: Its number.
        host: The address.

    Returns:
        What was found.

    Raises:
        OSError: If the address is none of this machine.
    """
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        try:
            with socket.socket(family, kind, protocol) as one:
                if family == socket.AF_INET6:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as TensorBoard does
                one.bind(address)
                one.listen()
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                pid, owner = _listener(port)
                return PortFacts(port, host, error.errno, owner, pid)
            if family == socket.AF_INET6:  # switched off on many machines
                continue
            raise
    return PortFacts(port, host)


def check_port(facts: PortFacts) -> Checkup:
    """Complain about a port that is taken, or that this user may not open.

    Args:
        facts: What was found there.

    Returns:
        At most one warning: `sightline board` then takes another port by itself.
    """
    if facts.fault is None:
        return Checkup(SUBJECT, f"{facts.port} is free")
    if facts.fault == errno.EACCES:
        what = f"You may not open port {facts.port}."
        remedy = "Take one above 1023: `--port 6006`."
        found = f"{facts.port} is not allowed"
    else:
        owner = f"process {facts.pid} (`{facts.owner}`)" if facts.pid else "another process"
        what = f"Port {facts.port} of {facts.host} is in use by {owner}."
        remedy = (
            "`sightline board` takes a free port by itself; give `tensorboard` one with `--port`."
        )
        if "tensorboard" in facts.owner:
            remedy = f"It is a TensorBoard: look at http://{facts.host}:{facts.port}, or end it. "
            remedy += "`sightline board` takes a free port by itself."
        found = f"{facts.port} is in use"
    return Checkup(SUBJECT, found, (Complaint(Level.WARN, SUBJECT, what, remedy),))


def _listener(port: int) -> tuple[int | None, str]:
    try:
        psutil = importlib.import_module("psutil")
    except ModuleNotFoundError:
        return None, ""
    try:
        for one in psutil.net_connections(kind="tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid:
                return one.pid, " ".join(psutil.Process(one.pid).cmdline()[:4])
    except psutil.Error:  # another user's
        pass
    return None, ""
