"""Service announces: cache, full and delta, recipients (sockets-agents.md 3.6, sockets-browsers.md 6.4)."""

from __future__ import annotations

import pytest

from relay.services.announce import announce_payload
from tests.runners.peer import Peer
from tests.runners.rig import Person, Rig, until

GIT: dict[str, object] = {
    "serviceIds": ["git"],
    "panels": [{"serviceId": "git", "port": 1, "label": "Git", "icon": "g"}],
}
GIT_MOVED: dict[str, object] = {
    "serviceIds": ["git"],
    "panels": [{"serviceId": "git", "port": 2, "label": "Git", "icon": "g"}],
}


async def view(rig: Rig, person: Person, session_id: str, runner_id: str = "r1") -> Peer:
    session = rig.sessions.get(session_id) or rig.add_session(person, session_id, runner_id)
    before = len(session.audience)
    viewer = await rig.peer("/viewer", {"apiKey": person.key, "sessionId": session_id})
    await until(lambda: len(session.audience) == before + 1)
    return viewer


async def handled(rig: Rig, daemon: Peer) -> None:
    """Wait until everything that the daemon sent so far was handled."""
    runner = rig.runners.get("r1")
    assert runner is not None
    count = len(runner.skills)
    await daemon.emit("skills_list", {"skills": [{"name": "n"}] * (count + 1)})
    await until(lambda: len(runner.skills) == count + 1)


async def test_the_first_announce_is_full_with_the_runner_reference(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    viewer = await view(rig, ann, "s1")
    await daemon.emit("service_announce", GIT)
    assert await viewer.expect("service_announce") == {**GIT, "runnerId": "r1", "_runnerRef": True}


async def test_later_announces_are_deltas_and_repeated_ones_nothing(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    viewer = await view(rig, ann, "s1")
    hidden: dict[str, object] = {**GIT_MOVED, "disabledServiceIds": ["git"]}
    announces: tuple[dict[str, object], ...] = (GIT, GIT, GIT_MOVED, GIT_MOVED, hidden, {"serviceIds": []})
    for announce in announces:
        await daemon.emit("service_announce", announce)
    await viewer.expect("service_announce")
    moved = await viewer.expect("service_announce_delta")
    assert moved["updated"] == {"panels": GIT_MOVED["panels"], "triggerDefs": [], "sigilDefs": [], "sessionModes": []}
    assert (moved["runnerId"], moved["_runnerRef"]) == ("r1", True)
    removed = (await viewer.expect("service_announce_delta"))["removed"]
    assert isinstance(removed, dict)
    assert (removed["serviceIds"], removed["panels"]) == (["git"], ["git"])
    await handled(rig, daemon)
    assert viewer.names() == ["service_announce", "service_announce_delta", "service_announce_delta"]


async def test_every_change_updates_the_feed_and_a_repetition_does_not(rig: Rig) -> None:
    ann = await rig.person("ann")
    browser = await rig.feed_of(ann)
    daemon = await rig.runner(ann)
    hidden: dict[str, object] = {**GIT, "disabledServiceIds": ["git"]}
    announces: tuple[dict[str, object], ...] = (GIT, GIT, hidden)
    for announce in announces:
        await daemon.emit("service_announce", announce)
    await handled(rig, daemon)
    updates = [await browser.expect("runner_updated") for _ in range(3)]
    assert [update.get("disabledServiceIds") for update in updates] == [[], ["git"], ["git"]]
    assert updates[0]["panels"] == GIT["panels"]
    assert "triggerDefs" not in updates[0]
    assert browser.unread("runner_updated") == 0


async def test_without_a_viewer_nothing_counts_as_broadcast(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    rig.add_session(ann, "s1", "r1")
    await daemon.emit("service_announce", GIT)
    await handled(rig, daemon)
    viewer = await view(rig, ann, "s1")
    await daemon.emit("service_announce", GIT)
    await daemon.emit("service_announce", GIT)
    await daemon.emit("service_announce", GIT_MOVED)
    await viewer.expect("service_announce_delta")
    assert viewer.names() == ["service_announce", "service_announce_delta"]


async def test_the_first_announce_of_a_new_connection_is_full_again(rig: Rig) -> None:
    ann = await rig.person("ann")
    viewer = await view(rig, ann, "s1")
    for _ in range(2):
        daemon = await rig.runner(ann)
        await daemon.emit("service_announce", GIT)
        await viewer.expect("service_announce")
    assert viewer.names() == ["service_announce", "service_announce"]


async def test_all_viewers_of_all_sessions_of_the_runner_and_nobody_else(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    daemon = await rig.runner(ann)
    mine = [await view(rig, ann, "s1"), await view(rig, ann, "s1"), await view(rig, ann, "s2")]
    others = [await view(rig, bob, "foreign"), await view(rig, ann, "elsewhere", "r2")]
    await daemon.emit("service_announce", GIT)
    for viewer in mine:
        await viewer.expect("service_announce")
    await handled(rig, daemon)
    for session in rig.sessions:
        session.audience.emit("last", {})
    for viewer in (*mine, *others):
        await viewer.expect("last")
    assert [viewer.names() for viewer in mine] == [["service_announce", "last"]] * 3
    assert [viewer.names() for viewer in others] == [["last"]] * 2


async def test_a_viewer_that_joins_is_told_what_is_cached_if_there_is_a_service(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    runner = rig.runners.get("r1")
    assert runner is not None
    assert announce_payload(None) is None
    assert announce_payload(runner) is None
    await daemon.emit("service_announce", {"serviceIds": [], "triggerDefs": [{"type": "t", "label": "T"}]})
    await handled(rig, daemon)
    assert announce_payload(runner) is None
    await daemon.emit("service_announce", GIT)
    await handled(rig, daemon)
    assert announce_payload(runner) == {**GIT, "runnerId": "r1", "_runnerRef": True}


@pytest.mark.parametrize("payload", [None, 5, [], "x"])
async def test_what_is_no_announce_is_ignored(rig: Rig, payload: object) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    await daemon.emit("service_announce", payload)
    await handled(rig, daemon)
    runner = rig.runners.get("r1")
    assert runner is not None
    assert runner.announce is None


async def test_an_announce_beyond_all_measure_is_ignored(rig: Rig) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    await daemon.emit("service_announce", GIT)
    await daemon.emit("service_announce", {"serviceIds": ["x" * (4 * 1024 * 1024)]})
    await handled(rig, daemon)
    runner = rig.runners.get("r1")
    assert runner is not None
    assert runner.services("serviceIds") == ["git"]
