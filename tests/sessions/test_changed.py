"""When a session last began or stopped working, by which a page tells what is new to somebody."""

from __future__ import annotations

from tests.e2e.transcript import as_objects
from tests.sessions.stage import Stage
from tests.viewers.house import Person


async def test_a_list_tells_when_each_session_last_began_or_stopped_working(stage: Stage, ann: Person) -> None:
    agent = await stage.agent(ann)
    await agent.send({"type": "heartbeat", "active": False})
    session = stage.session("s1")
    assert "changedAt" not in session.info()
    await agent.send({"type": "heartbeat", "active": True})
    began = session.info()["changedAt"]
    await agent.send({"type": "heartbeat", "active": True})
    assert session.info()["changedAt"] == began
    await agent.send({"type": "heartbeat", "active": False})
    [row] = as_objects((await (await stage.hub(ann)).take("sessions"))["sessions"])
    assert str(row["changedAt"]) >= str(began)
    assert row["changedAt"] == row["lastHeartbeatAt"]
