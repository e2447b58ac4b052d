"""What a sandbox configuration may be, and where the lists in force are found (rest-runners.md 5.14)."""

from __future__ import annotations

import asyncio

import pytest

from relay.runners.profile import Item
from relay.runners.sandbox_routes import lifted
from tests.runners.rig import Rig

URL = "/api/runners/r1/sandbox-config"
EMPTY: dict[str, dict[str, list[str]]] = {
    "filesystem": {"denyRead": [], "allowWrite": [], "denyWrite": []},
    "network": {"allowedDomains": [], "deniedDomains": []},
}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"mode": "strict"}, "Invalid mode: expected none, basic or full"),
        ({"mode": None}, "Invalid mode: expected none, basic or full"),
        ({"mode": ["none"]}, "Invalid mode: expected none, basic or full"),
        ({"filesystem": {"denyRead": "/x"}}, "filesystem.denyRead must be an array of strings"),
        ({"filesystem": {"allowWrite": {}}}, "filesystem.allowWrite must be an array of strings"),
        ({"filesystem": {"denyWrite": [1]}}, "filesystem.denyWrite must be an array of strings"),
        ({"network": {"allowedDomains": True}}, "network.allowedDomains must be an array of strings"),
        ({"network": {"deniedDomains": [None]}}, "network.deniedDomains must be an array of strings"),
    ],
)
async def test_a_bad_configuration_is_400_and_never_reaches_the_runner(rig: Rig, body: Item, error: str) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    there = daemon.names()
    assert await rig.json("PUT", URL, ann.by_key, body) == (400, {"error": error})
    assert daemon.names() == there


async def test_runners_13_null_is_a_legal_network_and_no_legal_body(rig: Rig) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    good: tuple[Item, ...] = (
        {"mode": "none", "network": None},
        {"filesystem": None},
        {"filesystem": {"denyRead": None, "allowWrite": []}, "network": {"allowedDomains": ["x"]}},
        {"network": "odd", "extra": 1},
        {},
    )
    for body in good:
        request = asyncio.ensure_future(rig.json("PUT", URL, ann.by_key, body))
        asked = await daemon.expect("sandbox_update_config")
        assert asked["config"] == body
        await daemon.emit("file_result", {"ok": True, "saved": True, "requestId": asked["requestId"]})
        assert await request == (200, {"ok": True, "saved": True})
    headers = {**ann.by_key, "Content-Type": "application/json"}
    for text in ("null", "[]", "5", "{", ""):
        async with rig.client.put(rig.url + URL, headers=headers, data=text) as response:
            assert (response.status, await response.json()) == (400, {"error": "Invalid JSON body"})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, EMPTY),
        ({"config": None, "rawConfig": None}, EMPTY),
        ({"config": {"srtConfig": None}, "rawConfig": {"network": {"deniedDomains": ["d"]}}}, {"deniedDomains": ["d"]}),
        (
            {"config": {"srtConfig": {"network": {"allowedDomains": ["a", 1]}}}, "rawConfig": {"network": 5}},
            {"allowedDomains": ["a"]},
        ),
    ],
)
def test_the_lists_in_force_are_those_resolved_else_the_raw_ones(status: Item, expected: Item) -> None:
    network = expected.get("network", {**EMPTY["network"], **expected})
    assert lifted(status) == {**EMPTY, "network": network}
