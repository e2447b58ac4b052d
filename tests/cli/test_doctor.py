"""`relay doctor` as a process: its exit code and its two forms of output."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.relay_process import relay, running
from tests.operator.relays import fill

WORDS = ("doctor", "--offline", "--data-dir", "data")


async def test_beside_a_stopped_and_a_running_relay(tmp_path: Path) -> None:
    fill(tmp_path / "data")
    (tmp_path / "data").chmod(0o700)
    stopped = await relay(tmp_path, *WORDS, extra={"RELAY_PORT": "0"})
    assert (stopped.code, stopped.err) == (0, "")
    assert "ok    database: data/relay.db is whole" in stopped.out
    async with running(tmp_path, "--port", "0", "--data-dir", "data") as process:
        beside = await relay(tmp_path, *WORDS)
        assert beside.code == 0
        assert "ok    port: a relay is running with this data directory" in beside.out
        assert (await process.stop()).code == 0


async def test_what_is_wrong_makes_it_fail_and_says_what_to_do(tmp_path: Path) -> None:
    settings = fill(tmp_path / "data")
    settings.database_path.write_bytes(b"no database" * 1000)
    settings.database_path.chmod(0o600)
    finished = await relay(tmp_path, *WORDS, "--json", extra={"RELAY_PORT": "0"})
    assert (finished.code, finished.err) == (1, "")
    (failed,) = [one for one in json.loads(finished.out)["findings"] if one["level"] == "fail"]
    assert failed["check"] == "database"
    assert "restore" in failed["advice"]


async def test_a_configuration_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "relay.toml").write_text("[server]\nprot = 1\n")
    finished = await relay(tmp_path, *WORDS, "--config", "relay.toml")
    assert (finished.code, finished.err) == (1, "")
    assert finished.out.startswith("fail  configuration: relay.toml: unknown key 'server.prot' -> ")
