"""How the relay serves its own page: caching, policy, fallback, and the sentence when there is none."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.http.security import SecurityHeaders
from relay.webui.serving import HOW_TO_GET_IT, NoUi, OwnUi, own_ui
from tests.http.harness import Served, Setup, serving

INDEX = '<!doctype html><div id="app"></div><script>inline()</script>'


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A small built page."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "sw.js").write_text("worker")
    (tmp_path / "manifest.webmanifest").write_text("{}")
    (tmp_path / "assets" / "index-abc123.js").write_text("script")
    (tmp_path / "assets" / "index-abc123.js.gz").write_bytes(gzip.compress(b"script"))
    return tmp_path


@pytest.fixture
async def served(page: Path) -> AsyncIterator[Served]:
    """A server with the page, and a tunnel domain of its own."""
    security = SecurityHeaders(lambda request: "https://*.t.example.org")
    ui = OwnUi(security, page)
    async with serving(ui.routes(), Setup(security=security, fallback=ui.serve)) as running:
        yield running


async def test_the_page_is_asked_for_every_time_and_its_files_never_again(served: Served) -> None:
    for path, cache in [
        ("/", "no-cache"),
        ("/session/abc/files/src/a.py", "no-cache"),
        ("/settings/keys", "no-cache"),
        ("/sw.js", "no-cache"),
        ("/manifest.webmanifest", "no-cache"),
        ("/assets/index-abc123.js", "public, max-age=31536000, immutable"),
    ]:
        async with served.session.get(served.origin + path) as response:
            assert (response.status, response.headers["Cache-Control"]) == (200, cache), path


async def test_routes_of_the_page_get_the_page(served: Served) -> None:
    for path in ("/", "/session/abc", "/link/0123", "/runner/x/usage"):
        async with served.session.get(served.origin + path) as response:
            assert await response.text() == INDEX
    for path in ("/assets/index-old.js", "/api/nothing", "/gone.js"):
        async with served.session.get(served.origin + path) as response:
            assert response.status == 404


async def test_files_travel_compressed_to_who_can_read_that(served: Served) -> None:
    url = served.origin + "/assets/index-abc123.js"
    async with served.session.get(url, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert response.headers["Content-Type"] == "application/javascript; charset=utf-8"
        assert await response.text() == "script"
    async with served.session.get(url, headers={"Accept-Encoding": "identity"}) as response:
        assert "Content-Encoding" not in response.headers


async def test_the_manifest_has_its_type(served: Served) -> None:
    async with served.session.get(served.origin + "/manifest.webmanifest") as response:
        assert response.headers["Content-Type"] == "application/manifest+json"


async def test_the_policy_lets_no_inline_script_run_and_frames_only_tunnels(served: Served) -> None:
    async with served.session.get(served.origin + "/") as response:
        policy = response.headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["connect-src"] == "'self' ws: wss:"
    assert rules["frame-src"] == "'self' https://*.t.example.org"
    assert rules["img-src"] == "'self' data: blob:"
    assert (rules["object-src"], rules["base-uri"], rules["frame-ancestors"]) == ("'none'", "'none'", "'none'")
    assert "eval" not in policy
    assert "sha256" not in policy


async def test_the_link_that_a_runner_prints_leads_to_the_page_that_lets_it_in(served: Served) -> None:
    async with served.session.get(served.origin + "/setup-claim?t=ab%2Fc", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/link/ab%2Fc")
    async with served.session.get(served.origin + "/sessions/s1", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/session/s1")


async def test_without_a_page_the_root_says_how_to_get_it_and_nothing_else_changes(tmp_path: Path) -> None:
    assert own_ui(SecurityHeaders(), tmp_path) is None
    async with serving([], Setup(fallback=NoUi().serve)) as running:
        async with running.session.get(running.origin + "/") as response:
            assert (response.status, await response.text()) == (404, HOW_TO_GET_IT)
        async with running.session.get(running.origin + "/session/abc") as response:
            assert (response.status, await response.json()) == (404, {"error": "Not found"})
        async with running.session.post(running.origin + "/") as response:
            assert response.status == 404
