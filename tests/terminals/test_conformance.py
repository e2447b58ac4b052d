"""Lines of the checklists that need terminals, sessions and feeds together, against the whole relay."""

from __future__ import annotations

from tests.sessions.stage import Runner, Stage
from tests.terminals.desk import Desk
from tests.viewers.wire import Json

EVENT = "service_message"


async def test_agents_10_a_dropped_runner_loses_its_terminals_and_keeps_its_sessions(desk: Desk, stage: Stage) -> None:
    _terminal_id, browser = await desk.started()
    session_id = await stage.started(desk.person, desk.runner)
    agent = await stage.agent(desk.person, session_id)
    feed = await (await desk.page()).join("/runners", {})
    await desk.runner.leave()
    assert (await browser.take("terminal_exit"))["exitCode"] == -1
    assert await feed.take("runner_removed") == {"runnerId": desk.runner.id}
    assert stage.session(session_id).connected
    assert not agent.socket.kicked
    # The same daemon returns and learns which sessions are still there.
    wire = await stage.wire()
    socket = await wire.join("/runner", {"apiKey": desk.person.key, "protocolVersion": 1})
    await socket.emit("register_runner", {"runnerId": desk.runner.id, "runnerSecret": "s", "name": "box"})
    existing = (await socket.take("runner_registered"))["existingSessions"]
    assert existing == [{"sessionId": session_id, "cwd": "/work"}]
    await feed.take("runner_added")


async def test_browsers_14_a_service_message_carries_the_relays_stamp_and_its_answer_stays_in_the_session(
    desk: Desk, stage: Stage
) -> None:
    sessions = [await stage.started(desk.person, desk.runner) for _ in range(2)]
    agents = [await stage.agent(desk.person, session_id) for session_id in sessions]
    viewers = [await stage.viewer(desk.person, {"sessionId": session_id}) for session_id in sessions]
    for viewer in viewers:
        await viewer.take("connected")
    request: Json = {"serviceId": "git", "type": "git_status", "requestId": "q1", "payload": {"cwd": "/work"}}
    await viewers[0].emit(EVENT, {**request, "sessionId": sessions[1]})
    stamped = {**request, "sessionId": sessions[0]}
    assert await desk.runner.socket.take(EVENT) == stamped
    answer: Json = {**stamped, "type": "git_status_result", "payload": {"ok": True}}
    await desk.runner.socket.emit(EVENT, answer)
    assert await viewers[0].take(EVENT) == answer
    assert await agents[0].socket.take(EVENT) == answer
    marker: Json = {"serviceId": "git", "type": "marker", "sessionId": sessions[1], "payload": None}
    await desk.runner.socket.emit(EVENT, marker)
    assert await viewers[1].take(EVENT) == marker
    assert await agents[1].socket.take(EVENT) == marker


async def test_browsers_14_a_foreign_session_of_the_same_runner_id_is_not_reached(desk: Desk, stage: Stage) -> None:
    bob = await stage.person("bob")
    own = await stage.started(desk.person, desk.runner)
    agent = await stage.agent(desk.person, own)
    foreign_runner: Runner = await stage.runner(bob, "r2")
    foreign = await stage.started(bob, foreign_runner)
    foreign_agent = await stage.agent(bob, foreign)
    for target in (foreign, own):
        await desk.runner.socket.emit(EVENT, {"serviceId": "git", "type": "x", "sessionId": target, "payload": 1})
    assert (await agent.socket.take(EVENT))["sessionId"] == own
    await foreign_runner.socket.emit(EVENT, {"serviceId": "git", "type": "y", "sessionId": foreign, "payload": 2})
    assert (await foreign_agent.socket.take(EVENT))["type"] == "y"
