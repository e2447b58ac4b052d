"""`relay user`, beside a stopped and a running relay."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relay.accounts.control import SOCKET_NAME, ControlServer
from relay.accounts.user_admin import AdminError, UserAdmin
from relay.cli import main
from relay.storage import Storage
from tests.accounts.house import open_house
from tests.clock import ManualClock

PASSWORD = "Passw0rd-of-jo"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory that no relay uses, and no configuration of this machine's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("RELAY_CONFIG", "RELAY_DATA_DIR", "RELAY_DATABASE", "AUTH_DB_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "data"


def run(data: Path, *words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["user", *words, "--data-dir", str(data)], input=stdin)


def listed(data: Path) -> list[dict[str, object]]:
    result = run(data, "list", "--json")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert isinstance(value, list)
    return value


def test_add_list_passwd_remove_without_a_running_relay(data: Path) -> None:
    added = run(data, "add", "Jo@Example.com", "--name", "Jo", "--password-stdin", stdin=PASSWORD + "\n")
    assert (added.exit_code, added.stdout) == (0, "added Jo@Example.com\n")
    (entry,) = listed(data)
    assert (entry["email"], entry["name"], entry["sessions"], entry["keys"]) == ("jo@example.com", "Jo", 0, 0)
    assert run(data, "list").stdout.startswith("jo@example.com  Jo  since ")
    changed = run(data, "passwd", "jo@example.com", "--password-stdin", stdin="Another-1\n")
    assert changed.exit_code == 0
    removed = run(data, "remove", "jo@example.com", "--yes")
    assert (removed.exit_code, removed.stdout) == (0, "removed jo@example.com\n")
    assert listed(data) == []


def test_the_password_prompt_is_hidden_and_asks_twice(data: Path) -> None:
    result = run(data, "add", "jo@example.com", stdin=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    assert result.stderr.startswith("Password:")
    assert "Repeat" in result.stderr
    assert result.stdout == "added jo@example.com\n"


def test_the_password_is_never_an_argument(data: Path) -> None:
    assert run(data, "add", "jo@example.com", "--password", PASSWORD).exit_code == 2


def test_removal_asks_first(data: Path) -> None:
    run(data, "add", "jo@example.com", "--password-stdin", stdin=PASSWORD)
    assert run(data, "remove", "jo@example.com", stdin="n\n").exit_code == 1
    assert len(listed(data)) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("add", "nobody", "--password-stdin"), "not an e-mail address"),
        (("add", "jo@example.com", "--password-stdin"), "already"),
        (("passwd", "who@example.com", "--password-stdin"), "there is no user"),
        (("remove", "who@example.com", "--yes"), "there is no user"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error(data: Path, words: tuple[str, ...], says: str) -> None:
    run(data, "add", "jo@example.com", "--password-stdin", stdin=PASSWORD)
    result = run(data, *words, stdin=PASSWORD)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_records_nothing_is_created(data: Path) -> None:
    for words in (("list",), ("remove", "a@example.com", "--yes"), ("passwd", "a@example.com", "--password-stdin")):
        result = run(data, *words, stdin=PASSWORD)
        assert result.exit_code == 1
        assert "there is no relay's database" in result.stderr
    assert not data.exists()


def test_an_unreadable_configuration_is_one_line(data: Path, tmp_path: Path) -> None:
    result = run(data, "list", "--config", str(tmp_path / "missing.toml"))
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


async def test_records_that_a_relay_holds_without_a_socket_are_left_alone(data: Path) -> None:
    storage = await Storage.open(data / "relay.db")
    result = await asyncio.to_thread(run, data, "list")
    assert result.exit_code == 1
    assert "another relay is using" in result.stderr
    await storage.close()


async def test_a_running_relay_follows_at_once(data: Path, clock: ManualClock) -> None:
    storage = await Storage.open(data / "relay.db")
    async with open_house(storage, clock) as house:
        control = ControlServer(data / SOCKET_NAME, UserAdmin(house.accounts.users).handlers(), refusals=(AdminError,))
        await control.start()

        async def command(*words: str, stdin: str = PASSWORD) -> Result:
            return await asyncio.to_thread(run, data, *words, stdin=stdin)

        added = await command("add", "jo@example.com", "--password-stdin")
        assert added.exit_code == 0, added.output
        cookie = (await house.sign_in(password=PASSWORD)).cookie()
        assert (await house.get("/api/me", cookie)).status == 200

        changed = await command("passwd", "jo@example.com", "--password-stdin", stdin="Another-1")
        assert changed.exit_code == 0
        assert (await house.get("/api/me", cookie)).status == 401
        assert (await house.sign_in(password="Another-1")).status == 200

        assert [entry["email"] for entry in await asyncio.to_thread(listed, data)] == ["jo@example.com"]
        failed = await command("add", "jo@example.com", "--password-stdin")
        assert (failed.exit_code, failed.stderr.count("\n")) == (1, 1)
        removed = await command("remove", "jo@example.com", "--yes")
        assert removed.exit_code == 0
        assert (await house.sign_in(password="Another-1")).status == 401
        await control.close()
    await storage.close()
