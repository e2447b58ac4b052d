"""Registration of runners over real sockets (sockets-agents.md 3.2, 3.12)."""

from __future__ import annotations

import asyncio

from relay.events import RunnerConnected, RunnerDisconnected
from tests.runners.peer import Peer
from tests.runners.rig import Person, Rig, until

REGISTER = {"runnerId": "r1", "runnerSecret": "s1", "name": " my-macbook ", "roots": ["/home/ann/src/"]}


async def refused(rig: Rig, person: Person, payload: dict[str, object]) -> str:
    """Try to register; answer the error text once the socket was disconnected."""
    daemon = await rig.runner_socket(person)
    await daemon.emit("register_runner", payload)
    error = await daemon.expect("error")
    await asyncio.wait_for(daemon.gone.wait(), 5)
    assert daemon.gone_reason == Peer.kicked
    assert daemon.names() == ["error"]
    return str(error["message"])


async def test_the_answer_then_the_snapshot(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner_socket(ann)
    await daemon.emit("register_runner", REGISTER)
    assert await daemon.expect("runner_registered") == {"runnerId": "r1"}
    snapshot = await daemon.expect("trigger_subscriptions_snapshot")
    assert snapshot["isReconnect"] is True
    assert snapshot["subscriptions"] == []
    assert isinstance(snapshot["revision"], int)
    assert daemon.names() == ["runner_registered", "trigger_subscriptions_snapshot"]
    runner = rig.runners.get("r1")
    assert runner is not None
    assert (runner.user_id, runner.user_name, runner.name) == (ann.id, "ann", "my-macbook")
    assert runner.roots == ["/home/ann/src"]


async def test_runners_check_06_the_revision_grows_over_registrations_and_restarts(rig: Rig) -> None:
    ann = await rig.person("ann")
    revisions: list[int] = []
    for _ in range(2):
        for _ in range(2):
            daemon = await rig.runner_socket(ann)
            await daemon.emit("register_runner", REGISTER)
            snapshot = await daemon.expect("trigger_subscriptions_snapshot")
            revision = snapshot["revision"]
            assert isinstance(revision, int)
            revisions.append(revision)
        await rig.restart()
    assert revisions == sorted(set(revisions))


async def test_another_secret_is_refused_with_the_exact_text_and_a_disconnect(rig: Rig) -> None:
    ann = await rig.person("ann")
    await rig.runner(ann, "r1", "s1")
    text = await refused(rig, ann, {"runnerId": "r1", "runnerSecret": "other"})
    assert text == "Runner authentication failed: secret mismatch for runner r1"


async def test_another_user_with_the_secret_is_refused_though_the_runner_be_away(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    daemon = await rig.runner(ann, "r1", "s1")
    text = "Runner authentication failed: runner r1 is owned by a different user"
    assert await refused(rig, bob, {"runnerId": "r1", "runnerSecret": "s1"}) == text
    await daemon.close()
    await until(lambda: rig.runners.get("r1") is None)
    assert await refused(rig, bob, {"runnerId": "r1", "runnerSecret": "s1"}) == text
    assert await rig.identities.owner_of("r1") == ann.id


async def test_a_refusal_leaves_the_runner_that_is_connected_alone(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    daemon = await rig.runner(ann, "r1", "s1", profile={"name": "mine"})
    await refused(rig, bob, {"runnerId": "r1", "runnerSecret": "guess", "name": "taken"})
    runner = rig.runners.get("r1")
    assert runner is not None
    assert (runner.name, runner.user_id, runner.connected) == ("mine", ann.id, True)
    assert not daemon.gone.is_set()


async def test_the_identity_survives_a_restart_and_a_disconnect(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    await rig.runner(ann, "r1", "s1", profile={"name": "kept"})
    await rig.restart()
    assert rig.runners.get("r1") is None
    assert await rig.identities.owner_of("r1") == ann.id
    wrong = await refused(rig, ann, {"runnerId": "r1", "runnerSecret": "x"})
    assert wrong.endswith("secret mismatch for runner r1")
    assert "different user" in await refused(rig, bob, {"runnerId": "r1", "runnerSecret": "s1"})
    await rig.runner(ann, "r1", "s1")
    assert rig.runners.get("r1") is not None


async def test_a_released_id_can_be_paired_with_another_account(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    daemon = await rig.runner(ann, "r1", "s1")
    await daemon.close()
    await until(lambda: rig.runners.get("r1") is None)
    assert await rig.identities.release("r1") is True
    assert await rig.identities.release("r1") is False
    await rig.runner(bob, "r1", "s2")
    assert await rig.identities.owner_of("r1") == bob.id


async def test_without_id_or_secret_a_new_random_id_is_given_each_time(rig: Rig) -> None:
    ann = await rig.person("ann")
    given: set[object] = set()
    for payload in (
        {},
        {"runnerId": "r1"},
        {"runnerSecret": "s"},
        {"runnerId": " ", "runnerSecret": "s"},
        {"runnerId": 5},
    ):
        daemon = await rig.runner_socket(ann)
        await daemon.emit("register_runner", payload)
        answer = await daemon.expect("runner_registered")
        assert answer["runnerId"] != "r1"
        assert len(str(answer["runnerId"])) == 36
        given.add(answer["runnerId"])
    assert len(given) == 5
    assert await rig.identities.owner_of("r1") is None


async def test_id_and_secret_are_trimmed(rig: Rig) -> None:
    ann = await rig.person("ann")
    await rig.runner(ann, "r1", "s1")
    daemon = await rig.runner_socket(ann)
    await daemon.emit("register_runner", {"runnerId": " r1 ", "runnerSecret": " s1\n"})
    assert await daemon.expect("runner_registered") == {"runnerId": "r1"}


async def test_an_impossible_id_is_refused(rig: Rig) -> None:
    ann = await rig.person("ann")
    for runner_id in ("x" * 257, "\ud83d"):
        daemon = await rig.runner_socket(ann)
        await daemon.emit("register_runner", {"runnerId": runner_id, "runnerSecret": "s"})
        assert str((await daemon.expect("error"))["message"]).startswith("Runner authentication failed")


async def test_names_may_collide(rig: Rig) -> None:
    ann = await rig.person("ann")
    await rig.runner(ann, "r1", "s1", profile={"name": "same"})
    await rig.runner(ann, "r2", "s2", profile={"name": "same"})
    assert [(runner.runner_id, runner.name) for runner in rig.runners.of_user(ann.id)] == [
        ("r1", "same"),
        ("r2", "same"),
    ]


async def test_a_second_socket_replaces_the_first_which_stays_and_is_ignored(rig: Rig) -> None:
    ann = await rig.person("ann")
    seen: list[object] = []
    rig.bus.subscribe(RunnerDisconnected, seen.append)
    old = await rig.runner(ann, "r1", "s1", profile={"name": "old"})
    new = await rig.runner(ann, "r1", "s1", profile={"name": "new"})
    runner = rig.runners.get("r1")
    assert runner is not None
    assert runner.name == "new"
    await old.emit("skills_list", {"skills": [{"name": "from the old one"}]})
    await old.emit("runner_warning", {"message": "from the old one"})
    await new.emit("skills_list", {"skills": [{"name": "from the new one"}]})
    await until(lambda: len(runner.skills) > 0)
    assert [skill["name"] for skill in runner.skills] == ["from the new one"]
    assert runner.warnings == []
    assert not old.gone.is_set()
    runner.emit("restart", {})
    assert await new.expect("restart") == {}
    assert old.unread("restart") == 0
    await old.close()
    await rig.runner(ann, "r2", "s2")
    assert rig.runners.get("r1") is runner
    assert runner.connected
    assert seen == []


async def test_service_fields_and_warnings_of_a_surviving_record_stay(rig: Rig) -> None:
    ann = await rig.person("ann")
    old = await rig.runner(ann)
    await old.emit("service_announce", {"serviceIds": ["git"]})
    await old.emit("runner_warning", {"message": "no tunnel"})
    runner = rig.runners.get("r1")
    assert runner is not None
    await until(lambda: bool(runner.warnings))
    await rig.runner(ann, profile={"skills": [{"name": "deploy"}]})
    assert rig.runners.get("r1") is runner
    assert runner.services("serviceIds") == ["git"]
    assert runner.warnings == ["no tunnel"]
    assert [skill["name"] for skill in runner.skills] == ["deploy"]


async def test_a_socket_that_registers_another_id_leaves_the_first(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann, "r1", "s1")
    await daemon.emit("register_runner", {"runnerId": "r2", "runnerSecret": "s2"})
    assert await daemon.expect("runner_registered") == {"runnerId": "r2"}
    assert rig.runners.get("r1") is None
    assert rig.runners.get("r2") is not None
    await daemon.close()
    await until(lambda: len(rig.runners) == 0)


async def test_existing_sessions_are_those_with_a_connected_agent(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    rig.add_session(ann, "live", "r1")
    rig.add_session(ann, "without agent", "r1")
    rig.add_session(ann, "elsewhere", "r2")
    rig.add_session(bob, "foreign", "r1")
    for person, session_id in ((ann, "live"), (ann, "elsewhere"), (bob, "foreign")):
        await rig.peer("/relay", {"apiKey": person.key, "sessionId": session_id})
    await until(lambda: all(s.connected for s in rig.sessions if s.id != "without agent"))
    daemon = await rig.runner_socket(ann)
    await daemon.emit("register_runner", REGISTER)
    answer = await daemon.expect("runner_registered")
    assert answer == {"runnerId": "r1", "existingSessions": [{"sessionId": "live", "cwd": "/work"}]}
    runner = rig.runners.get("r1")
    assert runner is not None
    assert runner.owned_sessions == {"live"}


async def test_agents_check_10_a_dropped_runner_vanishes_and_its_sessions_stay(rig: Rig) -> None:
    ann = await rig.person("ann")
    browser = await rig.feed_of(ann)
    rig.add_session(ann, "with agent", "r1")
    rig.add_session(ann, "without agent", "r1")
    await rig.peer("/relay", {"apiKey": ann.key, "sessionId": "with agent"})
    await until(lambda: any(session.connected for session in rig.sessions))
    daemon = await rig.runner(ann)
    await browser.expect("runner_added")
    await daemon.close()
    assert await browser.expect("runner_removed") == {"runnerId": "r1"}
    assert len(rig.sessions) == 2
    assert all(session.runner_id == "r1" for session in rig.sessions)
    back = await rig.runner_socket(ann)
    await back.emit("register_runner", REGISTER)
    answer = await back.expect("runner_registered")
    assert answer["existingSessions"] == [{"sessionId": "with agent", "cwd": "/work"}]


async def test_runners_come_and_go_on_the_bus(rig: Rig) -> None:
    ann = await rig.person("ann")
    seen: list[object] = []
    rig.bus.subscribe(RunnerConnected, seen.append)
    rig.bus.subscribe(RunnerDisconnected, seen.append)
    daemon = await rig.runner(ann)
    await daemon.close()
    await until(lambda: len(seen) == 2)
    assert seen == [RunnerConnected(ann.id, "r1"), RunnerDisconnected(ann.id, "r1")]


async def test_a_shutdown_tells_nobody_and_sends_no_disconnect_packet(rig: Rig) -> None:
    ann = await rig.person("ann")
    seen: list[object] = []
    rig.bus.subscribe(RunnerDisconnected, seen.append)
    browser = await rig.feed_of(ann)
    daemon = await rig.runner(ann)
    await browser.expect("runner_added")
    await rig.restart()
    await asyncio.wait_for(daemon.gone.wait(), 5)
    await asyncio.wait_for(browser.gone.wait(), 5)
    assert daemon.gone_reason != Peer.kicked
    assert browser.unread("runner_removed") == 0
    assert seen == []


async def test_while_the_database_fails_a_runner_is_put_off_and_not_refused(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner_socket(ann)
    async with rig.broken_table("runner_identity"):
        await daemon.emit("register_runner", REGISTER)
        await asyncio.wait_for(daemon.gone.wait(), 5)
    assert daemon.gone_reason != Peer.kicked
    assert daemon.names() == []
    await rig.runner(ann)


async def test_garbage_events_harm_nobody(rig: Rig) -> None:
    ann = await rig.person("ann")
    stranger = await rig.runner_socket(ann)
    daemon = await rig.runner(ann)
    events = (
        "skills_list",
        "skill_result",
        "agents_list",
        "agent_result",
        "plugins_list",
        "file_result",
        "models_list",
        "usage_data",
        "usage_error",
        "analyze_session_data",
        "analyze_session_error",
        "runner_warning",
        "runner_warning_clear",
        "trigger_subscriptions_applied",
        "service_announce",
        "service_message",
        "terminal_ready",
        "terminal_data",
        "sessions_list",
        "pong",
        "no_such_event",
    )
    for peer in (stranger, daemon):
        for event in events:
            for payload in (None, 5, "x", [1], {}, {"requestId": 5, "skills": 1, "message": [], "serviceIds": "x"}):
                await peer.emit(event, payload)
    await daemon.emit("runner_warning", {"message": "still here"})
    runner = rig.runners.get("r1")
    assert runner is not None
    await until(lambda: runner.warnings == ["still here"])
    assert not stranger.gone.is_set()
    assert not daemon.gone.is_set()


async def test_a_registration_that_is_no_object_gets_an_id_all_the_same(rig: Rig) -> None:
    ann = await rig.person("ann")
    for payload in (None, 5, ["x"], "r1"):
        daemon = await rig.runner_socket(ann)
        await daemon.emit("register_runner", payload)
        assert len(str((await daemon.expect("runner_registered"))["runnerId"])) == 36
