"""When subscriptions end, what survives, and what a runner learns of it (rest-runners.md 8.9, 10.4, 10.5, 14.5)."""

from __future__ import annotations

from functools import partial

import pytest

from relay.storage import StorageError, Transaction
from relay.triggers.subscriptions import MAX_PER_USER
from tests.sessions.stage import Stage, until
from tests.triggers.desk import Desk, desk, route
from tests.viewers.house import Person
from tests.viewers.wire import Json

CRON: Json = {"cron": "0 9 * * *"}


@pytest.fixture
async def at(stage: Stage, ann: Person) -> Desk:
    return await desk(stage, ann)


async def both(at: Desk) -> tuple[str, str]:
    """Subscribe to a push and to a cron."""
    ids = await at.subscribed(), await at.subscribed("time:cron", params=CRON)
    await at.daemon.read()
    return ids


async def _execute(sql: str, value: str, tx: Transaction) -> None:
    await tx.execute(sql, (value,))


async def _multiply(times: int, tx: Transaction) -> None:
    """Copy the only subscription so many times."""
    await tx.execute(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)"
        " INSERT INTO trigger_subscription SELECT id || n, user_id, session_id, runner_id, trigger_type,"
        " subscription, created_at, updated_at FROM trigger_subscription, number",
        (times,),
    )


async def held(at: Desk) -> list[object]:
    return [one["routeId"] for one in await at.routes()]


async def test_a_session_that_a_person_closes_takes_all_but_its_schedules_along(at: Desk) -> None:
    push, cron = await both(at)
    second = await at.subscribed()
    at.stage.app.sessions.ended_by_person("s1")
    await at.agent.leave(await at.stage.hub(at.person))
    await at.settled()
    assert await held(at) == [cron]
    deltas = await at.daemon.read()
    assert [delta["action"] for delta in deltas] == ["subscribe", "unsubscribe", "unsubscribe"]
    gone = [delta["subscription"] for delta in deltas[1:]]
    assert [one["subscriptionId"] for one in gone if isinstance(one, dict)] == [push, second]
    await at.stage.restart()
    assert await held(at) == [cron]


async def test_a_session_that_its_runner_kills_takes_all_but_its_schedules_along(at: Desk) -> None:
    _, cron = await both(at)
    await at.daemon.socket.emit("session_killed", {"sessionId": "s1"})
    await at.daemon.socket.wire.settled()
    await at.agent.leave(await at.stage.hub(at.person))
    await at.settled()
    assert await held(at) == [cron]
    assert [delta["action"] for delta in await at.daemon.read()] == ["unsubscribe"]


async def test_no_other_end_takes_a_subscription_along(at: Desk) -> None:
    ids = await both(at)
    hub = await at.stage.hub(at.person)
    await at.agent.leave(hub)
    await at.settled()
    again = await at.stage.agent(at.person, "s1")
    await again.end(hub)
    await at.settled()
    await at.daemon.leave()
    await at.stage.restart()
    assert await held(at) == list(ids)
    await at.daemon.connect()
    assert await at.daemon.read() == []
    assert list(at.daemon.books.entries) == list(ids)


async def test_an_orphan_sweep_takes_no_subscription_along(at: Desk) -> None:
    ids = await both(at)
    await at.stage.restart()
    app = at.stage.app
    # What the sweep does when the agent did not return within two minutes of a start.
    await app.sessions.teardown.end(
        at.stage.session("s1"), "Session orphaned (no active relay connection)", terminal=True, ended_by="other"
    )
    await at.settled()
    assert await held(at) == list(ids)


async def test_what_the_deleted_row_of_a_session_leaves_behind_goes_with_the_next_sweep(at: Desk) -> None:
    push, cron = await both(at)
    await at.agent.end(await at.stage.hub(at.person))
    app = at.stage.app
    await app.storage.write(lambda tx: tx.execute("UPDATE trigger_subscription SET updated_at = '2020'"))
    await app.sessions.sweeper.sweep()
    assert await held(at) == [push, cron]
    await app.storage.write(lambda tx: tx.execute("DELETE FROM relay_session"))
    await app.sessions.sweeper.sweep()
    assert await held(at) == [cron]
    assert [delta["action"] for delta in await at.daemon.read()] == ["unsubscribe"]


async def test_a_start_drops_what_a_crash_kept_it_from_deleting(at: Desk) -> None:
    push, cron = await both(at)
    young = await at.subscribed()
    await at.agent.end(await at.stage.hub(at.person))
    app = at.stage.app
    await app.storage.write(
        lambda tx: tx.execute("UPDATE trigger_subscription SET updated_at = '2020' WHERE id <> ?", (young,))
    )
    await app.storage.write(lambda tx: tx.execute("UPDATE relay_session SET ended_by = 'deliberate'"))
    await at.stage.restart()
    # A row this young may belong to a session that has none yet.
    assert await held(at) == [cron, young]
    await at.daemon.connect()
    await at.daemon.read()
    assert push not in at.daemon.books.entries


async def test_a_live_session_without_a_row_is_no_orphan(at: Desk) -> None:
    ids = await both(at)
    app = at.stage.app
    await app.storage.write(lambda tx: tx.execute("UPDATE trigger_subscription SET updated_at = '2020'"))
    await app.storage.write(lambda tx: tx.execute("DELETE FROM relay_session"))
    await app.triggers.subscriptions.sweep()
    assert await held(at) == list(ids)


async def test_a_session_that_ends_while_it_subscribes_leaves_nothing(at: Desk) -> None:
    app = at.stage.app
    subscriptions = app.triggers.subscriptions
    first = await at.subscribed()
    found = subscriptions.get(first, at.person.id)
    assert found is not None
    assert not await subscriptions.create(found, lambda: False)
    assert await held(at) == [first]


async def test_a_user_has_no_more_subscriptions_than_are_kept(at: Desk) -> None:
    app = at.stage.app
    kept = await at.subscribed()
    await app.storage.write(partial(_multiply, MAX_PER_USER - 1))
    await app.triggers.start()
    answer = await at.subscribe()
    assert (answer.status, answer.body) == (422, {"error": "Too many trigger subscriptions"})
    assert (await at.call("DELETE", route(kept))).status == 200
    assert (await at.subscribe()).status == 200


# What a runner is told at its registration


async def test_runners_06_a_snapshot_has_everything_after_a_restart_and_revisions_only_grow(
    at: Desk, bob: Person
) -> None:
    push, cron = await both(at)
    listener = await at.listen(
        "time:at", params={"at": "9:00 UTC"}, prompt="hidden", model={"provider": "a", "id": "b"}
    )
    listener_id = str(listener.body["listenerId"])
    await at.stage.agent(bob, "his")
    await at.agent.leave(await at.stage.hub(at.person))
    await at.daemon.read()
    before = dict(at.daemon.books.entries)
    await at.stage.restart()
    await at.daemon.connect(None)
    await at.daemon.read()
    # The books check that no revision ever falls, over the restart too.
    assert at.daemon.books.entries == before
    assert before[listener_id] == {
        "subscriptionId": listener_id,
        "sessionId": f"runner-listener:{listener_id}",
        "triggerType": "time:at",
        "runnerId": "r1",
        "params": {"at": "9:00 UTC"},
    }
    assert list(before) == [push, cron, listener_id]
    assert len(at.daemon.books.revisions) >= 2


async def test_a_runner_without_subscriptions_gets_an_empty_snapshot(stage: Stage, ann: Person) -> None:
    at = await desk(stage, ann)
    await at.daemon.read()
    (snapshot,) = [body for event, body in at.daemon.socket.log if event == "trigger_subscriptions_snapshot"]
    assert isinstance(snapshot, dict)
    assert snapshot["subscriptions"] == []
    events = [event for event, _ in at.daemon.socket.log]
    assert events.index("runner_registered") < events.index("trigger_subscriptions_snapshot")


async def test_a_row_that_cannot_be_read_stops_the_start_and_not_a_schedule(at: Desk) -> None:
    await both(at)
    app = at.stage.app
    change = "UPDATE trigger_subscription SET subscription = ? WHERE trigger_type = 'time:cron'"
    (row,) = await app.storage.fetch_all(
        "SELECT subscription FROM trigger_subscription WHERE trigger_type = 'time:cron'"
    )
    for broken in ("{", "[]", '{"params": 5, "filters": [], "filterMode": "and", "deliverAs": "steer"}'):
        await app.storage.write(partial(_execute, change, broken))
        with pytest.raises(StorageError):
            await app.triggers.start()
    await app.storage.write(partial(_execute, change, row["subscription"]))
    await app.triggers.start()


async def test_a_runner_id_that_changes_hands_takes_no_subscriptions_along(at: Desk, bob: Person) -> None:
    ids = await both(at)
    await at.listen("time:at")
    await at.daemon.leave()
    assert await at.stage.app.runners.identities.release("r1")
    hers, at.daemon.person = at.daemon.person, bob
    await at.daemon.connect()
    await at.daemon.read()
    assert at.daemon.books.entries == {}
    theirs = await at.call("GET", "/api/runners/r1/triggers", person=bob)
    assert theirs.body["listeners"] == []
    assert (await at.call("GET", "/api/runners/r1/schedules", person=bob)).body == {"schedules": []}
    # Nor does the new owner hear of what the former one changes.
    assert (await at.call("DELETE", route(ids[0]))).status == 200
    assert await at.daemon.read() == []
    assert hers is at.person


async def test_a_deleted_account_leaves_nothing(at: Desk) -> None:
    await both(at)
    await at.listen("time:at")
    app = at.stage.app
    assert await app.accounts.users.remove(at.person.id)
    assert app.triggers.subscriptions.of_user(at.person.id) == []
    assert app.triggers.subscriptions.of_runner("r1", at.person.id) == []
    assert app.triggers.listeners.of_runner("r1", at.person.id) == []
    for table in ("trigger_subscription", "runner_trigger_listener"):
        assert await app.storage.fetch_all(f"SELECT * FROM {table}") == []


# One-shots


async def test_a_one_shot_goes_in_the_transaction_of_its_delivery_and_is_told_once(at: Desk) -> None:
    triggers, storage = at.stage.app.triggers, at.stage.app.storage
    push, cron = await both(at)
    listener_id = str((await at.listen("time:at")).body["listenerId"])
    await at.daemon.read()
    gone = await storage.write(lambda tx: triggers.subscriptions.delete_in(tx, cron))
    heard = await storage.write(lambda tx: triggers.listeners.delete_in(tx, listener_id))
    assert gone is not None
    assert heard is not None
    assert await at.daemon.read() == []
    triggers.subscriptions.removed(gone)
    triggers.subscriptions.removed(gone, heard)
    triggers.listeners.removed(heard, gone)
    triggers.listeners.removed(heard)
    deltas = await at.daemon.read()
    assert [delta["action"] for delta in deltas] == ["unsubscribe", "unsubscribe"]
    assert list(at.daemon.books.entries) == [push]
    assert await storage.write(lambda tx: triggers.subscriptions.delete_in(tx, cron)) is None
    assert await storage.write(lambda tx: triggers.listeners.delete_in(tx, listener_id)) is None
    # The scheduler deletes it as well, and takes this as done.
    assert (await at.call("DELETE", route(cron))).status == 404


async def test_a_delivery_that_fails_keeps_its_one_shot(at: Desk) -> None:
    _, cron = await both(at)
    triggers, storage = at.stage.app.triggers, at.stage.app.storage

    async def fail(tx: Transaction) -> None:
        assert await triggers.subscriptions.delete_in(tx, cron) is not None
        raise LookupError

    with pytest.raises(LookupError):
        await storage.write(fail)
    assert triggers.subscriptions.get(cron, at.person.id) is not None
    await at.stage.restart()
    assert cron in await held(at)


# Whom an event reaches


async def test_an_event_reaches_the_users_live_sessions_whose_filters_it_passes(at: Desk, bob: Person) -> None:
    person, subscriptions = at.person, at.stage.app.triggers.subscriptions
    await at.stage.agent(person, "s2")
    await at.daemon.host("s2")
    every = await at.subscribed()
    main = await at.subscribed(filters=[{"field": "repo", "value": "a/b"}, {"field": "count", "value": "3"}])
    either = await at.subscribed(
        "github:push",
        "s2",
        filters=[{"field": "repo", "value": "a/b"}, {"field": "count", "value": 3}],
        filterMode="or",
    )

    def reached(payload: Json, **more: str) -> list[str]:
        return [one.subscription_id for one in subscriptions.matching(person.id, "github:push", payload, **more)]

    assert reached({"repo": "a/b", "count": 3}) == [every, main, either]
    assert reached({"repo": "A/b", "count": 3}, runner_id="r1") == [every, either]
    assert reached({}) == [every]
    assert reached({}, runner_id="r2") == []
    assert subscriptions.matching(bob.id, "github:push", {}) == []
    assert subscriptions.matching(person.id, "github:needy", {}) == []
    await at.agent.leave(await at.stage.hub(person))
    assert reached({"count": 3}) == [either]


async def test_the_mode_is_looked_at_again_with_the_folder_of_now(at: Desk) -> None:
    subscriptions, session = at.stage.app.triggers.subscriptions, at.stage.session("s1")
    session.cwd = "/work/docs"
    await at.subscribed("godmother:moved")
    assert len(subscriptions.matching(at.person.id, "godmother:moved", {})) == 1
    session.cwd = "/work"
    assert subscriptions.matching(at.person.id, "godmother:moved", {}) == []
    await at.daemon.announce({"serviceIds": ["time"], "triggerDefs": []})
    assert len(subscriptions.matching(at.person.id, "godmother:moved", {})) == 1
    await at.daemon.leave()
    await until(lambda: len(subscriptions.matching(at.person.id, "godmother:moved", {})) == 1)
