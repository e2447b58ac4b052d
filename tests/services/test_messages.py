"""Service messages between browsers, agents and runners (sockets-agents.md 2.15, 3.7; sockets-browsers.md 6)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from relay.sessions.session import AgentSession
from tests.clock import ManualClock
from tests.runners.peer import Peer
from tests.runners.rig import Options, Person, Rig, until

EVENT = "service_message"
LIMIT = 262_144


@pytest.fixture
def options(clock: ManualClock) -> Options:
    return Options(clock=clock)


@dataclass
class Scene:
    """One runner with one session that has an agent and a viewer."""

    rig: Rig
    person: Person
    daemon: Peer
    session: AgentSession
    agent: Peer
    viewer: Peer

    async def mark(self, sender: Peer, receiver: Peer, **extra: object) -> None:
        """Send a last message by which the receiver knows that all before it were handled."""
        await sender.emit(EVENT, {"serviceId": "marker", "payload": None, **extra})
        assert (await receiver.expect(EVENT))["serviceId"] == "marker"


async def join(rig: Rig, person: Person, session_id: str) -> tuple[Peer, Peer]:
    auth: dict[str, object] = {"apiKey": person.key, "sessionId": session_id}
    agent, viewer = await rig.peer("/relay", auth), await rig.peer("/viewer", auth)
    session = rig.sessions.get(session_id)
    assert session is not None
    await until(lambda: session.connected and len(session.audience) == 1)
    return agent, viewer


@pytest.fixture
async def scene(rig: Rig) -> Scene:
    ann = await rig.person("ann")
    session = rig.add_session(ann, "s1", "r1")
    agent, viewer = await join(rig, ann, "s1")
    return Scene(rig, ann, await rig.runner(ann), session, agent, viewer)


@pytest.mark.parametrize("sender", ["viewer", "agent"])
async def test_browsers_check_14_a_message_reaches_the_runner_with_the_relays_stamp(scene: Scene, sender: str) -> None:
    peer = scene.viewer if sender == "viewer" else scene.agent
    envelope = {"serviceId": "git", "type": "status", "requestId": "q", "payload": {"a": [1]}, "extra": None}
    await peer.emit(EVENT, {**envelope, "sessionId": "somebody else's"})
    assert await scene.daemon.expect(EVENT) == {**envelope, "sessionId": "s1"}
    await scene.mark(peer, scene.daemon)
    # It went to the runner and to nobody else.
    await heard_nothing(scene.rig, "s1", scene.agent, scene.viewer)


async def test_browsers_check_14_an_answer_reaches_only_the_owning_session(scene: Scene) -> None:
    rig = scene.rig
    rig.add_session(scene.person, "s2", "r1")
    other_agent, other_viewer = await join(rig, scene.person, "s2")
    answer = {"serviceId": "git", "type": "result", "requestId": "q", "payload": "ok", "sessionId": "s1"}
    await scene.daemon.emit(EVENT, answer)
    assert await scene.viewer.expect(EVENT) == answer
    assert await scene.agent.expect(EVENT) == answer
    await heard_nothing(rig, "s2", other_agent, other_viewer)


async def test_an_unaddressed_message_is_stamped_for_every_session_of_the_runner(scene: Scene) -> None:
    rig, bob = scene.rig, await scene.rig.person("bob")
    rig.add_session(scene.person, "s2", "r1")
    rig.add_session(bob, "foreign", "r1")
    rig.add_session(scene.person, "elsewhere", "r2")
    second = await join(rig, scene.person, "s2")
    foreign = await join(rig, bob, "foreign")
    elsewhere = await join(rig, scene.person, "elsewhere")
    await scene.daemon.emit(EVENT, {"serviceId": "tunnel", "type": "list", "payload": 1})
    for peers, session_id in (((scene.agent, scene.viewer), "s1"), (second, "s2")):
        for peer in peers:
            assert await peer.expect(EVENT) == {
                "serviceId": "tunnel",
                "type": "list",
                "payload": 1,
                "sessionId": session_id,
            }
    await heard_nothing(rig, "foreign", *foreign)
    await heard_nothing(rig, "elsewhere", *elsewhere)


@pytest.mark.parametrize("service", ["terminal", "file-explorer"])
async def test_unaddressed_traffic_of_the_mirroring_services_is_dropped_and_addressed_is_not(
    scene: Scene, service: str
) -> None:
    await scene.daemon.emit(EVENT, {"serviceId": service, "payload": "mirrored"})
    await scene.daemon.emit(EVENT, {"serviceId": service, "payload": "addressed", "sessionId": "s1"})
    assert (await scene.viewer.expect(EVENT))["payload"] == "addressed"
    assert (await scene.agent.expect(EVENT))["payload"] == "addressed"


async def test_a_runner_cannot_speak_to_sessions_that_are_not_its_own(scene: Scene) -> None:
    rig, bob = scene.rig, await scene.rig.person("bob")
    rig.add_session(bob, "foreign", "r1")
    rig.add_session(scene.person, "elsewhere", "r2")
    foreign, elsewhere = await join(rig, bob, "foreign"), await join(rig, scene.person, "elsewhere")
    runner = rig.runners.get("r1")
    assert runner is not None
    runner.owned_sessions |= {"foreign", "elsewhere"}
    for session_id in ("foreign", "elsewhere", "no such session"):
        await scene.daemon.emit(EVENT, {"serviceId": "git", "sessionId": session_id})
    await scene.mark(scene.daemon, scene.viewer, sessionId="s1")
    await heard_nothing(rig, "foreign", *foreign)
    await heard_nothing(rig, "elsewhere", *elsewhere)


async def test_agents_check_12_a_reply_reaches_a_session_whose_agent_came_after_its_runner(rig: Rig) -> None:
    ann = await rig.person("ann")
    await rig.runner(ann)
    await rig.restart()
    daemon = await rig.runner(ann)
    rig.add_session(ann, "s1", "r1")
    agent, viewer = await join(rig, ann, "s1")
    await daemon.emit(EVENT, {"serviceId": "git", "sessionId": "s1", "payload": 1})
    assert (await viewer.expect(EVENT))["payload"] == 1
    assert (await agent.expect(EVENT))["payload"] == 1


async def test_agents_check_09_a_session_proved_by_its_runner_is_reached_before_it_is_linked(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    rig.add_session(ann, "s1", None)
    _, viewer = await join(rig, ann, "s1")
    await daemon.emit(EVENT, {"serviceId": "git", "sessionId": "s1", "payload": "too early"})
    await daemon.emit("runner_warning", {"message": "handled"})
    runner = rig.runners.get("r1")
    assert runner is not None
    await until(lambda: bool(runner.warnings))
    runner.owned_sessions.add("s1")
    await daemon.emit(EVENT, {"serviceId": "git", "sessionId": "s1", "payload": "proved"})
    assert (await viewer.expect(EVENT))["payload"] == "proved"


@pytest.mark.parametrize("sender", ["viewer", "agent"])
async def test_the_size_limit_counts_the_stamped_envelope(scene: Scene, sender: str) -> None:
    peer = scene.viewer if sender == "viewer" else scene.agent
    frame = len('{"payload":"","sessionId":"s1"}')
    for size, fits in ((LIMIT - frame, True), (LIMIT - frame + 1, False)):
        await peer.emit(EVENT, {"payload": "x" * size})
        await peer.emit(EVENT, {"serviceId": "marker"})
        received = await scene.daemon.expect(EVENT)
        assert ("payload" in received) is fits
        if fits:
            assert (await scene.daemon.expect(EVENT))["serviceId"] == "marker"


@pytest.mark.parametrize("sender", ["viewer", "agent"])
async def test_fifty_in_a_second_pass_and_the_rest_is_dropped(scene: Scene, sender: str, clock: ManualClock) -> None:
    peer = scene.viewer if sender == "viewer" else scene.agent
    # What is too large does not count.
    await peer.emit(EVENT, {"payload": "x" * LIMIT})
    for number in range(60):
        await peer.emit(EVENT, {"payload": number})
    for number in range(50):
        assert (await scene.daemon.expect(EVENT))["payload"] == number
    # The other side has a window of its own.
    other = scene.agent if sender == "viewer" else scene.viewer
    await scene.mark(other, scene.daemon)
    clock.advance(1.0)
    await scene.mark(peer, scene.daemon)


async def test_a_runner_has_no_rate_limit(scene: Scene) -> None:
    for number in range(200):
        await scene.daemon.emit(EVENT, {"serviceId": "git", "sessionId": "s1", "payload": number})
    for number in range(200):
        assert (await scene.viewer.expect(EVENT))["payload"] == number


async def test_without_collab_mode_or_runner_or_session_nothing_is_sent(scene: Scene) -> None:
    rig = scene.rig
    scene.session.collab_mode = False
    for peer in (scene.viewer, scene.agent):
        await peer.emit(EVENT, {"payload": "not collab"})
    alone = rig.add_session(scene.person, "alone", None)
    assert alone.runner_id is None
    agent, viewer = await join(rig, scene.person, "alone")
    for peer in (viewer, agent):
        await peer.emit(EVENT, {"payload": "no runner"})
    unregistered = await rig.peer("/relay", {"apiKey": scene.person.key})
    idle = await rig.peer("/viewer", {"apiKey": scene.person.key})
    for peer in (unregistered, idle):
        await peer.emit(EVENT, {"payload": "no session"})
    await settle(scene.rig, agent, viewer, unregistered, idle, scene.viewer, scene.agent)
    assert EVENT not in scene.daemon.names()


async def test_a_runner_that_took_over_the_id_of_a_foreign_session_gets_nothing(scene: Scene) -> None:
    rig, bob = scene.rig, await scene.rig.person("bob")
    rig.add_session(bob, "foreign", "r1")
    _, viewer = await join(rig, bob, "foreign")
    await viewer.emit(EVENT, {"payload": "for bob's own runner"})
    await settle(rig, viewer)
    assert EVENT not in scene.daemon.names()


async def test_an_away_runner_gets_nothing_and_breaks_nothing(scene: Scene) -> None:
    await scene.daemon.close()
    await until(lambda: len(scene.rig.runners) == 0)
    await scene.viewer.emit(EVENT, {"payload": 1})
    back = await scene.rig.runner(scene.person)
    await scene.mark(scene.viewer, back)


async def heard_nothing(rig: Rig, session_id: str, agent: Peer, viewer: Peer) -> None:
    """Prove that no service message is on its way to a session, by sending something behind it."""
    session = rig.sessions.get(session_id)
    assert session is not None
    assert session.socket is not None
    session.audience.emit("last", {})
    session.socket.emit("last", {})
    for peer in (agent, viewer):
        await peer.expect("last")
        assert peer.names() == ["last"]


async def settle(rig: Rig, *peers: Peer) -> None:
    """Wait until the relay has handled everything that these peers sent."""
    for peer in peers:
        await peer.close()
    await until(lambda: all(peer.gone.is_set() for peer in peers))
    await rig.quiet()
