"""Random lives of subscriptions: whatever is changed, lost or restarted, the runner's own books end as ours."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Coroutine
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from relay.app_settings import Tuning
from relay.clock import Clock
from tests.sessions.conftest import QUICK
from tests.sessions.stage import Stage, until
from tests.triggers.desk import Desk, desk, listener, route, subscriptions
from tests.viewers.wire import Json

T = TypeVar("T")

SESSIONS = ("s1", "s2")
picks = st.integers(0, 7)
sessions = st.sampled_from(SESSIONS)
wishes = st.sampled_from(
    [
        ("github:push", {}),
        ("github:push", {"branch": "a"}),
        ("github:push", {"branch": "b", "depth": 2}),
        ("time:cron", {"cron": "0 9 * * *"}),
        ("time:cron", {"cron": "5 9 * * *", "_cwd": "/work"}),
        ("time:timer_fired", {"duration": "1h"}),
    ]
)


class SubscriptionMachine(RuleBasedStateMachine):
    """Play the callers of both faces, the runner's connection and the relay's restarts over real sockets."""

    @initialize()
    def open(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.loop = asyncio.Runner()
        self.truth: dict[str, Json] = {}
        self.at: Desk = self.run(self._open())
        self.stage = self.at.stage
        self.away = False

    async def _open(self) -> Desk:
        stage = Stage(Path(self.directory.name) / "data", Clock(), Tuning(sessions=QUICK))
        await stage.open()
        at = await desk(stage, await stage.person("ann"))
        self.agents = {"s1": at.agent, "s2": await stage.agent(at.person, "s2")}
        await at.daemon.host("s2")
        return at

    def teardown(self) -> None:
        self.run(self.stage.close())
        self.loop.close()
        self.directory.cleanup()

    def run(self, work: Coroutine[object, object, T]) -> T:
        return self.loop.run(work)

    # The callers.

    @precondition(lambda self: not self.away)
    @rule(session_id=sessions, wish=wishes, as_route=st.booleans())
    def subscribe(self, session_id: str, wish: tuple[str, Json], as_route: bool) -> None:
        trigger_type, params = wish
        if as_route:
            answer = self.run(self.at.routed(trigger_type, session_id, params=params))
            found = answer.body["route"]
            assert isinstance(found, dict)
            new = str(found["routeId"])
        else:
            new = self.run(self.at.subscribed(trigger_type, session_id, params=params))
        self.truth[new] = self._entry(new, session_id, trigger_type, params)

    @precondition(lambda self: not self.away)
    @rule(wish=wishes)
    def listen(self, wish: tuple[str, Json]) -> None:
        trigger_type, params = wish
        answer = self.run(self.at.listen(trigger_type, params=params))
        new = str(answer.body["listenerId"])
        self.truth[new] = self._entry(new, f"runner-listener:{new}", trigger_type, params, keep_empty=True)

    @rule(pick=picks, params=st.sampled_from([{}, {"cron": "1 1 * * *", "duration": "2h"}, {"duration": "3h"}]))
    def replace(self, pick: int, params: Json) -> None:
        found = self._pick(pick, listeners=False)
        if found is None:
            return
        one, entry = found
        answer = self.run(self.at.call("PUT", subscriptions(str(entry["sessionId"]), one), {"params": params}))
        if not _fits(entry, params, away=self.away):
            assert answer.status == 400
            return
        assert answer.status == 200, answer.body
        self.truth[one] = self._entry(one, str(entry["sessionId"]), str(entry["triggerType"]), params)

    @rule(pick=picks, session_id=sessions, filters=st.booleans())
    def move(self, pick: int, session_id: str, filters: bool) -> None:
        found = self._pick(pick, listeners=False)
        if found is None:
            return
        one, entry = found
        kept = [{"field": "repo", "value": "x"}] if filters else []
        body = {"target": {"kind": "session", "sessionId": session_id}, "filters": kept}
        answer = self.run(self.at.call("PUT", route(one), body))
        assert answer.status == 200, answer.body
        entry = {key: value for key, value in entry.items() if key != "filters"}
        # A filter of a route ignores case, which the runner would not take for granted.
        stored = [{"field": "repo", "value": "x", "op": "eq", "caseSensitive": False}]
        self.truth[one] = {**entry, "sessionId": session_id, **({"filters": stored} if filters else {})}

    @precondition(lambda self: not self.away)
    @rule(pick=picks, wish=wishes)
    def change_listener(self, pick: int, wish: tuple[str, Json]) -> None:
        found = self._pick(pick, listeners=True)
        if found is None:
            return
        trigger_type, params = wish
        body = {"triggerType": trigger_type, "params": params}
        assert self.run(self.at.call("PUT", listener(found[0]), body)).status == 200
        session_id = str(found[1]["sessionId"])
        self.truth[found[0]] = self._entry(found[0], session_id, trigger_type, params, keep_empty=True)

    @rule(pick=picks, way=st.sampled_from(["seed", "route", "one-shot"]))
    def remove(self, pick: int, way: str) -> None:
        found = self._pick(pick)
        if found is None:
            return
        one, entry = found
        if way == "one-shot":
            self.run(self._fire(one, is_listener=one.startswith("listener:")))
        else:
            path = route(one) if way == "route" else subscriptions(str(entry["sessionId"]), one)
            assert self.run(self.at.call("DELETE", path)).status == 200
        del self.truth[one]

    async def _fire(self, one: str, *, is_listener: bool) -> None:
        triggers, storage = self.stage.app.triggers, self.stage.app.storage
        kept = triggers.listeners if is_listener else triggers.subscriptions
        gone = await storage.write(lambda tx: kept.delete_in(tx, one))
        assert gone is not None
        kept.removed(gone)

    @rule(session_id=sessions, trigger_type=st.sampled_from(["github:push", "time:cron"]))
    def remove_all(self, session_id: str, trigger_type: str) -> None:
        gone = [
            one
            for one, entry in self.truth.items()
            if (entry["sessionId"], entry["triggerType"]) == (session_id, trigger_type)
        ]
        answer = self.run(self.at.call("DELETE", subscriptions(session_id, trigger_type)))
        assert (answer.status, answer.body.get("removed")) == ((200, len(gone)) if gone else (404, None))
        for one in gone:
            del self.truth[one]

    @precondition(lambda self: not self.away and self.truth)
    @rule(pick=picks, session_id=sessions)
    def race(self, pick: int, session_id: str) -> None:
        """Change and delete one thing at once; who wins is not ours to say, what is left is."""
        found = self._pick(pick, listeners=False)
        if found is None:
            return
        one, at = found[0], self.at
        calls: list[Awaitable[object]] = [
            at.call("PUT", route(one), {"target": {"kind": "session", "sessionId": session_id}}),
            at.call("PUT", route(one), {"params": {"cron": "2 2 * * *", "duration": "1m"}}),
            at.call("DELETE", route(one)),
            self._fire_if_there(one),
            at.call("PUT", subscriptions(session_id, "_"), {"subscriptionId": one, "filterMode": "or"}),
        ]

        async def together() -> None:
            await asyncio.gather(*calls)

        self.run(together())
        del self.truth[one]

    async def _fire_if_there(self, one: str) -> None:
        triggers = self.stage.app.triggers
        gone = await self.stage.app.storage.write(lambda tx: triggers.subscriptions.delete_in(tx, one))
        if gone is not None:
            triggers.subscriptions.removed(gone)

    # The lives of sessions, runner and relay.

    @precondition(lambda self: not self.away)
    @rule(session_id=sessions)
    def kill(self, session_id: str) -> None:
        self.run(self._kill(session_id))
        for one, entry in list(self.truth.items()):
            if entry["sessionId"] == session_id and not str(entry["triggerType"]).startswith("time:"):
                del self.truth[one]

    async def _kill(self, session_id: str) -> None:
        at, registry = self.at, self.stage.app.sessions.registry
        await at.daemon.socket.emit("session_killed", {"sessionId": session_id})
        await at.daemon.socket.wire.settled()
        await self.agents[session_id].socket.wire.close()
        await until(lambda: registry.get(session_id) is None)
        await at.settled()
        await self._agent(session_id)
        await at.daemon.host(session_id)

    @precondition(lambda self: not self.away)
    @rule()
    def runner_leaves(self) -> None:
        # What it was told before counts among the deltas that it remembers.
        self.run(self.at.daemon.read())
        self.run(self.at.daemon.leave())
        self.away = True

    @rule()
    def runner_returns(self) -> None:
        if not self.away:
            self.run(self.at.daemon.read())
        self.run(self._return())

    async def _return(self) -> None:
        await self.at.daemon.connect()
        for session_id in SESSIONS:
            await self.at.daemon.host(session_id)
        self.away = False

    @rule(with_runner=st.booleans())
    def restart(self, with_runner: bool) -> None:
        if not self.away:
            self.run(self.at.daemon.read())
        self.run(self.stage.restart())
        self.away = True
        for session_id in SESSIONS:
            self.run(self._agent(session_id))
        if with_runner:
            self.run(self._return())

    async def _agent(self, session_id: str) -> None:
        self.agents[session_id] = await self.stage.agent(self.at.person, session_id)

    # What must hold.

    @invariant()
    def both_know_the_truth(self) -> None:
        if not self.away:
            self.run(self.at.daemon.read())
            assert self.at.daemon.books.entries == self.truth
        routes = self.run(self.at.routes())
        assert {str(one["routeId"]) for one in routes} == {one for one in self.truth if one.startswith("sub:")}
        for one in routes:
            target = one["target"]
            assert isinstance(target, dict)
            entry = self.truth[str(one["routeId"])]
            assert (target["sessionId"], one.get("params")) == (entry["sessionId"], entry.get("params"))

    def _pick(self, pick: int, *, listeners: bool | None = None) -> tuple[str, Json] | None:
        """Answer one of what there is, of listeners or subscriptions alone where that is wanted."""
        there = [
            (one, entry)
            for one, entry in self.truth.items()
            if listeners is None or one.startswith("listener:") == listeners
        ]
        return there[pick % len(there)] if there else None

    @staticmethod
    def _entry(one: str, session_id: str, trigger_type: str, params: Json, *, keep_empty: bool = False) -> Json:
        return {
            "subscriptionId": one,
            "sessionId": session_id,
            "triggerType": trigger_type,
            "runnerId": "r1",
            **({"params": params} if params or keep_empty else {}),
        }


def _fits(entry: Json, params: Json, *, away: bool) -> bool:
    """Tell whether a subscription takes these params; while its runner is away only the schedule is looked at."""
    needed = {"time:cron": "cron", "time:timer_fired": "duration"}.get(str(entry["triggerType"]))
    return needed is None or needed in params


TestSubscriptions = SubscriptionMachine.TestCase
TestSubscriptions.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    # A step is a dozen round trips: shrinking would outlast the patience of the suite.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
