"""`relay key`, beside a stopped and a running relay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest

from tests.cli.relay_process import Finished, Running, relay, running

DATA = ("--data-dir", "data")
PASSWORD = "Passw0rd-of-jo"


async def _done(home: Path, *words: str) -> Finished:
    finished = await relay(home, *words, *DATA)
    assert (finished.code, finished.err) == (0, ""), finished
    return finished


async def _add_user(home: Path) -> None:
    finished = await relay(home, "user", "add", "jo@example.com", "--password-stdin", *DATA, stdin=PASSWORD + "\n")
    assert finished.code == 0, finished


async def _create(home: Path, *words: str) -> dict[str, object]:
    value = json.loads((await _done(home, "key", "create", "jo@example.com", "--json", *words)).out)
    assert isinstance(value, dict)
    return value


async def _keys(home: Path) -> list[dict[str, object]]:
    value = json.loads((await _done(home, "key", "list", "--json")).out)
    assert isinstance(value, list)
    return value


async def _me(process: Running, headers: Mapping[str, str]) -> int:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{process.port}/api/me", headers=headers) as answer,
    ):
        return answer.status


async def test_create_list_and_revoke_on_a_stopped_relay(tmp_path: Path) -> None:
    await _add_user(tmp_path)
    made = await _create(tmp_path, "--name", "ci", "--scope", "read", "--days", "30")
    assert str(made["key"]).startswith("pk_live_")
    (listed,) = await _keys(tmp_path)
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert (listed["scope"], listed["name"], listed["email"]) == ("read", "ci", "jo@example.com")
    assert str(listed["expiresAt"]) > str(listed["createdAt"])
    shown = (await _done(tmp_path, "key", "list", "jo@example.com")).out
    assert f"{listed['id']}  jo@example.com  {listed['start']}...  read  ci  until " in shown
    assert str(made["key"]) not in shown
    gone = await _done(tmp_path, "key", "revoke", str(listed["start"]))
    assert gone.out == f"revoked {listed['id']}\n"
    assert await _keys(tmp_path) == []


async def test_a_running_relay_follows_at_once(tmp_path: Path) -> None:
    await _add_user(tmp_path)
    async with running(tmp_path, "--port", "0", *DATA) as process:
        made = await _done(tmp_path, "key", "create", "jo@example.com")
        header = {"x-api-key": made.out.strip()}
        assert await _me(process, header) == 200
        (listed,) = await _keys(tmp_path)
        assert listed["scope"] == "full"
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"http://127.0.0.1:{process.port}/socket.io/?EIO=4&transport=websocket") as ws,
        ):
            await ws.receive_str(timeout=10)
            await ws.send_str(f'40/runner,{{"apiKey":"{made.out.strip()}"}}')
            assert (await ws.receive_str(timeout=10)).startswith('40/runner,{"sid"')
            await _done(tmp_path, "key", "revoke", str(listed["id"]))
            assert (await ws.receive(timeout=10)).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
        assert await _me(process, header) == 401
        assert (await process.stop()).code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("create", "who@example.com"), "there is no user with the e-mail who@example.com"),
        (("create", "jo@example.com", "--name", "x" * 33), "a name has at most 32 characters"),
        (("list", "who@example.com"), "there is no user"),
        (("revoke", "nothing"), "there is no key nothing"),
    ],
)
async def test_a_mistake_is_one_line_on_standard_error(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    await _add_user(tmp_path)
    finished = await relay(tmp_path, "key", *words, *DATA)
    assert (finished.code, finished.out) == (1, "")
    assert finished.err.startswith("relay: ")
    assert says in finished.err
    assert finished.err.count("\n") == 1


async def test_an_unknown_scope_is_wrong_usage(tmp_path: Path) -> None:
    finished = await relay(tmp_path, "key", "create", "jo@example.com", "--scope", "root", *DATA)
    assert finished.code == 2
    assert "'root' is not one of" in finished.err


async def test_without_records_nothing_is_created(tmp_path: Path) -> None:
    finished = await relay(tmp_path, "key", "list", *DATA)
    assert finished.code == 1
    assert "there is no relay's database" in finished.err
    assert not (tmp_path / "data").exists()
