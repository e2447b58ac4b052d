"""The ring of triggers that each session keeps (rest-runners.md 2.6, 8.5)."""

from __future__ import annotations

import pytest

from relay.events import Bus
from relay.sessions.limits import SessionLimits
from relay.sessions.links import Links
from relay.sessions.registry import SessionRegistry
from relay.storage import Storage
from relay.triggers.deliveries import Deliveries
from relay.triggers.history import TriggerHistory
from relay.triggers.limits import TriggerLimits
from relay.triggers.store import MAX_ENTRIES
from relay.triggers.wire import Json, history_entry
from tests.clock import ManualClock
from tests.triggers.family import entries_of

HOUR = 3600.0


@pytest.fixture
def history(storage: Storage, clock: ManualClock) -> TriggerHistory:
    return TriggerHistory(storage, SessionRegistry(SessionLimits()), clock)


def entry(trigger_id: str) -> Json:
    return history_entry({"triggerId": trigger_id, "sourceSessionId": "c", "payload": {}}, "now")


async def ids(history: TriggerHistory, session_id: str = "s", limit: int = MAX_ENTRIES) -> list[object]:
    return [found["triggerId"] for found in await entries_of(history, session_id, limit)]


async def test_entries_come_newest_first_up_to_the_limit(history: TriggerHistory) -> None:
    for name in ("a", "b", "c"):
        await history.push([("s", entry(name))])
    assert await ids(history) == ["c", "b", "a"]
    assert await ids(history, limit=2) == ["c", "b"]
    assert await ids(history, "other") == []


async def test_each_session_keeps_its_newest_200(history: TriggerHistory, storage: Storage) -> None:
    await history.push([("other", entry("kept"))])
    await history.push([("s", entry(f"t{number}")) for number in range(150)])
    await history.push([("s", entry(f"t{number}")) for number in range(150, MAX_ENTRIES + 30)])
    assert await ids(history) == [f"t{number}" for number in range(MAX_ENTRIES + 29, 29, -1)]
    assert len(await storage.fetch_all("SELECT * FROM trigger_history")) == MAX_ENTRIES + 1


async def test_the_whole_list_lives_a_day_after_its_last_push(
    history: TriggerHistory, clock: ManualClock, storage: Storage
) -> None:
    await history.push([("s", entry("a"))])
    clock.advance(20 * HOUR)
    await history.push([("s", entry("b"))])
    clock.advance(20 * HOUR)
    assert await ids(history) == ["b", "a"]
    clock.advance(5 * HOUR)
    assert await ids(history) == []
    registry = SessionRegistry(SessionLimits())
    links = Links(storage, clock, SessionLimits(), registry)
    await Deliveries(storage, registry, links, history, Bus(), clock, TriggerLimits()).sweep()
    assert await storage.fetch_all("SELECT * FROM trigger_history") == []


async def test_a_response_goes_into_the_newest_entry_of_its_trigger(history: TriggerHistory) -> None:
    await history.push([("s", entry("a")), ("s", entry("a"))])
    await history.respond("s", "a", "yes", "approve")
    await history.respond("s", "unknown", "no", None)
    newest, oldest = await entries_of(history, "s")
    response = newest["response"]
    assert isinstance(response, dict)
    assert (response["text"], response["action"]) == ("yes", "approve")
    assert "response" not in oldest


async def test_a_cleared_history_is_empty(history: TriggerHistory) -> None:
    await history.push([("s", entry("a")), ("other", entry("b"))])
    await history.clear("s")
    assert await ids(history) == []
    assert await ids(history, "other") == ["b"]


async def test_a_failing_database_does_not_undo_a_delivery(history: TriggerHistory, storage: Storage) -> None:
    await storage.close()
    await history.push([("s", entry("a"))])
    await history.respond("s", "a", "yes", None)
