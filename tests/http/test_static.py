"""The static UI: files, fallback page, cache headers, and nothing from outside its directory."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.http.routes import Auth, Call, Json, Route
from relay.http.security import SecurityHeaders
from relay.http.static import StaticUi, cache_control
from tests.http.harness import Served, Setup, serving

INDEX = "<!doctype html><title>ui</title><script>theme()</script>"


@pytest.fixture
def ui_dir(tmp_path: Path) -> Path:
    """A small built UI, with a secret beside it."""
    root = tmp_path / "ui"
    (root / "assets").mkdir(parents=True)
    (root / "assets" / "index-abc123.js").write_text("js")
    (root / "assets" / "font.woff2").write_bytes(b"font")
    (root / "index.html").write_text(INDEX)
    (root / "sw.js").write_text("worker")
    (root / "workbox-0a1b2c3d.js").write_text("workbox")
    (root / "manifest.webmanifest").write_text("{}")
    (root / "blob.xyz").write_text("?")
    (root / "app.wasm").write_bytes(b"\0asm")
    (root / "übung.txt").write_text("text")
    (root / "build-info.json").write_text('{"buildTimestamp": "2026-11-24T03:01:43.600Z"}')
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "out").symlink_to(tmp_path)
    (root / "alias.html").symlink_to(root / "index.html")
    return root


@pytest.fixture
async def served(ui_dir: Path) -> AsyncIterator[Served]:
    """A server with the UI and one API route."""

    async def answer(call: Call) -> Json:
        return {}

    security = SecurityHeaders()
    ui = StaticUi(ui_dir, security)
    rows = [*ui.routes(), Route("GET", "/api/x", answer, "x", auth=Auth.NONE)]
    async with serving(rows, Setup(security=security, fallback=ui.serve)) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "body", "kind", "cache"),
    [
        ("/", INDEX, "text/html; charset=utf-8", "no-cache"),
        ("/index.html", INDEX, "text/html; charset=utf-8", "no-cache"),
        ("/alias.html", INDEX, "text/html; charset=utf-8", "no-cache"),
        ("/session/abc", INDEX, "text/html; charset=utf-8", "no-cache"),
        ("/setup-claim?t=1", INDEX, "text/html; charset=utf-8", "no-cache"),
        ("/a/b.c/deep", INDEX, "text/html; charset=utf-8", "no-cache"),
        ("/sw.js", "worker", "application/javascript; charset=utf-8", "no-cache"),
        ("/manifest.webmanifest", "{}", "application/manifest+json", "no-cache"),
        ("/blob.xyz", "?", "application/octet-stream", "no-cache"),
        ("/app.wasm", "\0asm", "application/wasm", "no-cache"),
        ("/%C3%BCbung.txt", "text", "text/plain; charset=utf-8", "no-cache"),
        (
            "/assets/index-abc123.js",
            "js",
            "application/javascript; charset=utf-8",
            "public, max-age=31536000, immutable",
        ),
        ("/assets/font.woff2", "font", "font/woff2", "public, max-age=31536000, immutable"),
        (
            "/workbox-0a1b2c3d.js",
            "workbox",
            "application/javascript; charset=utf-8",
            "public, max-age=31536000, immutable",
        ),
    ],
)
async def test_files_and_pages(served: Served, path: str, body: str, kind: str, cache: str) -> None:
    answer = await served.get_raw(path)
    assert answer.status == 200
    assert answer.body.decode() == body
    assert answer.headers["content-type"] == kind
    assert answer.headers["cache-control"] == cache
    assert answer.headers["x-frame-options"] == "DENY"
    head = await served.get_raw(path, method="HEAD")
    assert (head.status, head.headers["content-length"]) == (200, str(len(body)))


@pytest.mark.parametrize(
    "path",
    [
        "/assets/missing.js",
        "/assets/",
        "/assets",
        "/assets/missing",
        "/missing.js",
        "/deep/missing.CSS",
        "/missing.map",
        "/missing.wasm",
        "/api/missing",
        "/socket.io/missing",
        "/%zz",
        "/%ff",
        "/a%00.txt",
        "/link.txt",
        "/out",
        "/out/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/" + "a" * 5000 + ".js",
    ],
)
async def test_what_is_not_there_or_outside_is_a_json_404(served: Served, path: str) -> None:
    answer = await served.get_raw(path)
    assert answer.status == 404
    assert json.loads(answer.body) == {"error": "Not found"}


@pytest.mark.parametrize("path", ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "//etc/passwd"])
async def test_no_path_leads_out_of_the_directory(served: Served, path: str) -> None:
    answer = await served.get_raw(path)
    assert b"secret" not in answer.body
    assert b"root:" not in answer.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_only_get_and_head_see_files(served: Served, method: str) -> None:
    assert (await served.get_raw("/", method=method)).status == 404


async def test_a_file_that_is_known_already_is_not_sent_again(served: Served) -> None:
    first = await served.get_raw("/sw.js")
    again = await served.get_raw("/sw.js", f"If-None-Match: {first.headers['etag']}")
    assert (again.status, again.body) == (304, b"")
    part = await served.get_raw("/sw.js", "Range: bytes=1-2")
    assert (part.status, part.body) == (206, b"or")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/sessions/0b7e", "/session/0b7e"),
        ("/sessions/0b7e?x=1&y=%20", "/session/0b7e?x=1&y=%20"),
        ("/sessions/a%2F..%2Fb", "/session/a%2F..%2Fb"),
        ("/sessions/%0d%0aX:y", "/session/%0D%0AX%3Ay"),
    ],
)
async def test_the_share_url_leads_to_the_ui(served: Served, path: str, target: str) -> None:
    for method in ("GET", "HEAD"):
        answer = await served.get_raw(path, method=method)
        assert (answer.status, answer.headers["location"]) == (302, target)
    assert (await served.get_raw(path, method="POST")).status == 404


async def test_a_rebuilt_ui_needs_no_restart(ui_dir: Path) -> None:
    security = SecurityHeaders()
    ui = StaticUi(ui_dir, security)
    assert ui.build_timestamp() == "2026-11-24T03:01:43.600Z"
    async with serving([], Setup(security=security, fallback=ui.serve)) as served:
        before = (await served.get_raw("/")).headers["content-security-policy"]
        (ui_dir / "index.html").write_text(INDEX.replace("theme", "other"))
        (ui_dir / "build-info.json").write_text('{"buildTimestamp": "2027"}')
        os.utime(ui_dir / "index.html", (1, 1))
        after = (await served.get_raw("/")).headers["content-security-policy"]
    assert before != after
    assert ui.build_timestamp() == "2027"


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"buildTimestamp": 5}', "{broken"])
def test_a_build_info_that_says_nothing_is_null(ui_dir: Path, text: str | None) -> None:
    if text is None:
        (ui_dir / "build-info.json").unlink()
    else:
        (ui_dir / "build-info.json").write_text(text)
    assert StaticUi(ui_dir, SecurityHeaders()).build_timestamp() is None


def test_a_directory_without_an_index_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"index\.html"):
        StaticUi(tmp_path, SecurityHeaders())


async def test_static_serving_can_be_off() -> None:
    async with serving([]) as served:
        answer = await served.get_raw("/")
        assert (answer.status, json.loads(answer.body)) == (404, {"error": "Not found"})


async def test_an_index_page_that_vanishes_is_a_404(served: Served, ui_dir: Path) -> None:
    (ui_dir / "index.html").unlink()
    assert (await served.get_raw("/")).status == 404


def test_only_names_that_carry_a_hash_are_cached_for_ever() -> None:
    assert cache_control("assets/x.js") == "public, max-age=31536000, immutable"
    assert cache_control("workbox-xyz.js") == "no-cache"
    assert cache_control("assets.html") == "no-cache"
