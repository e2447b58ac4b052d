"""Stored sessions: paging, pins, retention (rest-runners.md 7.1 to 7.3, 10.1)."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.attachments.attachments import Attachments
from relay.clock import iso
from relay.sessions.history import History, Retention
from relay.sessions.history.cursor import Cursor, read_cursor
from relay.sessions.history.routes import read_limit
from relay.storage import Storage, Transaction
from tests.clock import ManualClock
from tests.sessions.stage import Stage, until
from tests.viewers.house import Person

Row = tuple[str, bool, str]


async def add_user(storage: Storage, user_id: str = "ann") -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO user (id, name, email, created_at, updated_at) VALUES (?, '', ?, '', '')", (user_id, user_id)
        )

    await storage.write(work)


async def add(storage: Storage, *rows: Row, user_id: str = "ann", **columns: object) -> None:
    """Store sessions as (id, pinned, last active)."""
    names = "".join(f", {name}" for name in columns)
    marks = ", ?" * len(columns)

    async def work(tx: Transaction) -> None:
        await tx.executemany(
            "INSERT INTO relay_session (id, user_id, cwd, share_url, started_at, is_pinned, last_active_at"
            f"{names}) VALUES (?, ?, '/w', 'u', '2026', ?, ?{marks})",
            [(one, user_id, pinned, active, *columns.values()) for one, pinned, active in rows],
        )

    await storage.write(work)


async def page(history: History, limit: int, cursor: str | None) -> tuple[list[str], str | None]:
    answer = json.loads(b"{%b}" % await history.page("ann", limit, cursor))
    return [row["sessionId"] for row in answer["persistedSessions"]], answer["nextCursor"]


async def everything(history: History, limit: int) -> list[str]:
    ids, cursor = await page(history, limit, None)
    while cursor is not None:
        more, cursor = await page(history, limit, cursor)
        assert 0 < len(more) <= limit
        ids += more
    return ids


_ROWS = st.lists(
    st.tuples(st.text("abcdefgh", min_size=1, max_size=3), st.booleans(), st.sampled_from(["2026-01", "2026-02"])),
    max_size=20,
    unique_by=lambda row: row[0],
)


@settings(max_examples=25, deadline=None)
@given(_ROWS, st.integers(1, 7))
def test_pages_hold_every_row_once_pinned_first_then_by_activity(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], limit: int
) -> None:
    async def check(directory: Path) -> None:
        storage = await Storage.open(directory / "relay.db")
        await add_user(storage)
        await add(storage, *rows)
        expected = [row[0] for row in sorted(rows, key=lambda row: (row[1], row[2], row[0]), reverse=True)]
        assert await everything(History(storage), limit) == expected
        await storage.close()

    asyncio.run(check(tmp_path_factory.mktemp("pages")))


async def test_a_plain_time_is_a_cursor_too(storage: Storage) -> None:
    await add_user(storage)
    times = [iso(1000 * second) for second in range(5)]
    await add(storage, *((f"s{index}", False, time) for index, time in enumerate(times)), ("pin", True, times[4]))
    assert await page(History(storage), 10, times[3]) == (["s2", "s1", "s0"], None)


@pytest.mark.parametrize("cursor", ["", "nonsense", "!!", "é", "W10", "x" * 5000, "WzEsMiwzXQ", "eyJhIjoxfQ"])
async def test_a_bad_cursor_yields_the_first_page(storage: Storage, cursor: str) -> None:
    await add_user(storage)
    await add(storage, ("a", False, "2026"))
    assert await page(History(storage), 10, cursor) == (["a"], None)


@given(st.booleans(), st.text(max_size=30), st.text(max_size=30))
def test_cursors_are_read_as_they_were_written(pinned: bool, active: str, session_id: str) -> None:
    cursor = Cursor(pinned, active, session_id)
    assert read_cursor(cursor.text()) == cursor


@given(st.text(max_size=60))
def test_no_cursor_breaks_the_reader(text: str) -> None:
    for candidate in (text, base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode()):
        found = read_cursor(candidate)
        assert found is None or (found.last_active_at + found.id).encode() is not None


@pytest.mark.parametrize(
    ("text", "limit"),
    [(None, 20), ("", 20), ("x", 20), ("0", 20), ("-3", 20), (" 7.9rows", 7), ("999", 100), ("9" * 5000, 100)],
)
def test_limits_are_leading_integers_within_bounds(text: str | None, limit: int) -> None:
    assert read_limit(text) == limit


async def test_the_first_page_is_kept_until_a_row_changes(storage: Storage) -> None:
    await add_user(storage)
    history = History(storage)
    await add(storage, ("a", False, "1"))
    assert await page(history, 20, None) == (["a"], None)
    await add(storage, ("b", False, "2"))
    assert history.cached("ann", 20) is not None
    assert await page(history, 20, None) == (["a"], None)
    history.touch("ann")
    assert await page(history, 20, None) == (["b", "a"], None)


async def test_a_page_read_across_a_change_is_not_kept(storage: Storage) -> None:
    await add_user(storage)
    history = History(storage)
    reading = asyncio.create_task(history.page("ann", 20, None))
    await asyncio.sleep(0)
    history.touch("ann")
    await reading
    assert history.cached("ann", 20) is None


async def test_retention_deletes_old_unpinned_ended_sessions_with_state_and_files(
    storage: Storage, clock: ManualClock, tmp_path: Path
) -> None:
    await add_user(storage)
    history, attachments = History(storage), Attachments(storage, tmp_path / "files", clock)
    old, later = iso(clock.now_ms() - 1), iso(clock.now_ms() + 1000)
    await add(storage, *((f"old{index}", False, "1") for index in range(120)), keep_until=old, ended_at="1")
    await add(storage, ("pinned", True, "1"), keep_until=old, ended_at="1")
    await add(storage, ("young", False, "1"), keep_until=later, ended_at="1")
    await add(storage, ("live", False, "1"), keep_until=old)
    await add(storage, ("open", False, "1"))

    async def states(tx: Transaction) -> None:
        await tx.execute("INSERT INTO relay_session_state (session_id, state, updated_at) VALUES ('old1', x'7b7d', '')")

    await storage.write(states)
    await history.page("ann", 20, None)
    gone = await Retention(storage, attachments, history, clock).sweep()
    assert sorted(gone) == sorted(f"old{index}" for index in range(120))
    assert sorted(await everything(history, 20)) == ["live", "open", "pinned", "young"]
    assert await storage.fetch_all("SELECT * FROM relay_session_state") == []


# Over HTTP


async def test_a_live_session_is_in_both_lists(stage: Stage, ann: Person) -> None:
    await stage.runner(ann)
    await stage.agent(ann, "s1", sessionName="Fix login")
    answer = (await stage.ask("GET", "/api/sessions", ann)).body
    live, stored = answer["sessions"], answer["persistedSessions"]
    assert isinstance(live, list)
    assert isinstance(stored, list)
    assert [entry["sessionId"] for entry in (*live, *stored)] == ["s1", "s1"]
    assert set(live[0]) == {
        *("sessionId", "shareUrl", "cwd", "startedAt", "viewerCount", "userId", "userName", "sessionName"),
        *("isEphemeral", "expiresAt", "isActive", "lastHeartbeatAt", "model", "runnerId", "runnerName"),
        *("parentSessionId", "status"),
    }
    assert (live[0]["viewerCount"], live[0]["status"], live[0]["sessionName"]) == (0, "idle", "Fix login")
    assert set(stored[0]) == {
        *("sessionId", "cwd", "shareUrl", "startedAt", "lastActiveAt", "endedAt", "isEphemeral", "expiresAt"),
        *("isPinned", "runnerId", "runnerName", "sessionName", "status"),
    }
    assert stored[0]["endedAt"] is None
    assert answer["nextCursor"] is None


async def test_an_active_session_is_running_and_an_ended_one_ended(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann, "s1")
    await agent.send({"type": "heartbeat", "active": True})
    live = (await stage.ask("GET", "/api/sessions?includePersisted=0", ann)).body
    assert isinstance(live["sessions"], list)
    assert live["sessions"][0]["status"] == "running"
    assert (live["persistedSessions"], live["nextCursor"]) == ([], None)
    await agent.socket.wire.close()
    await until(lambda: stage.app.sessions.registry.get("s1") is None)
    async with asyncio.timeout(10):
        while True:
            answer = (await stage.ask("GET", "/api/sessions", ann)).body
            stored = answer["persistedSessions"]
            assert isinstance(stored, list)
            if stored[0]["status"] == "ended":
                break
            await asyncio.sleep(0.01)
    assert answer["sessions"] == []


async def test_newer_sessions_come_first_and_users_are_apart(stage: Stage, ann: Person, bob: Person) -> None:
    for name in ("a", "b", "c"):
        await stage.agent(ann, name)
        stage.session(name).started_at = f"2026-01-0{ord(name) - 96}T00:00:00.000Z"
    await stage.agent(bob, "his")
    answer = (await stage.ask("GET", "/api/sessions?limit=2", ann)).body
    live = answer["sessions"]
    assert isinstance(live, list)
    assert [entry["sessionId"] for entry in live] == ["c", "b", "a"]
    assert "his" not in json.dumps(answer)
    assert answer["nextCursor"] is not None
    rest = (await stage.ask("GET", f"/api/sessions?limit=2&cursor={answer['nextCursor']}", ann)).body
    assert isinstance(rest["persistedSessions"], list)
    assert len(rest["persistedSessions"]) == 1


async def test_a_session_just_registered_can_be_pinned_and_unpinned(stage: Stage, ann: Person, bob: Person) -> None:
    await stage.agent(ann, "s1")
    pin = "/api/sessions/s1/pin"
    for _ in range(2):
        assert (await stage.ask("PUT", pin, ann)).body == {"ok": True, "isPinned": True}
    pinned = (await stage.ask("GET", "/api/sessions/pinned", ann)).body["pinnedSessions"]
    assert isinstance(pinned, list)
    assert [(entry["sessionId"], entry["isPinned"]) for entry in pinned] == [("s1", True)]
    for path, person in ((pin, bob), ("/api/sessions/nothing/pin", ann)):
        answer = await stage.ask("PUT", path, person)
        assert (answer.status, answer.body) == (404, {"error": "Session not found"})
    listed = (await stage.ask("GET", "/api/sessions", ann)).body["persistedSessions"]
    assert isinstance(listed, list)
    assert listed[0]["isPinned"] is True
    assert (await stage.ask("DELETE", pin, ann)).body == {"ok": True, "isPinned": False}
    assert (await stage.ask("GET", "/api/sessions/pinned", ann)).body == {"pinnedSessions": []}


async def test_runners_17_other_methods_on_a_pin_are_405_before_authentication(stage: Stage) -> None:
    for method in ("GET", "POST", "PATCH"):
        answer = await stage.ask(method, "/api/sessions/s1/pin", None)
        assert (answer.status, answer.headers["Allow"]) == (405, "PUT, DELETE")
        assert answer.headers["Content-Type"].startswith("text/plain")
    assert (await stage.ask("PUT", "/api/sessions/s1/pin", None)).status == 401
    assert (await stage.ask("GET", "/api/sessions", None)).status == 401


async def test_runners_19_history_is_kept_for_30_days(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann, "s1")
    await agent.socket.wire.close()
    await until(lambda: stage.app.sessions.registry.get("s1") is None)
    rows = await stage.app.storage.fetch_all("SELECT keep_until, ended_at FROM relay_session")
    kept = iso(stage.clock.now_ms() + 29 * 86_400_000)
    assert [row["keep_until"] > kept for row in rows] == [True]
