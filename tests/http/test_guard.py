"""A row's guard speaks after the caller is known and before anything of the body is asked for."""

from __future__ import annotations

import json

from relay.http.errors import RUNNER_FORBIDDEN
from relay.http.routes import Body, Call, Json, Route
from tests.http.harness import serving


def _guard(call: Call) -> str:
    if call.params["id"] != call.user.user_id:
        raise RUNNER_FORBIDDEN()
    return "what a guard answers is not looked at"


async def _echo(call: Call) -> Json:
    return call.body


async def test_a_guard_refuses_without_waiting_for_the_body_or_asking_for_it() -> None:
    row = Route("PUT", "/api/things/{id}", _echo, "guarded", body=Body.STRICT, guard=_guard)
    # The body that these announce never comes.
    announced = ("Content-Type: application/json", "Content-Length: 10")
    async with serving([row]) as served:
        for expect in ((), ("Expect: 100-continue",)):
            foreign = await served.get_raw("/api/things/u2", "x-api-key: good", *announced, *expect, method="PUT")
            assert (foreign.status, json.loads(foreign.body)) == (403, {"error": "Forbidden"})
        nobody = await served.get_raw("/api/things/u2", *announced, method="PUT")
        assert nobody.status == 401
        key = {"x-api-key": "good"}
        async with served.session.put("/api/things/u1", json={"a": 1}, headers=key) as answer:
            assert (answer.status, await answer.json()) == (200, {"a": 1})
        async with served.session.put("/api/things/u1", data=b"{", headers=key) as answer:
            assert (answer.status, await answer.json()) == (400, {"error": "Invalid JSON body"})
