"""Who is whose child, by the algorithm of sockets-agents.md 2.11, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.sessions.limits import SessionLimits
from relay.sessions.links.book import LinkBook
from relay.sessions.links.links import LinkOutcome, Links, ParentState, usable_id
from relay.sessions.meta import MetaState
from relay.sessions.queue import SessionQueue
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession
from relay.sessions.transcript import EventCache, Transcript
from relay.storage import Storage, Transaction
from tests.clock import ManualClock

DAY = 86_400.0


@dataclass
class Child:
    id: str = "child"
    user_id: str = "ann"


@pytest.fixture
def registry() -> SessionRegistry:
    return SessionRegistry(SessionLimits())


@pytest.fixture
async def links(storage: Storage, clock: ManualClock, registry: SessionRegistry) -> Links:
    made = Links(storage, clock, SessionLimits(), registry)
    await made.load()
    return made


def is_(state: ParentState) -> Callable[[str], ParentState]:
    return lambda _parent: state


PRESENT, ABSENT, FOREIGN = is_(ParentState.PRESENT), is_(ParentState.ABSENT), is_(ParentState.FOREIGN)


def live(registry: SessionRegistry, session_id: str, parent: str | None = None) -> AgentSession:
    session = AgentSession(
        session_id,
        "ann",
        "Ann",
        queue=SessionQueue(1000),
        transcript=Transcript(0, EventCache(10, 1000)),
        meta=MetaState(),
    )
    session.links.linked_parent_id = parent
    registry.add(session)
    return session


async def reloaded(storage: Storage, clock: ManualClock, registry: SessionRegistry) -> Links:
    fresh = Links(storage, clock, SessionLimits(), registry)
    await fresh.load()
    return fresh


async def insert_row(storage: Storage, session_id: str, user_id: str, ended_at: str | None) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute(
            "INSERT OR IGNORE INTO user (id, name, email, created_at, updated_at) VALUES (?, ?, ?, '', '')",
            (user_id, user_id, f"{user_id}@example.com"),
        )
        await tx.execute(
            "INSERT INTO relay_session (id, user_id, cwd, share_url, started_at, last_active_at, ended_at)"
            " VALUES (?, ?, '', '', '', '', ?)",
            (session_id, user_id, ended_at),
        )

    await storage.write(work)


async def test_a_present_parent_is_confirmed_and_new_only_once(links: Links) -> None:
    first = await links.resolve(Child(), "parent", set(), PRESENT)
    again = await links.resolve(Child(), "parent", {"parent"}, PRESENT)
    assert first == LinkOutcome("parent", "parent", newly_linked=True)
    assert again == LinkOutcome("parent", "parent")
    assert links.children("parent") == ["child"]


async def test_an_absent_parent_keeps_the_child_as_linked(links: Links) -> None:
    assert await links.resolve(Child(), "parent", set(), ABSENT) == LinkOutcome(None, "parent")
    assert links.is_child("parent", "child")


async def test_a_parent_whose_row_has_no_end_counts_as_present(links: Links, storage: Storage) -> None:
    await insert_row(storage, "parent", "ann", None)
    outcome = await links.resolve(Child(), "parent", set(), ABSENT)
    assert outcome.parent_id == "parent"


async def test_a_parent_whose_row_has_an_end_is_absent(links: Links, storage: Storage) -> None:
    await insert_row(storage, "parent", "ann", "2026-01-01T00:00:00.000Z")
    assert (await links.resolve(Child(), "parent", set(), ABSENT)).parent_id is None


@pytest.mark.parametrize("stored", [True, False])
async def test_a_foreign_parent_links_nothing(links: Links, storage: Storage, stored: bool) -> None:
    if stored:
        await insert_row(storage, "parent", "bob", None)
    outcome = await links.resolve(Child(), "parent", set(), ABSENT if stored else FOREIGN)
    assert outcome == LinkOutcome()
    assert not links.is_child("parent", "child")


@pytest.mark.parametrize("state", [PRESENT, ABSENT])
async def test_a_delinked_child_is_told_so_and_not_linked_again(
    links: Links, state: Callable[[str], ParentState]
) -> None:
    await links.resolve(Child(), "parent", set(), PRESENT)
    await links.delink("parent", ["child"])
    assert await links.resolve(Child(), "parent", {"parent"}, state) == LinkOutcome(was_delinked=True)
    assert links.children("parent") == []


async def test_a_delinked_child_may_get_another_parent_which_ends_the_marker(links: Links) -> None:
    await links.delink("parent", ["child"])
    outcome = await links.resolve(Child(), "other", {"parent"}, PRESENT)
    assert outcome == LinkOutcome("other", "other", newly_linked=True)
    assert links.severed_by("child") is None
    assert links.unconfirmed("parent") == []


async def test_former_parents_lose_the_child(links: Links) -> None:
    await links.resolve(Child(), "first", set(), PRESENT)
    await links.resolve(Child(), "second", {"first"}, PRESENT)
    assert links.children("first") == []
    assert links.children("second") == ["child"]


async def test_a_marker_beats_the_record(links: Links, registry: SessionRegistry) -> None:
    live(registry, "child", "parent")
    await links.delink("parent", ["child"])
    assert not links.is_child("parent", "child")


async def test_a_record_that_names_the_parent_mends_an_expired_set(
    links: Links, registry: SessionRegistry, clock: ManualClock, storage: Storage
) -> None:
    await links.resolve(Child(), "parent", set(), PRESENT)
    live(registry, "child", "parent")
    clock.advance(DAY + 1)
    assert links.children("parent") == []
    assert links.is_child("parent", "child")
    assert links.children("parent") == ["child"]
    await links.sweep()
    assert (await reloaded(storage, clock, registry)).children("parent") == ["child"]


async def test_a_trigger_keeps_the_set_alive_for_another_day_durably(
    links: Links, storage: Storage, clock: ManualClock, registry: SessionRegistry
) -> None:
    await links.resolve(Child(), "parent", set(), PRESENT)
    clock.advance(DAY - 10)
    links.refresh("parent")
    await links.sweep()
    clock.advance(DAY - 10)
    assert links.children("parent") == ["child"]
    assert (await reloaded(storage, clock, registry)).children("parent") == ["child"]
    clock.advance(20)
    assert links.children("parent") == []


async def test_links_markers_and_unconfirmed_delinks_survive_a_restart(
    links: Links, storage: Storage, clock: ManualClock, registry: SessionRegistry
) -> None:
    for name in ("a", "b", "c"):
        await links.resolve(Child(name), "parent", set(), PRESENT)
    await links.delink("parent", ["b", "c"])
    await links.told("parent", ["c"])
    fresh = await reloaded(storage, clock, registry)
    assert fresh.children("parent") == ["a"]
    assert fresh.unconfirmed("parent") == ["b"]
    assert [fresh.severed_by(name) for name in ("a", "b", "c")] == [None, "parent", "parent"]


async def test_lifetimes_end(links: Links, storage: Storage, clock: ManualClock) -> None:
    await links.resolve(Child("a"), "parent", set(), PRESENT)
    await links.delink("parent", ["b"])
    clock.advance(DAY + 1)
    assert links.children("parent") == []
    assert links.unconfirmed("parent") == []
    assert links.severed_by("b") == "parent"
    clock.advance(29 * DAY)
    assert links.severed_by("b") is None
    await links.sweep()
    for table in ("session_link", "delink_marker", "pending_delink"):
        assert await storage.fetch_all(f"SELECT * FROM {table}") == []


async def test_a_session_that_ended_for_good_leaves_every_set(
    links: Links, storage: Storage, clock: ManualClock, registry: SessionRegistry
) -> None:
    await links.resolve(Child(), "first", set(), PRESENT)
    await links.resolve(Child(), "second", set(), PRESENT)
    await links.confirm_terminal("child")
    fresh = await reloaded(storage, clock, registry)
    assert [fresh.children("first"), fresh.children("second")] == [[], []]


@pytest.mark.parametrize("candidate", ["", "child", "\ud800", "x" * 257, None])
async def test_an_impossible_parent_is_none(links: Links, storage: Storage, candidate: str | None) -> None:
    assert await links.resolve(Child(), candidate, set(), PRESENT) == LinkOutcome()
    assert await storage.fetch_all("SELECT * FROM session_link") == []


@given(st.text(max_size=300))
def test_usable_ids_can_be_stored(session_id: str) -> None:
    if usable_id(session_id):
        assert session_id.encode()
        assert 0 < len(session_id) <= 256


_STEP = st.tuples(
    st.sampled_from(["add", "remove", "advance", "renew", "prune"]),
    st.sampled_from(["p", "q"]),
    st.sampled_from(["x", "y"]),
    st.integers(1, 8),
)


@given(st.lists(_STEP, max_size=40))
def test_the_book_agrees_with_a_plain_model_of_sets_with_expiry(steps: list[tuple[str, str, str, int]]) -> None:
    book, now = LinkBook(), 0
    members: dict[str, set[str]] = {"p": set(), "q": set()}
    expiry = {"p": 0, "q": 0}
    for step, parent, child, amount in steps:
        for name in members:
            if expiry[name] <= now:
                members[name] = set()
        if step == "add":
            expiry[parent] = max(expiry[parent], now + amount) if members[parent] else now + amount
            members[parent].add(child)
            book.add(parent, child, now, now + amount)
        elif step == "remove":
            members[parent].discard(child)
            book.remove(parent, child)
        elif step == "renew":
            if members[parent]:
                expiry[parent] = now + amount
            book.renew(parent, now, now + amount)
        elif step == "prune":
            book.prune(now)
        else:
            now += amount
        for name, expected in members.items():
            alive = expected if expiry[name] > now else set()
            assert set(book.children(name, now)) == alive
        for one in ("x", "y"):
            holders = {name for name in members if expiry[name] > now and one in members[name]}
            assert set(book.parents(one, now)) == holders


_ACTION = st.tuples(
    st.sampled_from(["resolve", "delink", "told", "remove", "terminal"]),
    st.sampled_from(["p", "q"]),
    st.sampled_from(["x", "y"]),
    st.sampled_from(list(ParentState)),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(_ACTION, max_size=15))
def test_what_a_restart_reads_is_what_was_in_memory(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, str, str, ParentState]]
) -> None:
    asyncio.run(_compare(tmp_path_factory.mktemp("links"), actions))


async def _compare(directory: Path, actions: list[tuple[str, str, str, ParentState]]) -> None:
    storage = await Storage.open(directory / "relay.db")
    clock, registry = ManualClock(), SessionRegistry(SessionLimits())
    links = await reloaded(storage, clock, registry)
    for action, parent, child, state in actions:
        if action == "resolve":
            await links.resolve(Child(child), parent, {"p"}, is_(state))
        elif action == "delink":
            await links.delink(parent, [child])
        elif action == "told":
            await links.told(parent, [child])
        elif action == "remove":
            await links.remove_child(parent, child)
        else:
            await links.confirm_terminal(child)
    fresh = await reloaded(storage, clock, registry)
    for parent in ("p", "q"):
        assert set(fresh.children(parent)) == set(links.children(parent))
        assert set(fresh.unconfirmed(parent)) == set(links.unconfirmed(parent))
    for child in ("x", "y"):
        assert fresh.severed_by(child) == links.severed_by(child)
    await storage.close()
