"""Files of a runner over HTTP: roots, limits, encodings, and reads that nobody waits for any more (5.6, 5.13)."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import aiohttp
import pytest

from tests.runners.endpoints import FILES, HIT, Json
from tests.runners.peer import Peer
from tests.runners.rig import Person, Rig, until

URL = "/api/runners/r1/"
OUTSIDE = ("/other", "/w2", "/", "/w/../etc", "w", "../w", "C:/w", "//etc", " ")


@pytest.fixture
async def ann(rig: Rig) -> Person:
    """Somebody with a runner."""
    return await rig.person("ann")


@pytest.fixture
async def daemon(rig: Rig, ann: Person) -> Peer:
    """A runner with one root."""
    return await rig.runner(ann, profile={"roots": ["/w/"]})


async def ask(rig: Rig, ann: Person, daemon: Peer, path: str, body: Json, reply: Json) -> tuple[Json, object]:
    """Let the runner answer one call with `reply`; answer what it was asked and what the caller got."""
    command = {endpoint.path: endpoint.command for endpoint in FILES}[path.partition("?")[0]]
    request = asyncio.ensure_future(rig.json("POST", URL + path, ann.by_key, body))
    asked = await daemon.expect(command)
    await daemon.emit("file_result", {**reply, "requestId": asked["requestId"]})
    status, answer = await request
    assert status == 200, answer
    return asked, answer


async def test_paths_outside_the_roots_never_reach_the_runner(rig: Rig, ann: Person, daemon: Peer) -> None:
    there = daemon.names()
    for path in OUTSIDE:
        cannot = (400, {"error": f"Runner cannot access path: {path}"})
        assert await rig.json("POST", URL + "files", ann.by_key, {"path": path}) == cannot
        assert await rig.json("POST", URL + "read-file", ann.by_key, {"path": path}) == cannot
        search = await rig.json("POST", URL + "search-files", ann.by_key, {"cwd": path, "query": "q"})
        assert search == (400, {"error": f"Runner cannot access cwd: {path}"})
        browse = await rig.json("GET", f"{URL}browse?path={quote(path)}", ann.by_key)
        assert browse == (400, {"error": "Path outside allowed workspace roots"})
    no_path = await rig.json("GET", URL + "browse", ann.by_key)
    assert no_path == (400, {"error": "Path outside allowed workspace roots"})
    assert daemon.names() == there


async def test_runners_14_outside_the_roots_is_403_for_plugins_and_400_for_files(
    rig: Rig, ann: Person, daemon: Peer
) -> None:
    plugins = await rig.json("GET", URL + "plugins?cwd=/x", ann.by_key)
    assert plugins == (403, {"error": "cwd outside allowed workspace roots"})
    assert (await rig.json("POST", URL + "files", ann.by_key, {"path": "/x"}))[0] == 400
    assert (await rig.json("GET", URL + "browse?path=/x", ann.by_key))[0] == 400
    relative = (400, {"error": "cwd must be an absolute path"})
    for cwd in ("x", "./w", "C:w", "~/w"):
        assert await rig.json("GET", f"{URL}plugins?cwd={quote(cwd)}", ann.by_key) == relative
    assert await rig.json("GET", URL + "plugins?cwd=", ann.by_key) == (200, {"plugins": []})
    windows = await rig.json("GET", URL + "plugins?cwd=" + quote("C:\\w"), ann.by_key)
    assert windows == (403, {"error": "cwd outside allowed workspace roots"})


async def test_missing_fields_are_400(rig: Rig, ann: Person, daemon: Peer) -> None:
    bodies: tuple[object, ...] = (None, {}, {"path": 5, "cwd": 5}, {"path": "", "cwd": ""}, [], "x")
    for body in bodies:
        for path in ("files", "read-file"):
            assert await rig.json("POST", URL + path, ann.by_key, body) == (400, {"error": "Missing path"})
        assert await rig.json("POST", URL + "search-files", ann.by_key, body) == (400, {"error": "Missing cwd"})


async def test_an_empty_query_finds_nothing_before_anything_else_is_looked_at(
    rig: Rig, ann: Person, daemon: Peer
) -> None:
    there = daemon.names()
    bodies: tuple[Json, ...] = ({"cwd": "/x"}, {"cwd": "/w", "query": ""}, {"cwd": "/w", "query": 5})
    for body in bodies:
        nothing = (200, {"ok": True, "files": [], "paths": []})
        assert await rig.json("POST", URL + "search-files", ann.by_key, body) == nothing
    assert daemon.names() == there


async def test_a_search_is_answered_in_both_forms_and_takes_a_limit(rig: Rig, ann: Person, daemon: Peer) -> None:
    for limit, wanted in ((5, 5), (2.5, 2.5), ("5", 100), (True, 100), (None, 100)):
        body = {"cwd": "/w", "query": "A", "limit": limit}
        asked, answer = await ask(rig, ann, daemon, "search-files", body, {"ok": True, "files": [HIT, 7]})
        assert asked["limit"] == wanted
        assert answer == {"ok": True, "files": [HIT], "paths": ["src/a.py"]}
    body = {"cwd": "/w", "query": "A"}
    _, answer = await ask(rig, ann, daemon, "search-files?format=names", body, {"ok": True, "files": [HIT]})
    assert answer == {"ok": True, "files": ["src/a.py"], "paths": ["src/a.py"]}


async def test_a_client_cannot_raise_the_limits_of_a_read(rig: Rig, ann: Person, daemon: Peer) -> None:
    for encoding, sent, most in (("base64", "base64", 10_485_760), ("utf8", "utf8", 524_288), ("hex", "utf8", 524_288)):
        body = {"path": "/w/a", "encoding": encoding, "maxBytes": 10**9, "rejectTruncated": "yes"}
        asked, _ = await ask(rig, ann, daemon, "read-file", body, {"ok": True, "content": ""})
        assert (asked["encoding"], asked["maxBytes"], asked["rejectTruncated"]) == (sent, most, False)


async def test_what_is_rejected_when_cut_has_no_content_even_of_an_old_runner(
    rig: Rig, ann: Person, daemon: Peer
) -> None:
    cut = {"ok": True, "content": "cut", "size": 9, "truncated": True}
    _, answer = await ask(rig, ann, daemon, "read-file", {"path": "/w/a", "rejectTruncated": True}, cut)
    assert answer == {"ok": True, "size": 9, "truncated": True}
    _, answer = await ask(rig, ann, daemon, "read-file", {"path": "/w/a"}, cut)
    assert answer == cut


async def test_ten_megabytes_come_through_whole(rig: Rig, ann: Person, daemon: Peer) -> None:
    content = "QUJD" * (10_485_760 // 3)
    whole = {"ok": True, "content": content, "size": 10_485_760, "truncated": False, "encoding": "base64"}
    _, answer = await ask(rig, ann, daemon, "read-file", {"path": "/w/a", "encoding": "base64"}, whole)
    assert answer == whole


async def test_runners_16_a_read_is_cancelled_on_the_runner_when_its_browser_leaves(
    rig: Rig, ann: Person, daemon: Peer
) -> None:
    async with aiohttp.ClientSession() as browser:
        request = asyncio.ensure_future(
            browser.post(rig.url + URL + "read-file", json={"path": "/w/a"}, headers=ann.by_key)
        )
        asked = await daemon.expect("read_file")
        request.cancel()
        await asyncio.wait([request])
    assert await daemon.expect("cancel_file_request") == {"requestId": asked["requestId"]}
    runner = rig.runners.get("r1")
    assert runner is not None
    await until(lambda: rig.rpc.pending(runner.socket) == 0)


async def test_runners_16_an_install_goes_on_when_its_browser_leaves(rig: Rig, ann: Person, daemon: Peer) -> None:
    runner = rig.runners.get("r1")
    assert runner is not None
    async with aiohttp.ClientSession() as browser:
        url = rig.url + URL + "packages/install"
        request = asyncio.ensure_future(browser.post(url, json={"source": "npm:x"}, headers=ann.by_key))
        asked = await daemon.expect("packages_install")
        request.cancel()
        await asyncio.wait([request])
    # A call made after the browser left: by now the relay has seen it go.
    assert (await rig.json("GET", URL + "services", ann.by_key))[0] == 200
    assert rig.rpc.pending(runner.socket) == 1
    await daemon.emit("file_result", {"ok": True, "requestId": asked["requestId"]})
    await until(lambda: rig.rpc.pending(runner.socket) == 0)


async def test_runners_17_the_git_routes_of_an_old_browser_stay_404_as_json(
    rig: Rig, ann: Person, daemon: Peer
) -> None:
    for path in ("git-status", "git-diff"):
        assert await rig.json("POST", URL + path, ann.by_key, {"cwd": "/w"}) == (404, {"error": "Not found"})


async def test_replies_that_miss_their_list_or_have_no_objects_in_it_read_as_empty(
    rig: Rig, ann: Person, daemon: Peer
) -> None:
    body = {"path": "/w", "cwd": "/w", "query": "q"}
    _, listed = await ask(rig, ann, daemon, "files", body, {"ok": True})
    assert listed == {"ok": True, "files": []}
    _, listed = await ask(rig, ann, daemon, "files", body, {"ok": True, "files": [1, None]})
    assert listed == {"ok": True, "files": []}
    _, found = await ask(rig, ann, daemon, "search-files", body, {"ok": True, "files": "x"})
    assert found == {"ok": True, "files": [], "paths": []}
