"""Runners that are known, though away: listed on request, and forgotten on request (sockets-agents.md 3.12)."""

from __future__ import annotations

import asyncio

from relay.runners.identities import MAX_STORED_PROFILE
from tests.runners.peer import Peer
from tests.runners.rig import Person, Rig, until

GONE = (404, {"error": "Runner not found"})


async def leave(rig: Rig, daemon: Peer, runner_id: str) -> None:
    await daemon.close()
    await until(lambda: rig.runners.get(runner_id) is None)


async def listed(rig: Rig, person: Person, query: str) -> list[dict[str, object]]:
    status, body = await rig.json("GET", f"/api/runners?{query}", person.by_key)
    assert status == 200
    assert isinstance(body, list)
    return body


async def test_the_away_are_listed_only_when_asked_for_and_with_their_last_profile(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    profile = {"name": "old", "roots": ["/w"], "skills": [{"name": "s"}], "version": "0.52.0", "platform": "linux"}
    away = await rig.runner(ann, "r1", "s1", profile)
    await rig.runner(ann, "r2", "s2", {"name": "here"})
    foreign = await rig.runner(bob, "r3", "s3")
    rig.add_session(ann, "one", "r1")
    await leave(rig, away, "r1")
    await leave(rig, foreign, "r3")
    assert [entry["id"] for entry in await listed(rig, ann, "all=0")] == ["r2"]
    here, gone = await listed(rig, ann, "all=1")
    assert (here["id"], here["connected"]) == ("r2", True)
    seen = gone.pop("lastSeenAt")
    assert isinstance(seen, str)
    assert seen.endswith("Z")
    assert gone == {
        "id": "r1",
        "runnerId": "r1",
        "name": "old",
        "connected": False,
        "sessions": ["one"],
        "sessionCount": 1,
        "roots": ["/w"],
        "skills": [{"name": "s", "description": "", "filePath": ""}],
        "agents": [],
        "plugins": [],
        "hooks": [],
        "version": "0.52.0",
        "platform": "linux",
    }
    status, wrapped = await rig.json("GET", "/api/runners?all=1&format=object", ann.by_key)
    assert isinstance(wrapped, dict)
    assert (status, [entry["id"] for entry in wrapped["runners"]]) == (200, ["r2", "r1"])
    await rig.runner(ann, "r1", "s1", {"name": "back"})
    assert [entry["connected"] for entry in await listed(rig, ann, "all=1")] == [True, True]


async def test_the_away_are_known_after_a_restart_and_one_with_a_huge_profile_by_its_name(rig: Rig) -> None:
    ann = await rig.person("ann")
    big = [{"name": "x" * 1000} for _ in range(MAX_STORED_PROFILE // 1000)]
    await rig.runner(ann, "r1", "s1", {"name": "big", "skills": big})
    await rig.restart()
    [entry] = await listed(rig, ann, "all=1")
    assert (entry["name"], entry["skills"], entry["connected"]) == ("big", [], False)


async def test_a_forgotten_runner_leaves_nothing_and_its_id_is_free(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    await rig.folders.record(ann.id, "r1", "/w")
    await leave(rig, await rig.runner(ann), "r1")
    assert await rig.json("DELETE", "/api/runners/r1", ann.by_key) == (200, {"ok": True, "runnerId": "r1"})
    assert await rig.json("DELETE", "/api/runners/r1", ann.by_key) == GONE
    assert await listed(rig, ann, "all=1") == []
    assert await rig.folders.list(ann.id, "r1") == []
    await rig.runner(bob, "r1", "another secret")
    assert await rig.identities.owner_of("r1") == bob.id


async def test_a_connected_runner_is_409_a_foreign_one_403_an_unknown_one_404(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    daemon = await rig.runner(ann)
    url = "/api/runners/r1"
    assert (await rig.json("DELETE", url))[0] == 401
    assert await rig.json("DELETE", url, ann.by_key) == (409, {"error": "Runner is connected"})
    assert await rig.json("DELETE", url, bob.by_key) == (403, {"error": "Forbidden"})
    await leave(rig, daemon, "r1")
    assert await rig.json("DELETE", url, bob.by_key) == (403, {"error": "Forbidden"})
    assert await rig.json("DELETE", "/api/runners/" + "x" * 300, ann.by_key) == GONE
    assert await rig.json("DELETE", "/api/runners/no", ann.by_key) == GONE
    assert await rig.identities.owner_of("r1") == ann.id


async def test_a_runner_that_comes_back_meanwhile_keeps_its_id_or_gets_it_anew(rig: Rig) -> None:
    ann = await rig.person("ann")
    await leave(rig, await rig.runner(ann), "r1")
    for _ in range(10):
        daemon = await rig.runner_socket(ann)
        forgotten, _ = await asyncio.gather(
            rig.json("DELETE", "/api/runners/r1", ann.by_key),
            daemon.emit("register_runner", {"runnerId": "r1", "runnerSecret": "s1"}),
        )
        await daemon.expect("runner_registered")
        assert forgotten[0] in (200, 409)
        assert await rig.identities.owner_of("r1") == ann.id
        await leave(rig, daemon, "r1")
