"""`relay service` as a process; nothing is started."""

from __future__ import annotations

import json
import plistlib
from pathlib import Path

import pytest

from tests.cli.relay_process import relay

DATA = ("--data-dir", "data")


@pytest.mark.parametrize("kind", ["systemd-user", "launchd-user"])
async def test_install_status_uninstall(tmp_path: Path, kind: str) -> None:
    words = ("--kind", kind, "--json", *DATA)
    assert (await relay(tmp_path, "service", "status", *words)).code == 3
    (tmp_path / "relay.toml").write_text("")
    installed = await relay(tmp_path, "service", "install", *words, "--config", "relay.toml")
    assert installed.code == 0, installed
    told = json.loads(installed.out)
    file = Path(told["file"])
    assert tmp_path in file.parents
    assert told["start"]
    text = file.read_bytes()
    for part in ("serve", "--data-dir", str(tmp_path / "data"), "--config", str(tmp_path / "relay.toml")):
        assert part in (plistlib.loads(text)["ProgramArguments"] if kind == "launchd-user" else text.decode())
    status = await relay(tmp_path, "service", "status", *words)
    assert status.code == 0
    assert json.loads(status.out)["installed"] is True
    assert json.loads(status.out)["state"] in {"inactive", "unknown", "not loaded"}
    removed = await relay(tmp_path, "service", "uninstall", *words)
    assert json.loads(removed.out) == {"kind": kind, "file": str(file), "deleted": True}
    assert not file.exists()
    again = await relay(tmp_path, "service", "uninstall", "--kind", kind, *DATA)
    assert (again.code, again.out) == (0, f"there is no {file}\n")


async def test_a_service_file_can_be_looked_at_first(tmp_path: Path) -> None:
    words = ("service", "install", "--kind", "systemd-system", "--user", "relay", "--print", *DATA)
    printed = await relay(tmp_path, *words)
    assert printed.code == 0
    assert "User=relay\n" in printed.out
    assert f"ReadWritePaths={tmp_path / 'data'}\n" in printed.out


async def test_mistakes_are_one_line(tmp_path: Path) -> None:
    for words, says in (
        (("--kind", "systemd-user", "--user", "x"), "--user is for system services"),
        (
            (
                "--kind",
                "systemd-system",
            ),
            "does not exist; make it for the user",
        ),
    ):
        finished = await relay(tmp_path, "service", "install", *words, *DATA)
        assert (finished.code, finished.out) == (1, "")
        assert says in finished.err
        assert finished.err.count("\n") == 1
