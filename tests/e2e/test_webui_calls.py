"""Make the calls of the PizzaPi web UI, as rest-account.md 1.7 and sockets-browsers.md 1.5 list them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import socketio

from tests.e2e.page import COOKIE, Page
from tests.e2e.peer import Credentials, Refused
from tests.e2e.provider import Say
from tests.e2e.stack import EMAIL, PASSWORD, Stack
from tests.e2e.transcript import as_object, as_objects, essence
from tests.e2e.viewer import Viewer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]

SIGN_UP = {"name": "Jo", "email": "jo@example.com", "password": "Jo-Passw0rd", "callbackURL": "/"}


@pytest.fixture
async def claimed(tmp_path: Path, client_binary: Path) -> AsyncIterator[tuple[Stack, Page]]:
    """A relay whose first account was made in the browser, and the page that made it."""
    async with Stack(tmp_path, client_binary, account=False) as stack, Page(stack.url) as page:
        status, body = await page.fetch("POST", "/api/auth/sign-up/email", SIGN_UP)
        assert status == 200, body
        yield stack, page


async def test_the_page_boots_and_signs_up_on_a_fresh_relay(tmp_path: Path, client_binary: Path) -> None:
    async with Stack(tmp_path, client_binary, account=False) as stack, Page(stack.url) as page:
        assert await page.fetch("GET", "/api/auth/get-session") == (200, None)
        _status, before = await page.fetch("GET", "/api/signup-status")
        assert as_object(before)["signupEnabled"] is True
        status, health = await page.fetch("GET", "/health")
        assert status == 200
        assert as_object(health)["status"] == "ok"
        assert as_object(as_object(health)["version"])["socketProtocol"] == 1

        status, made = await page.fetch("POST", "/api/auth/sign-up/email", SIGN_UP)
        assert status == 200, made
        assert as_object(as_object(made)["user"])["email"] == "jo@example.com"
        assert COOKIE in str(page.cookie())
        _status, session = await page.fetch("GET", "/api/auth/get-session")
        assert as_object(as_object(session)["user"])["name"] == "Jo"
        _status, after = await page.fetch("GET", "/api/signup-status")
        assert as_object(after)["signupEnabled"] is False
        status, refused = await page.fetch("POST", "/api/auth/sign-up/email", {**SIGN_UP, "email": "x@example.com"})
        assert status == 403, refused


async def test_sign_out_and_in_again(claimed: tuple[Stack, Page]) -> None:
    _stack, page = claimed
    assert (await page.fetch("POST", "/api/auth/sign-out", {}))[0] == 200
    assert await page.fetch("GET", "/api/auth/get-session") == (200, None)
    wrong = {"email": "jo@example.com", "password": "not it, surely"}
    assert (await page.fetch("POST", "/api/auth/sign-in/email", wrong))[0] == 401
    status, body = await page.fetch("POST", "/api/auth/sign-in/email", {**wrong, "password": SIGN_UP["password"]})
    assert status == 200, body
    assert as_object(body)["redirect"] is False
    _status, session = await page.fetch("GET", "/api/auth/get-session")
    assert as_object(as_object(session)["user"])["email"] == "jo@example.com"


async def test_change_password_keeps_this_page_and_signs_the_others_out(claimed: tuple[Stack, Page]) -> None:
    stack, page = claimed
    async with Page(stack.url) as other:
        credentials = {"email": "jo@example.com", "password": SIGN_UP["password"]}
        assert (await other.fetch("POST", "/api/auth/sign-in/email", credentials))[0] == 200
        change = {"currentPassword": SIGN_UP["password"], "newPassword": "Ev3n-better", "revokeOtherSessions": True}
        status, body = await page.fetch("POST", "/api/auth/change-password", change)
        assert status == 200, body
        assert as_object((await page.fetch("GET", "/api/auth/get-session"))[1])
        assert await other.fetch("GET", "/api/auth/get-session") == (200, None)


async def test_api_keys_are_made_listed_used_and_deleted(claimed: tuple[Stack, Page]) -> None:
    stack, page = claimed
    status, made = await page.fetch("POST", "/api/auth/api-key/create", {"name": "laptop"})
    assert status == 200, made
    key, key_id = str(as_object(made)["key"]), as_object(made)["id"]
    async with Viewer(stack.url, Credentials(key=key)) as viewer:
        assert viewer.connects == 1
    listed = str((await page.fetch("GET", "/api/auth/api-key/list"))[1])
    assert str(key_id) in listed
    assert key not in listed
    assert (await page.fetch("POST", "/api/auth/api-key/delete", {"keyId": key_id}))[0] == 200
    with pytest.raises(Refused) as refusal:
        await Viewer(stack.url, Credentials(key=key)).__aenter__()
    assert refusal.value.data == {"message": "unauthorized"}


async def test_settings_and_version_of_the_page(claimed: tuple[Stack, Page]) -> None:
    _stack, page = claimed
    assert (await page.fetch("GET", "/api/settings/hidden-models"))[0] == 200
    hidden = {"hiddenModels": ["standin/other"]}
    status, body = await page.fetch("PUT", "/api/settings/hidden-models", hidden)
    assert status == 200, body
    _status, stored = await page.fetch("GET", "/api/settings/hidden-models")
    assert as_object(stored)["hiddenModels"] == ["standin/other"]
    status, version = await page.fetch("GET", "/api/version")
    assert status == 200
    assert "version" in as_object(version)


async def test_the_sockets_of_a_page_start_with_polling_and_share_one_connection(claimed: tuple[Stack, Page]) -> None:
    _stack, page = claimed
    assert await page.open_sockets() == "websocket"
    assert (await page.until("/runners", "runners"))["runners"] == []
    assert (await page.until("/hub", "sessions"))["sessions"] == []
    _status, fallback = await page.fetch("GET", "/api/sessions?includePersisted=0")
    assert fallback == {"sessions": [], "persistedSessions": [], "nextCursor": None}
    await page.emit("/viewer", "switch_session", {"sessionId": "no-such", "generation": 1})
    gone = await page.until("/viewer", "disconnected")
    assert gone["code"] == "session_ended"
    assert gone["generation"] == 1
    assert page.left == []


async def test_a_foreign_origin_and_a_missing_cookie_are_refused(claimed: tuple[Stack, Page]) -> None:
    stack, page = claimed
    key = str(as_object((await page.fetch("POST", "/api/auth/api-key/create", {"name": "k"}))[1])["key"])
    for credentials, message in (
        (Credentials(key=key, origin="https://evil.example"), "forbidden: untrusted origin"),
        (Credentials(cookie=page.cookie(), origin="https://evil.example"), "forbidden: untrusted origin"),
        (Credentials(origin=stack.url), "unauthorized"),
        (Credentials(key="not a key"), "unauthorized"),
    ):
        with pytest.raises(Refused) as refusal:
            await Viewer(stack.url, credentials).__aenter__()
        assert refusal.value.data == {"message": message}
    async with Page(stack.url, origin="https://evil.example") as evil:
        await evil.fetch("POST", "/api/auth/sign-in/email", {"email": "jo@example.com", "password": "x"})
        with pytest.raises(socketio.exceptions.ConnectionError):
            await evil.open_sockets()


async def test_a_whole_session_on_a_page(stack: Stack) -> None:
    stack.provider.plan("from the page", Say("read on the page", pace=0.01))
    async with Page(stack.url) as page:
        credentials = {"email": EMAIL, "password": PASSWORD}
        assert (await page.fetch("POST", "/api/auth/sign-in/email", credentials))[0] == 200
        assert await page.open_sockets() == "websocket"
        runners = as_objects((await page.until("/runners", "runners"))["runners"])
        assert [row["runnerId"] for row in runners] == [stack.runner_id]
        body = {"runnerId": stack.runner_id, "cwd": str(stack.work)}
        status, spawned = await page.fetch("POST", "/api/runners/spawn", body)
        assert status == 200, spawned
        added = await page.until("/hub", "session_added", timeout=30)
        session_id = as_object(spawned)["sessionId"]
        assert added["sessionId"] == session_id

        await page.emit("/hub", "subscribe_session_meta", {"sessionId": session_id})
        await page.until("/hub", "state_snapshot")
        await page.emit("/viewer", "switch_session", {"sessionId": session_id, "generation": 1})
        await page.emit("/viewer", "viewer_visibility", {"visible": True})
        connected = await page.until("/viewer", "connected")
        assert connected["meta_source"] == "hub"
        assert connected["generation"] == 1
        await page.emit("/viewer", "connected", {})
        await page.until("/viewer", "event")
        await page.emit("/viewer", "model_set", {"provider": "standin", "modelId": "parrot-1"})
        text = {"text": "from the page", "attachments": [], "client": "web", "requestId": "r1"}
        assert await page.call("/viewer", "input", text) is True

        def snapshots() -> list[list[tuple[str, str, tuple[str, ...]]]]:
            events = [as_object(payload.get("event")) for payload in page.events("/viewer", "event")]
            states = [as_object(event.get("state")) for event in events if event.get("type") == "session_active"]
            return [essence(as_objects(state.get("messages"))) for state in states]

        whole = [("user", "from the page", ()), ("assistant", "read on the page", ())]
        await page.changed.until(lambda: whole in snapshots(), "the answer on the page", 20, snapshots)

        await page.emit("/viewer", "exec", {"type": "exec", "id": "e1", "command": "end_session"})
        await page.until("/hub", "session_removed", timeout=20)
        assert (await page.until("/viewer", "disconnected"))["code"] == "session_ended"
        await page.changed.until(lambda: page.left == ["/viewer"], "the viewer to be put out", 10, lambda: page.left)
        await page.emit("/hub", "subscribe_session_meta", {"sessionId": session_id})
        _status, listed = await page.fetch("GET", "/api/sessions?includePersisted=1&limit=50")
        assert [row["sessionId"] for row in as_objects(as_object(listed)["persistedSessions"])] == [session_id]
        assert page.left == ["/viewer"]
