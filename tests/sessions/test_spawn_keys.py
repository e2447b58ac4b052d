"""One session per idempotency key, within the limits of rest-runners.md 14.4."""

from __future__ import annotations

import asyncio

import pytest

from relay.clock import iso
from relay.sessions.spawn_keys import MAX_KEY, read_key
from tests.sessions.stage import Answer, Runner, Stage, until
from tests.viewers.house import Person
from tests.viewers.wire import Json

KEY = "spawn:cron:sub:s1:time:cron:1700000000000:abcdefgh:1"


@pytest.fixture
async def runner(stage: Stage, ann: Person) -> Runner:
    return await stage.runner(ann)


def again(stage: Stage, person: Person, **more: object) -> asyncio.Task[Answer]:
    body: Json = {"runnerId": "r1", "idempotencyKey": KEY, **more}
    return asyncio.create_task(stage.ask("POST", "/api/runners/spawn", person, body))


async def first(stage: Stage, person: Person, runner: Runner) -> str:
    return await stage.started(person, runner, idempotencyKey=KEY)


async def pass_time(stage: Stage, minutes: int) -> None:
    """Let the answers be so much older."""
    old = stage.clock.now_ms() - minutes * 60_000
    await stage.app.storage.write(lambda tx: tx.execute("UPDATE spawn_key SET ts = ?", (iso(old),)))


async def test_a_pending_session_is_answered_again_over_a_restart(stage: Stage, ann: Person, runner: Runner) -> None:
    session_id = await first(stage, ann, runner)
    await pass_time(stage, 3)
    answer = await again(stage, ann)
    assert (answer.status, answer.body["sessionId"], answer.body["pending"]) == (200, session_id, False)
    await pass_time(stage, 1)
    await stage.restart()
    await stage.runner(ann)
    assert (await again(stage, ann)).body["sessionId"] == session_id
    assert "new_session" not in runner.socket.unread()


async def test_a_live_session_is_answered_again_and_a_dead_one_is_not_for_long(
    stage: Stage, ann: Person, runner: Runner
) -> None:
    session_id = await first(stage, ann, runner)
    agent = await stage.agent(ann, session_id)
    await pass_time(stage, 30)
    assert (await again(stage, ann)).body["sessionId"] == session_id
    await agent.socket.emit("session_end", {"token": agent.token, "sessionId": session_id})
    await until(lambda: stage.app.sessions.registry.get(session_id) is None)
    await pass_time(stage, 1)
    assert (await again(stage, ann)).body["sessionId"] == session_id
    await pass_time(stage, 2)
    assert "new_session" not in runner.socket.unread()
    repeat = again(stage, ann)
    order = await runner.socket.take("new_session")
    assert order["sessionId"] != session_id
    await runner.ready(str(order["sessionId"]))
    assert (await repeat).body["sessionId"] == order["sessionId"]


async def test_repeats_at_the_same_time_join(stage: Stage, ann: Person, runner: Runner) -> None:
    spawns = [again(stage, ann) for _ in range(3)]
    order = await runner.socket.take("new_session")
    await runner.ready(str(order["sessionId"]))
    assert {(await one).body["sessionId"] for one in spawns} == {order["sessionId"]}
    assert "new_session" not in runner.socket.unread()


async def test_an_error_is_never_repeated(stage: Stage, ann: Person, runner: Runner) -> None:
    failing = again(stage, ann, cwd="/gone")
    order = await runner.socket.take("new_session")
    await runner.socket.emit("session_error", {"sessionId": order["sessionId"], "message": "no such folder"})
    assert ((await failing).status, (await failing).body) == (400, {"error": "no such folder"})
    # The scheduler then tries at once without the folder.
    trying = again(stage, ann)
    order = await runner.socket.take("new_session")
    assert "cwd" not in order
    await runner.ready(str(order["sessionId"]))
    assert (await trying).status == 200


async def test_a_key_counts_for_its_user_and_runner_alone(stage: Stage, ann: Person, runner: Runner) -> None:
    session_id = await first(stage, ann, runner)
    other = await stage.runner(ann, "r2")
    spawning = again(stage, ann, runnerId="r2")
    order = await other.socket.take("new_session")
    assert order["sessionId"] != session_id
    await other.ready(str(order["sessionId"]))
    await spawning
    assert (await again(stage, ann, idempotencyKey=["no", "key"], effort="no")).status == 400


async def test_a_runner_that_is_away_is_still_503_for_a_new_key(stage: Stage, ann: Person, runner: Runner) -> None:
    await runner.leave()
    await until(lambda: stage.app.runners.registry.get("r1") is None)
    assert (await again(stage, ann)).status == 503


async def test_old_keys_are_forgotten(stage: Stage, ann: Person, runner: Runner) -> None:
    await first(stage, ann, runner)
    await stage.app.sessions.sweeper.sweep()
    assert len(await stage.app.storage.fetch_all("SELECT * FROM spawn_key")) == 1
    await pass_time(stage, 25 * 60)
    await stage.app.sessions.sweeper.sweep()
    assert await stage.app.storage.fetch_all("SELECT * FROM spawn_key") == []


@pytest.mark.parametrize("value", [None, "", 5, [], "x" * (MAX_KEY + 1), "\ud800"])
def test_what_can_be_no_key_counts_as_none(value: object) -> None:
    assert read_key(value) is None


def test_a_key_is_taken_as_it_is() -> None:
    assert read_key(KEY) == KEY
