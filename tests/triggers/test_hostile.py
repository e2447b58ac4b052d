"""Whatever agents and runners send: each acknowledged event is answered explicitly, and nobody else notices."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from relay.app_settings import Tuning
from relay.clock import Clock
from tests.sessions.conftest import QUICK
from tests.sessions.stage import Stage
from tests.triggers.family import OK, family
from tests.viewers.wire import Json

EVENTS = (
    "session_trigger",
    "trigger_response",
    "trigger_status_update",
    "get_linked_child_count",
    "delink_children",
    "delink_own_parent",
    "cleanup_child_session",
    "session_message",
)
FIELDS = (
    *("trigger", "triggerId", "targetSessionId", "response", "action", "statusText", "epoch", "oldParentId"),
    *("childSessionId", "message", "deliverAs"),
)
TRIGGER = ("triggerId", "targetSessionId", "type", "payload", "expectsResponse", "sourceSessionName", "ts", "deliverAs")
#: Ids that exist, ids that do not, and what no id can be.
_IDS = st.sampled_from(["parent", "child", "other", "nobody", "t1", "", " ", "\ud800", "x" * 300, "external:x", "\x00"])
_NUMBERS = st.integers(-5, 2**70) | st.floats(allow_nan=False, allow_infinity=False)
_ANY = st.recursive(
    st.none() | st.booleans() | _NUMBERS | st.text(max_size=5) | _IDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_TRIGGER = st.dictionaries(st.sampled_from(TRIGGER), _IDS | st.just(True) | _ANY, max_size=6)
_BODY = st.dictionaries(st.sampled_from(FIELDS), _IDS | _TRIGGER | _ANY, max_size=7)
_SENT = st.lists(st.tuples(st.sampled_from(EVENTS), _BODY | _ANY), min_size=20, max_size=40)
_REPORTS = st.sampled_from(
    ("session_ready", "session_error", "session_killed", "disconnect_session", "sessions_list", "runner_session_event")
)
_REPORTED = st.lists(
    st.tuples(_REPORTS, st.dictionaries(st.sampled_from(["sessionId", "message", "event", "sessions"]), _ANY) | _ANY),
    min_size=20,
    max_size=40,
)


@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(sent=_SENT, reported=_REPORTED)
def test_line_7_random_bodies_get_one_explicit_answer_each(
    tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[str, object]], reported: list[tuple[str, object]]
) -> None:
    asyncio.run(_play(tmp_path_factory.mktemp("hostile"), sent, reported))


async def _play(directory: Path, sent: list[tuple[str, object]], reported: list[tuple[str, object]]) -> None:
    async with Stage(directory, Clock(), Tuning(sessions=QUICK)) as stage:
        ann, bob = await stage.person("ann"), await stage.person("bob")
        home = await family(stage, ann)
        bystander = await stage.agent(bob, "other")
        runner = await stage.runner(bob)
        for event, body in reported:
            await runner.socket.emit(event, body)
        for event, body in sent:
            whole: object = {**body, "token": home.child.token} if isinstance(body, dict) else body
            answer = await home.child.socket.call(event, whole)
            assert len(answer) == 1
            result = answer[0]
            assert isinstance(result, dict)
            assert result["ok"] is True or (result["ok"] is False and isinstance(result["error"], str))
            assert result.get("error") != "The relay could not carry this out"
        assert not home.child.socket.kicked
        assert not runner.socket.kicked
        count: Json = {"token": bystander.token}
        assert await bystander.socket.call("get_linked_child_count", count) == [{"ok": True, "count": 0}]
        assert await home.respond(targetSessionId="nobody") == OK
