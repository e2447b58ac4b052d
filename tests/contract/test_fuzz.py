"""Call every operation of the API document with what schemathesis makes up, and once with what has to succeed."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from relay.app_settings import Tuning
from relay.http.openapi import method_of, path_of
from relay.http.shapes import Shape
from tests.contract.world import Open, Wanted, World
from tests.sessions.conftest import QUICK
from tests.viewers.wire import Json
from tests.webhooks.conftest import BRISK

#: Parts of the document, so that processes share the work.
SHARDS: Final = 6
#: Operations that never succeed here: native push is left out (rest-account.md 8.7).
NEVER_GOOD: Final[Mapping[tuple[str, str], int]] = {
    ("post", "/api/push/register-native"): 503,
    ("put", "/api/push/child-notifications-native"): 404,
}
SEED: Final = 20

#: The library leaves the types of its requests open.
Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Open]:
    async with Open(tmp_path / "data", Tuning(sessions=QUICK, webhooks=BRISK)) as made:
        yield made


class Caller:
    """Send requests from a thread of their own, over one connection, each as from another address."""

    def __init__(self, stage: Open, world: World, operation: Operation, wanted: Wanted) -> None:
        self._world = world
        self._url = stage.url
        self._operation = operation
        self._wanted = wanted
        self._session = requests.Session()
        self._numbers = itertools.count(1)
        self.statuses: list[int] = []

    def close(self) -> None:
        self._session.close()

    def send_wanted(self) -> int:
        """Send what has to succeed."""
        wanted = self._wanted
        path = wanted.path
        as_json = {} if wanted.body is None else {"Content-Type": "application/json"}
        for name, value in wanted.parameters.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        response = self._session.request(
            self._operation.method.upper(),
            self._url + path,
            params=wanted.query,
            data=wanted.data if wanted.body is None else json.dumps(wanted.body),
            headers={**as_json, **wanted.headers, **self._from()},
            allow_redirects=False,
            timeout=20,
        )
        return response.status_code

    def fuzz(self, mode: GenerationMode, examples: int) -> None:
        """Send so many made-up requests, most of them mixed with what has to succeed."""

        @seed(SEED)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=self._operation.as_strategy(generation_mode=mode))
        def run(case: Case) -> None:
            self._send(case)

        run()

    def _send(self, case: Case) -> None:
        number, wanted = next(self._numbers), self._wanted
        if number % 4:
            case.path_parameters = {**case.path_parameters, **wanted.parameters}
        if number % 3 and isinstance(case.body, dict) and wanted.body is not None:
            body = cast("Json", case.body)
            case.body = cast("Any", {**body, **wanted.body} if number % 3 == 1 else {**wanted.body, **body})
        for name in ("x-api-key", "Authorization", "Cookie"):
            case.headers.pop(name, None)
        case.cookies = {}
        caller = {name: text for name, text in wanted.headers.items() if name != "Content-Type"}
        response = case.call(
            base_url=self._url,
            session=self._session,
            headers={**(caller if number % 7 else {}), **self._from()},
            allow_redirects=False,
            timeout=20,
        )
        self.statuses.append(response.status_code)

    def _from(self) -> dict[str, str]:
        # Limits per address are tested elsewhere; here they would hide everything else.
        number = next(self._numbers)
        return {"X-Forwarded-For": f"198.51.{number // 250}.{number % 250 + 1}"}


async def explore(stage: Open, shard: int, examples: int) -> dict[str, list[int]]:
    """Call the operations of one shard; answer the statuses of each. Answers are checked as the stage closes."""
    described = cast("dict[str, object]", stage.contract.book.document)
    found = list(schemathesis.openapi.from_dict(described).get_all_operations())
    operations = [one.ok() for one in found if isinstance(one, Ok)]
    assert len(operations) == len(found)
    declared = {
        (method_of(route), path_of(route)): {spec.status for spec in route.errors}
        for route in stage.app.http.routes
        if isinstance(route.shape, Shape)
    }
    assert {(one.method.lower(), one.path) for one in operations} == set(declared)
    seen: dict[str, list[int]] = {}
    for number, operation in enumerate(operations):
        if number % SHARDS != shard:
            continue
        name = (operation.method.lower(), operation.path)
        password = operation.path.startswith(("/api/auth/", "/api/register"))
        world = await World(stage, f"w{number}").open(password=password)
        caller = Caller(stage, world, operation, await world.wanted(*name))
        try:
            good = await asyncio.to_thread(caller.send_wanted)
            assert good == NEVER_GOOD.get(name, good if 200 <= good < 300 else 200), f"{operation.label}: {good}"
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                if mode is GenerationMode.POSITIVE or operation.body or operation.query:
                    await asyncio.to_thread(caller.fuzz, mode, examples)
        finally:
            caller.close()
            await world.close()
        bad = {status for status in caller.statuses if status >= 500} - declared[name]
        assert not bad, f"{operation.label}: {bad}"
        seen[operation.label] = caller.statuses
    return seen


@pytest.mark.parametrize("shard", range(SHARDS))
async def test_every_operation_succeeds_once_and_never_answers_outside_of_the_document(stage: Open, shard: int) -> None:
    seen = await explore(stage, shard, 20)
    assert all(len(statuses) >= 1 for statuses in seen.values())
    assert len(seen) > 10


@pytest.mark.slow(
    gate="tests/contract/test_fuzz.py::test_every_operation_succeeds_once_and_never_answers_outside_of_the_document"
)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shard", range(SHARDS))
async def test_long_fuzzing_finds_no_answer_outside_of_the_document(stage: Open, shard: int) -> None:
    assert await explore(stage, shard, 200)
