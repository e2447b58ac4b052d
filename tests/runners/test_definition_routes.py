"""Skills and agents over HTTP: names, lists in both forms, and what each call leaves in the cache (5.10, 11.2)."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from tests.runners.endpoints import SKILL
from tests.runners.peer import Peer
from tests.runners.rig import Rig, until

both = pytest.mark.parametrize("noun", ["skill", "agent"])
BAD = ("a/b", "../up", ".a", "a.", "a..b", "a b", "a\n", "é", "x" * 65)


async def reply(daemon: Peer, command: str, event: str, body: dict[str, object]) -> dict[str, object]:
    request = await daemon.expect(command)
    await daemon.emit(event, {**body, "requestId": request["requestId"]})
    return request


@both
async def test_the_list_comes_from_the_cache_as_objects_and_names(rig: Rig, noun: str) -> None:
    ann = await rig.person("ann")
    url = f"/api/runners/r1/{noun}s"
    await rig.runner(ann, profile={f"{noun}s": [SKILL, {"name": "review"}]})
    review = {"name": "review", "description": "", "filePath": ""}
    names = ["deploy", "review"]
    assert await rig.json("GET", url, ann.by_key) == (200, {f"{noun}s": [SKILL, review], f"{noun}Names": names})
    assert await rig.json("GET", url + "?format=names", ann.by_key) == (200, {f"{noun}s": names, f"{noun}Names": names})


@both
async def test_a_change_is_also_answered_as_names(rig: Rig, noun: str) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    asked = asyncio.gather(
        rig.json("POST", f"/api/runners/r1/{noun}s?format=names", ann.by_key, {"name": "deploy"}),
        reply(daemon, f"create_{noun}", f"{noun}_result", {"ok": True, f"{noun}s": [SKILL]}),
    )
    got, request = await asked
    assert got == (200, {"ok": True, f"{noun}s": ["deploy"], f"{noun}Names": ["deploy"]})
    assert request["content"] == ""


@both
async def test_bad_names_are_400_and_never_reach_the_runner(rig: Rig, noun: str) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    there = daemon.names()
    url = f"/api/runners/r1/{noun}s"
    invalid = (400, {"error": f"Invalid {noun} name"})
    missing = (400, {"error": f"Missing {noun} name"})
    for name in BAD:
        for method in ("GET", "PUT", "DELETE"):
            path = f"{url}/{quote(name, safe='')}"
            assert await rig.json(method, path, ann.by_key, {} if method == "PUT" else None) == invalid, name
        if name.strip() == name:
            assert await rig.json("POST", url, ann.by_key, {"name": name, "content": "x"}) == invalid, name
    bodies: tuple[object, ...] = (None, {}, {"name": 5}, {"name": "  "}, {"name": None}, [], None)
    for body in bodies:
        assert await rig.json("POST", url, ann.by_key, body) == missing
    assert daemon.names() == there


@both
async def test_a_name_that_is_an_action_is_a_name_for_every_other_method(rig: Rig, noun: str) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    for name in ("refresh", "reload"):
        asked = asyncio.gather(
            rig.json("GET", f"/api/runners/r1/{noun}s/{name}", ann.by_key),
            reply(daemon, f"get_{noun}", f"{noun}_result", {"ok": True, "content": "c"}),
        )
        assert (await asked)[0] == (200, {"name": name, "content": "c"})
    not_there = (404, {"error": "Not found"})
    assert await rig.json("POST", f"/api/runners/r1/{noun}s/deploy", ann.by_key, {}) == not_there


@both
async def test_a_change_reaches_the_browsers_and_a_reply_without_a_list_keeps_the_old_one(rig: Rig, noun: str) -> None:
    ann = await rig.person("ann")
    feed = await rig.feed_of(ann)
    daemon = await rig.runner(ann)
    url = f"/api/runners/r1/{noun}s/deploy"
    changed = asyncio.gather(
        rig.json("PUT", url, ann.by_key, {"content": "new"}),
        reply(daemon, f"update_{noun}", f"{noun}_result", {"ok": True, f"{noun}s": [SKILL]}),
    )
    await changed
    assert (await feed.expect("runner_updated"))[f"{noun}s"] == [SKILL]
    silent = asyncio.gather(
        rig.json("PUT", url, ann.by_key, {"content": "newer"}),
        reply(daemon, f"update_{noun}", f"{noun}_result", {"ok": True}),
    )
    listed = {f"{noun}s": [SKILL], f"{noun}Names": ["deploy"]}
    assert (await silent)[0] == (200, {"ok": True, **listed})
    assert await rig.json("GET", f"/api/runners/r1/{noun}s", ann.by_key) == (200, listed)


@both
async def test_runners_14_deleting_what_is_not_there_is_404_and_updating_it_400(rig: Rig, noun: str) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    gone = {"ok": False, "message": "gone", f"{noun}s": []}
    for method, verb, status in (("DELETE", "delete", 404), ("PUT", "update", 400)):
        asked = asyncio.gather(
            rig.json(method, f"/api/runners/r1/{noun}s/x", ann.by_key, {} if method == "PUT" else None),
            reply(daemon, f"{verb}_{noun}", f"{noun}_result", gone),
        )
        assert (await asked)[0] == (status, {"error": "gone"})


@both
async def test_an_answer_of_the_other_family_ends_no_wait(rig: Rig, noun: str) -> None:
    ann = await rig.person("ann")
    daemon = await rig.runner(ann)
    other = "agent" if noun == "skill" else "skill"
    request = asyncio.ensure_future(rig.json("GET", f"/api/runners/r1/{noun}s/x", ann.by_key))
    asked = await daemon.expect(f"get_{noun}")
    stray = {"ok": True, "name": "stray", "content": "stray", f"{other}s": [SKILL], "requestId": asked["requestId"]}
    await daemon.emit(f"{other}_result", stray)
    runner = rig.runners.get("r1")
    assert runner is not None
    await until(lambda: bool(runner.skills or runner.agents))
    assert not request.done()
    await daemon.emit(f"{noun}_result", {"ok": True, "content": "right", "requestId": asked["requestId"]})
    assert await request == (200, {"name": "x", "content": "right"})
