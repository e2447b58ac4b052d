"""Start the relay under load, pinned to one core, or attach to a server that is already there; read what it uses."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_ROOT: Final = Path(__file__).resolve().parents[2]
_TICK: Final = os.sysconf("SC_CLK_TCK")
_START_TIMEOUT: Final = 20.0
#: Connections of one client address, and such without a namespace: all of the load comes from one address.
RAISED_LIMITS: Final = {
    "RELAY_REALTIME_MAX_CONNECTIONS_PER_ADDRESS": "100000",
    "RELAY_REALTIME_MAX_UNJOINED_PER_ADDRESS": "10000",
    # The uploads that are measured are larger than what users may send by default.
    "RELAY_ATTACHMENTS_MAX_FILE_SIZE": "256 MiB",
    "RELAY_ATTACHMENTS_QUOTA": "64 GiB",
}
ACCOUNT: Final = {"name": "Bench", "email": "bench@example.com", "password": "Bench-Passw0rd"}


@dataclass(frozen=True, slots=True)
class Target:
    """Name the server under load: address, key of an account, ids of its processes."""

    host: str
    port: int
    key: str
    pids: tuple[int, ...]

    @property
    def url(self) -> str:
        """Answer the address as a URL."""
        return f"http://{self.host}:{self.port}"

    def cpu_seconds(self) -> float:
        """Answer the CPU time that the server's processes have used so far, user and system."""
        return sum(_cpu_of(pid) for pid in self.pids)

    def resident_bytes(self) -> int:
        """Answer the resident memory of the server's processes."""
        return sum(resident_of(pid) for pid in self.pids)


def free_port() -> int:
    """Answer a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cores() -> tuple[set[int], set[int]]:
    """Answer the core for the server and those for the load; the same ones where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return ({usable[0]}, set(usable[1:]) or {usable[0]})


@contextlib.contextmanager
def started() -> Iterator[tuple[subprocess.Popen[bytes], int, float]]:
    """Run a relay of its own on fresh data; give its process, port and seconds from start to `/health`."""
    raise_file_limit()
    port = free_port()
    allowed = os.sched_getaffinity(0)
    server_cores, load_cores = cores()
    with tempfile.TemporaryDirectory(prefix="relay-bench-") as folder:
        serve = ["serve", "--host", "127.0.0.1", "--port", str(port), "--data-dir", f"{folder}/data"]
        env = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8", **RAISED_LIMITS}
        with (Path(folder) / "log").open("wb") as log:
            # A child inherits the cores of the moment it is started in.
            os.sched_setaffinity(0, server_cores)
            begun = time.perf_counter()
            child = subprocess.Popen(
                [sys.executable, "-m", "relay", *serve], cwd=_ROOT, env=env, stdout=log, stderr=log
            )
            os.sched_setaffinity(0, load_cores)
            try:
                yield child, port, _until_healthy(child, port, begun, Path(folder) / "log")
            finally:
                os.sched_setaffinity(0, allowed)
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait(10)


@contextlib.contextmanager
def own_relay() -> Iterator[Target]:
    """Run a relay of its own with one account."""
    with started() as (child, port, _seconds):
        yield Target("127.0.0.1", port, register(f"http://127.0.0.1:{port}"), (child.pid,))


@contextlib.contextmanager
def attached(url: str, pids: list[int], key: str | None) -> Iterator[Target]:
    """Use a running server, such as upstream's; pin the given processes to the server's core."""
    raise_file_limit()
    parts = urlsplit(url)
    server_cores, load_cores = cores()
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), server_cores)
    os.sched_setaffinity(0, load_cores)
    yield Target(parts.hostname or "127.0.0.1", parts.port or 80, key or register(url), tuple(pids))


def register(url: str) -> str:
    """Answer a key of the bench's account, made at first use; raises SystemExit when the server refuses."""
    request = urllib.request.Request(
        f"{url}/api/register", json.dumps(ACCOUNT).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["key"])
    except urllib.error.HTTPError as exc:
        with exc:
            raise SystemExit(f"cannot register at {url}: {exc.code} {exc.read()[:200]!r}") from exc


def raise_file_limit() -> None:
    """Allow as many sockets as the system lets us; the server inherits it."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _until_healthy(child: subprocess.Popen[bytes], port: int, begun: float, log: Path) -> float:
    """Answer the seconds until `/health` answered 200; raises SystemExit with the log when it does not."""
    while child.poll() is None and time.perf_counter() - begun < _START_TIMEOUT:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                if answer.status == 200:
                    return time.perf_counter() - begun
        except OSError:
            time.sleep(0.005)
    raise SystemExit(f"the relay is not up (exit code {child.poll()}):\n{log.read_text(errors='replace')[-3000:]}")


def _cpu_of(pid: int) -> float:
    """Answer user and system time of a process, fields 14 and 15 of proc(5) stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_of(pid: int) -> int:
    """Answer VmRSS in bytes; 0 where there is no /proc."""
    status = Path(f"/proc/{pid}/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
