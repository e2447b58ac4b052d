"""The control socket and what the operator asks through it."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from relay.accounts.control import SOCKET_NAME, ControlError, ControlServer, NoRelay, ask_relay
from relay.accounts.user_admin import AdminError, UserAdmin
from tests.accounts.house import EMAIL, PASSWORD, House


@pytest.fixture
async def path(house: House, tmp_path: Path) -> AsyncIterator[Path]:
    """A control socket in front of a running relay's users."""
    server = ControlServer(tmp_path / SOCKET_NAME, UserAdmin(house.accounts.users).handlers(), refusals=(AdminError,))
    await server.start()
    yield tmp_path / SOCKET_NAME
    await server.close()


async def _echo(request: Mapping[str, object]) -> dict[str, object]:
    return {"echo": request.get("text")}


async def _crash(_request: Mapping[str, object]) -> dict[str, object]:
    raise RuntimeError("secret detail")


async def test_the_socket_is_for_its_owner_alone_and_goes_with_the_server(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / SOCKET_NAME, {"echo": _echo})
    await server.start()
    mode = (tmp_path / SOCKET_NAME).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    assert await ask_relay(tmp_path / SOCKET_NAME, {"verb": "echo", "text": "ü"}) == {"echo": "ü"}
    await server.close()
    assert not (tmp_path / SOCKET_NAME).exists()
    with pytest.raises(NoRelay):
        await ask_relay(tmp_path / SOCKET_NAME, {"verb": "echo"})


async def test_a_socket_that_a_killed_relay_left_is_replaced(tmp_path: Path) -> None:
    first = ControlServer(tmp_path / SOCKET_NAME, {"echo": _echo})
    await first.start()
    second = ControlServer(tmp_path / SOCKET_NAME, {"echo": _echo})
    await second.start()
    assert await ask_relay(tmp_path / SOCKET_NAME, {"verb": "echo", "text": 1}) == {"echo": 1}
    await second.close()
    await first.close()


async def test_a_path_too_long_for_a_socket_works_through_a_link(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    server = ControlServer(deep / SOCKET_NAME, {"echo": _echo})
    await server.start()
    real = Path(os.readlink(deep / SOCKET_NAME))
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert stat.S_IMODE(real.parent.stat().st_mode) == 0o700
    assert await ask_relay(deep / SOCKET_NAME, {"verb": "echo", "text": 1}) == {"echo": 1}
    await server.close()
    assert not (deep / SOCKET_NAME).is_symlink()
    assert not real.parent.exists()


async def test_a_place_that_holds_no_socket_does_not_stop_the_relay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = ControlServer(tmp_path / "missing" / SOCKET_NAME, {"echo": _echo})
    await server.start()
    assert "no control socket" in caplog.text
    with pytest.raises(NoRelay):
        await ask_relay(tmp_path / "missing" / SOCKET_NAME, {"verb": "echo"})
    await server.close()


async def test_what_is_no_request_is_told_so(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / SOCKET_NAME, {"echo": _echo, "crash": _crash})
    await server.start()

    async def raw(line: bytes) -> bytes:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / SOCKET_NAME))
        writer.write(line)
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer

    for line in (b"{\n", b"[]\n", b'{"verb": 7}\n', b'{"verb": "nothing"}\n', b"\xff\xfe\n"):
        assert json.loads(await raw(line))["ok"] is False
    assert await raw(b'{"verb": "echo"}') == b""
    assert await raw(b"x" * 200_000 + b"\n") == b""
    with pytest.raises(ControlError, match="see its log"):
        await ask_relay(tmp_path / SOCKET_NAME, {"verb": "crash"})
    assert await ask_relay(tmp_path / SOCKET_NAME, {"verb": "echo", "text": 2}) == {"echo": 2}
    await server.close()


async def test_more_connections_than_allowed_are_closed(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / SOCKET_NAME, {"echo": _echo})
    await server.start()
    held = [await asyncio.open_unix_connection(str(tmp_path / SOCKET_NAME)) for _ in range(8)]
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / SOCKET_NAME))
    assert await asyncio.wait_for(reader.read(), 5) == b""
    for _, open_writer in [*held, (reader, writer)]:
        open_writer.close()
    await server.close()


async def test_add_list_and_remove_follow_in_the_running_relay(house: House, path: Path) -> None:
    added = await ask_relay(path, {"verb": "user.add", "email": "Jo@Example.com", "name": "", "password": PASSWORD})
    user = added["user"]
    assert isinstance(user, dict)
    assert (user["email"], user["name"]) == (EMAIL, "Jo")
    status = await house.get("/api/signup-status")
    assert status.json() == {"signupEnabled": False, "setupCodeRequired": False, "accounts": True}
    assert house.accounts.setup_line() is None

    cookie = (await house.sign_in()).cookie()
    key = await house.new_key(cookie)
    listed = await ask_relay(path, {"verb": "user.list"})
    assert listed == {"users": [user | {"sessions": 1, "keys": 1}]}

    assert (await house.get("/api/me", cookie)).status == 200
    assert (await house.get("/api/me", {"x-api-key": str(key["key"])})).status == 200
    await ask_relay(path, {"verb": "user.remove", "email": "JO@example.com"})
    assert (await house.get("/api/me", cookie)).status == 401
    assert (await house.get("/api/me", {"x-api-key": str(key["key"])})).status == 401
    assert [event.user_id for event in house.removed] == [user["id"]]
    # The last user is gone: the set-up rule holds again, with a new code on the terminal.
    assert house.announced == [house.accounts.setup_line()]


async def test_passwd_mends_a_forgotten_password_and_signs_browsers_out(house: House, path: Path) -> None:
    cookie = (await house.sign_up()).cookie()
    key = await house.new_key(cookie)
    await ask_relay(path, {"verb": "user.passwd", "email": EMAIL, "password": "Another-1"})
    assert (await house.get("/api/me", cookie)).status == 401
    assert (await house.get("/api/me", {"x-api-key": str(key["key"])})).status == 200
    assert (await house.sign_in(password=PASSWORD)).status == 401
    assert (await house.sign_in(password="Another-1")).status == 200
    assert len(house.revoked) == 1


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"verb": "user.add", "email": "no-address", "password": PASSWORD}, "not an e-mail address"),
        ({"verb": "user.add", "email": "a@example.com", "password": "weak"}, "at least 8 characters"),
        ({"verb": "user.add", "email": EMAIL, "password": PASSWORD}, "already"),
        ({"verb": "user.passwd", "email": "who@example.com", "password": PASSWORD}, "there is no user"),
        ({"verb": "user.passwd", "email": EMAIL, "password": ""}, "at least 8 characters"),
        ({"verb": "user.remove", "email": "who@example.com"}, "there is no user"),
        ({"verb": "user.remove", "email": 7}, "there is no user"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(
    house: House, path: Path, request_: dict[str, object], says: str
) -> None:
    await house.sign_up()
    with pytest.raises(ControlError, match=says) as caught:
        await ask_relay(path, request_)
    assert "\n" not in str(caught.value)
