"""The browser-facing tunnel addresses where no tunnel is open (tunnel.md 2.1, 2.2)."""

from __future__ import annotations

import pytest

from tests.runners.rig import Rig, until

PATHS = ("/api/tunnel/runner/r1/3000", "/api/tunnel/s1/3000")
ALLOW = "GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS"


Keys = tuple[dict[str, str], dict[str, str]]


@pytest.fixture
async def keys(rig: Rig) -> Keys:
    """The headers of the owner of runner r1 and session s1, and of somebody else."""
    ann, bob = await rig.person("ann"), await rig.person("bob")
    await rig.runner(ann)
    rig.add_session(ann, "s1", "r1")
    return ann.by_key, bob.by_key


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("rest", ["", "/", "/a/b%20c?x=1", "//"])
async def test_the_owner_is_told_that_the_runner_has_no_tunnel(rig: Rig, keys: Keys, path: str, rest: str) -> None:
    ann, _ = keys
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert await rig.json(method, path + rest, ann) == (503, {"error": "Runner not available"})
    async with rig.client.head(rig.url + path, headers=ann) as response:
        assert response.status == 503


@pytest.mark.parametrize("path", PATHS)
async def test_the_checks_come_in_the_order_of_the_contract(rig: Rig, keys: Keys, path: str) -> None:
    _, bob = keys
    async with rig.client.request("TRACE", rig.url + path) as response:
        assert (response.status, response.headers["Allow"]) == (405, ALLOW)
        assert await response.text() == "Method not allowed"
    assert await rig.json("GET", path) == (401, {"error": "Missing API key (x-api-key header)"})
    wrong = {"x-api-key": "wrong"}
    assert await rig.json("GET", path, wrong) == (401, {"error": "Invalid or expired API key"})
    assert await rig.json("GET", path.replace("3000", "99999"), wrong) == (401, {"error": "Invalid or expired API key"})
    assert await rig.json("GET", path.replace("3000", "99999"), bob) == (400, {"error": "Invalid port"})
    assert await rig.json("GET", path, bob) == (403, {"error": "Forbidden"})


async def test_a_foreign_page_is_refused_first(rig: Rig) -> None:
    headers = {"Cookie": "better-auth.session_token=x", "Origin": "http://evil.example"}
    for path in PATHS:
        assert await rig.json("POST", path, headers) == (403, {"error": "Cross-origin request rejected"})


@pytest.mark.parametrize("port", ["0", "65536", "00000", "999999999999"])
async def test_a_port_out_of_range_is_invalid(rig: Rig, keys: Keys, port: str) -> None:
    ann, _ = keys
    assert await rig.json("GET", f"/api/tunnel/runner/r1/{port}", ann) == (400, {"error": "Invalid port"})


async def test_leading_zeros_are_accepted(rig: Rig, keys: Keys) -> None:
    ann, _ = keys
    assert (await rig.json("GET", "/api/tunnel/runner/r1/0003000", ann))[0] == 503


@pytest.mark.parametrize(
    "path", ["/api/tunnel/runner/r1/x", "/api/tunnel/s1/3000a", "/api/tunnel", "/api/tunnel/s1", "/api/tunnel/s1/²"]
)
async def test_what_is_no_tunnel_address_is_no_route(rig: Rig, keys: Keys, path: str) -> None:
    ann, _ = keys
    assert await rig.json("GET", path, ann) == (404, {"error": "Not found"})


async def test_unknown_runners_and_sessions_are_404_and_the_owners_away_runner_503(rig: Rig, keys: Keys) -> None:
    ann, bob = keys
    assert await rig.json("GET", "/api/tunnel/runner/r9/1", ann) == (404, {"error": "Runner not found"})
    assert await rig.json("GET", "/api/tunnel/s9/1", ann) == (404, {"error": "Session not found"})
    await rig.close_peers()
    await until(lambda: len(rig.runners) == 0)
    assert await rig.json("GET", "/api/tunnel/runner/r1/1", ann) == (503, {"error": "Runner not available"})
    assert await rig.json("GET", "/api/tunnel/runner/r1/1", bob) == (404, {"error": "Runner not found"})


async def test_a_session_without_runner_says_so(rig: Rig, keys: Keys) -> None:
    ann, _ = keys
    session = rig.sessions.get("s1")
    assert session is not None
    rig.sessions.link_runner(session, None, None)
    assert await rig.json("GET", "/api/tunnel/s1/1", ann) == (503, {"error": "Session has no runner"})


async def test_a_session_may_be_called_runner(rig: Rig, keys: Keys) -> None:
    ann, _ = keys
    assert await rig.json("GET", "/api/tunnel/runner/3000", ann) == (404, {"error": "Session not found"})


async def test_no_token_is_valid(rig: Rig) -> None:
    invalid = (401, {"error": "Invalid or expired tunnel token"})
    for path in ("/api/tunnel/auth/a.b/runner%3Ar1/3000", "/api/tunnel/auth/a/s1/3000/x"):
        assert await rig.json("GET", path) == invalid
    async with rig.client.request("TRACE", f"{rig.url}/api/tunnel/auth/a/s1/3000") as response:
        assert response.status == 405
