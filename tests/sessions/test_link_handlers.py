"""The `/relay` events about parents and children, through real sockets (sockets-agents.md 2.11)."""

from __future__ import annotations

import asyncio

import pytest

from tests.sessions.stage import Stage, failed, until
from tests.viewers.house import Agent, Person

OK = [{"ok": True}]


async def linked(stage: Stage, person: Person, *children: str) -> tuple[Agent, list[Agent]]:
    """Register a parent and its children, which confirm what they are told."""
    parent = await stage.agent(person, "parent")
    made = [await stage.child(person, parent, name) for name in children]
    for child in made:
        child.socket.answers["parent_delinked"] = {"ok": True}
    return parent, made


async def test_every_child_is_told_which_parent_was_confirmed(stage: Stage, ann: Person) -> None:
    parent = await stage.agent(ann, "parent")
    wire = await stage.wire()
    socket = await wire.join("/relay", {"apiKey": ann.key})
    await socket.emit("register", {"sessionId": "child", "cwd": "/", "parentSessionId": parent.session_id})
    assert (await socket.take("registered"))["parentSessionId"] == "parent"


async def test_children_are_counted_while_they_are_live(stage: Stage, ann: Person) -> None:
    parent, children = await linked(stage, ann, "a", "b")
    assert await parent.socket.call("get_linked_child_count", {"token": parent.token}) == [{"ok": True, "count": 2}]
    await children[0].socket.wire.close()
    await until(lambda: stage.app.sessions.registry.get("a") is None)
    assert await parent.socket.call("get_linked_child_count", {"token": parent.token}) == [{"ok": True, "count": 1}]


async def test_delink_tells_the_children_marks_them_and_keeps_their_record(stage: Stage, ann: Person) -> None:
    parent, (child,) = await linked(stage, ann, "a")
    assert await parent.socket.call("delink_children", {"token": parent.token}) == OK
    assert await child.socket.take("parent_delinked") == {"parentSessionId": "parent"}
    links = stage.app.sessions.links
    assert links.children("parent") == []
    assert links.unconfirmed("parent") == []
    assert links.severed_by("a") == "parent"
    assert stage.session("a").parent_id == "parent"


async def test_a_child_that_does_not_confirm_fails_the_call_but_not_its_siblings(stage: Stage, ann: Person) -> None:
    parent, (quiet, good) = await linked(stage, ann, "a", "b")
    del quiet.socket.answers["parent_delinked"]
    assert "did not confirm" in failed(await parent.socket.call("delink_children", {"token": parent.token}))
    assert await good.socket.take("parent_delinked") == {"parentSessionId": "parent"}
    links = stage.app.sessions.links
    assert links.unconfirmed("parent") == ["a"]
    assert links.children("parent") == []
    quiet.socket.answers["parent_delinked"] = {"ok": True}
    assert await parent.socket.call("delink_children", {"token": parent.token}) == OK
    assert links.unconfirmed("parent") == []


async def test_a_mirror_is_told_and_never_waited_for(stage: Stage, ann: Person) -> None:
    parent = await stage.agent(ann, "parent")
    mirror = await stage.child(ann, parent, "mirror", collabMode=False)
    assert await parent.socket.call("delink_children", {"token": parent.token}) == OK
    assert await mirror.socket.take("parent_delinked") == {"parentSessionId": "parent"}


async def test_children_that_are_away_need_no_telling(stage: Stage, ann: Person) -> None:
    parent, (child,) = await linked(stage, ann, "a")
    await child.socket.wire.close()
    await until(lambda: stage.app.sessions.registry.get("a") is None)
    assert await parent.socket.call("delink_children", {"token": parent.token}) == OK
    wire = await stage.wire()
    socket = await wire.join("/relay", {"apiKey": ann.key})
    await socket.emit("register", {"sessionId": "a", "cwd": "/", "parentSessionId": "parent"})
    answer = await socket.take("registered")
    assert answer["parentSessionId"] is None
    assert answer["wasDelinked"] is True


async def test_a_child_spawned_after_the_epoch_stays(stage: Stage, ann: Person) -> None:
    parent, _ = await linked(stage, ann, "old")
    stage.session("old").started_at = "2020-01-01T00:00:00.000Z"
    await stage.child(ann, parent, "new")
    epoch = stage.clock.now_ms() - 60_000
    assert await parent.socket.call("delink_children", {"token": parent.token, "epoch": epoch}) == OK
    assert stage.app.sessions.links.children("parent") == ["new"]


async def test_a_child_leaves_its_parent(stage: Stage, ann: Person) -> None:
    parent, (child,) = await linked(stage, ann, "a")
    assert await child.socket.call("delink_own_parent", {"token": child.token, "oldParentId": None}) == OK
    session = stage.session("a")
    assert (session.parent_id, session.links.linked_parent_id) == (None, None)
    assert stage.app.sessions.links.children(parent.session_id) == []


async def test_a_child_without_a_parent_leaves_the_one_it_names(stage: Stage, ann: Person) -> None:
    parent, (child,) = await linked(stage, ann, "a")
    stage.session("a").links.parent_id = None
    body = {"token": child.token, "oldParentId": parent.session_id}
    assert await child.socket.call("delink_own_parent", body) == OK
    assert not stage.app.sessions.links.is_child("parent", "a")


async def test_cleanup_ends_a_child_that_is_there(stage: Stage, ann: Person) -> None:
    parent, (child,) = await linked(stage, ann, "a")
    call = asyncio.create_task(
        parent.socket.call("cleanup_child_session", {"token": parent.token, "childSessionId": "a"})
    )
    order = await child.socket.take("exec")
    assert order["command"] == "end_session"
    assert str(order["id"]).startswith("cleanup-a-")
    await child.socket.wire.close()
    assert await call == OK
    assert stage.app.sessions.links.children("parent") == []
    await until(lambda: stage.app.sessions.registry.get("a") is None)
    row = None
    while row is None or row.ended_by is None:
        row = await stage.app.sessions.store.row("a")
    assert row.ended_by == "deliberate"


async def test_cleanup_says_pending_when_the_child_takes_its_time(stage: Stage, ann: Person) -> None:
    parent, _ = await linked(stage, ann, "a")
    answer = await parent.socket.call("cleanup_child_session", {"token": parent.token, "childSessionId": "a"})
    assert answer == [{"ok": True, "pending": True}]


async def test_cleanup_kills_on_the_childs_runner(stage: Stage, ann: Person) -> None:
    runner = await stage.runner(ann)
    parent, _ = await linked(stage, ann, "a")
    await runner.ready("a")
    await until(lambda: stage.session("a").runner_id == "r1")
    await parent.socket.call("cleanup_child_session", {"token": parent.token, "childSessionId": "a"})
    assert await runner.socket.take("kill_session") == {"sessionId": "a"}


async def test_cleanup_of_a_child_that_is_gone_only_tidies_up(stage: Stage, ann: Person) -> None:
    parent, (child,) = await linked(stage, ann, "a")
    await child.socket.wire.close()
    await until(lambda: stage.app.sessions.registry.get("a") is None)
    body = {"token": parent.token, "childSessionId": "a"}
    assert await parent.socket.call("cleanup_child_session", body) == OK
    assert stage.app.sessions.links.children("parent") == []


async def test_cleanup_is_for_the_parent_alone(stage: Stage, ann: Person) -> None:
    await linked(stage, ann, "a")
    stranger = await stage.agent(ann, "stranger")
    body = {"token": stranger.token, "childSessionId": "a"}
    error = failed(await stranger.socket.call("cleanup_child_session", body))
    assert error == "Sender is not the parent of the target session (linked relationship is broken or stale)"
    assert await stranger.socket.take("error") == {"message": error}
    assert stage.session("a").connected


async def test_two_parents_that_clean_each_other_up_do_not_wait_for_each_other(stage: Stage, ann: Person) -> None:
    one = await stage.agent(ann, "one", parentSessionId="two")
    two = await stage.agent(ann, "two", parentSessionId="one")
    one.socket.answers["parent_delinked"] = two.socket.answers["parent_delinked"] = {"ok": True}
    first, second = await asyncio.gather(
        one.socket.call("delink_children", {"token": one.token}),
        two.socket.call("delink_children", {"token": two.token}),
    )
    assert (first, second) == (OK, OK)


async def test_a_foreign_session_that_named_the_parent_first_does_not_count(
    stage: Stage, ann: Person, bob: Person
) -> None:
    await stage.agent(bob, "c", parentSessionId="p")
    parent = await stage.agent(ann, "p")
    assert await parent.socket.call("get_linked_child_count", {"token": parent.token}) == [{"ok": True, "count": 0}]


@pytest.mark.parametrize(
    "event", ["get_linked_child_count", "delink_children", "delink_own_parent", "cleanup_child_session"]
)
@pytest.mark.parametrize("body", [{}, {"token": "wrong"}, {"token": 5}, None, "text", ["token"], {"token": "\ud800"}])
async def test_agents_07_every_failure_path_of_acked_events_is_explicit(
    stage: Stage, ann: Person, event: str, body: object
) -> None:
    agent = await stage.agent(ann, "s")
    assert failed(await agent.socket.call(event, body)) == "Invalid token"
    assert await agent.socket.take("error") == {"message": "Invalid token"}


async def test_agents_07_a_missing_child_id_is_an_explicit_failure(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann, "s")
    error = failed(await agent.socket.call("cleanup_child_session", {"token": agent.token}))
    assert error == "cleanup_child_session requires childSessionId"


async def test_agents_07_a_failing_database_is_an_explicit_failure(stage: Stage, ann: Person) -> None:
    parent, _ = await linked(stage, ann, "a")
    await stage.app.storage.close()
    assert failed(await parent.socket.call("delink_children", {"token": parent.token}))


async def test_agents_03_an_older_socket_of_the_same_session_is_refused(stage: Stage, ann: Person) -> None:
    first = await stage.agent(ann, "s")
    await stage.agent(ann, "s")
    assert failed(await first.socket.call("get_linked_child_count", {"token": first.token})) == "Invalid token"
