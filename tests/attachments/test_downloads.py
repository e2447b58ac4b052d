"""Fetching what was uploaded: rest-account.md 9.3, 9.4, 9.6, and lines 17 and 18 of its acceptance checks."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest

from relay.storage import Transaction
from tests.attachments.depot import Depot, items, said
from tests.attachments.forms import ask, form, part, upload
from tests.clock import ManualClock
from tests.sessions.stage import until
from tests.viewers.house import Person


async def test_account_17_unicode_names_unsafe_types_other_users_ends_and_foreign_tokens(
    stage: Depot, ann: Person, clock: ManualClock
) -> None:
    bob = await stage.person("bob")
    name = "résumé 截图 (1)'*!.html"
    first, second = items(
        await upload(
            stage,
            ann,
            form(*(part("files", b"<script>", filename=name, content_type="text/html") for _ in range(2))),
        )
    )
    path, other = (f"/api/attachments/{item['attachmentId']}" for item in (first, second))
    key = {"x-api-key": ann.key}
    got = await ask(stage, "GET", path, headers=key)
    encoded = "r%C3%A9sum%C3%A9%20%E6%88%AA%E5%9B%BE%20%281%29%27%2A!.html"
    assert got.headers["X-Attachment-Filename"] == encoded
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"] == (
        f"attachment; filename=\"r_sum_ __ (1)'*!.html\"; filename*=UTF-8''{encoded}"
    )
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Cache-Control"] == "private, no-store"

    assert said(await ask(stage, "GET", path, headers={"x-api-key": bob.key})) == (403, {"error": "Forbidden"})
    assert said(await ask(stage, "POST", f"{path}/token", headers={"x-api-key": bob.key})) == (
        403,
        {"error": "Forbidden"},
    )
    assert said(await ask(stage, "POST", "/api/attachments/x/token", headers=key)) == (
        404,
        {"error": "Attachment not found"},
    )
    assert said(await ask(stage, "POST", "/api/attachments//token", headers=key)) == (
        400,
        {"error": "Missing attachment ID"},
    )
    assert (await ask(stage, "POST", f"{path}/token")).status == 401

    status, body = said(await ask(stage, "POST", f"{path}/token", headers=key))
    assert isinstance(body, dict)
    assert (status, set(body)) == (200, {"token", "expiresAt"})
    assert body["expiresAt"] == "2026-01-01T00:05:00.000Z"
    link = f"{path}?token={body['token']}"
    for headers in ({}, {"x-api-key": bob.key}, {"x-api-key": "wrong"}):
        opened = await ask(stage, "GET", link, headers=headers)
        assert (opened.status, opened.body) == (200, b"<script>")
        assert opened.headers["Cache-Control"] == "private, no-store"
    foreign = await ask(stage, "GET", f"{other}?token={body['token']}", headers=key)
    assert said(foreign) == (403, {"error": "Token/attachment mismatch"})
    clock.advance(300)
    assert said(await ask(stage, "GET", link, headers=key)) == (401, {"error": "Invalid or expired token"})

    clock.advance(700)
    assert (await ask(stage, "GET", path, headers=key)).status == 200
    await stage.app.attachments.forget_sessions(["another"])
    await _delete_session(stage)
    assert said(await ask(stage, "GET", path, headers=key)) == (404, {"error": "Attachment not found"})
    await stage.app.attachments.sweep()
    assert stage.files == []


async def _delete_session(stage: Depot) -> None:
    async def delete(tx: Transaction) -> None:
        await tx.execute("DELETE FROM relay_session WHERE id = 's1'")

    await stage.app.storage.write(delete)


async def test_account_18_uploads_and_their_links_outlive_a_restart_and_their_session(
    stage: Depot, ann: Person, clock: ManualClock
) -> None:
    (item,) = items(await upload(stage, ann, form(part("files", b"kept", filename="x.txt"))))
    path = f"/api/attachments/{item['attachmentId']}"
    _, body = said(await ask(stage, "POST", f"{path}/token", headers={"x-api-key": ann.key}))
    assert isinstance(body, dict)
    await stage.restart()
    assert (await ask(stage, "GET", f"{path}?token={body['token']}")).body == b"kept"
    clock.advance(86_400)
    await stage.app.attachments.sweep()
    got = await ask(stage, "GET", path, headers={"x-api-key": ann.key})
    assert (got.status, got.body) == (200, b"kept")
    session = stage.app.sessions.registry.get("s1")
    assert session is None or session.socket is None


async def test_the_files_of_a_removed_account_go_with_the_next_sweep(stage: Depot, ann: Person) -> None:
    bob = await stage.person("bob")
    await stage.agent(bob, "s2")
    items(await upload(stage, ann, form(part("files", b"x", filename="x"))))
    (kept,) = items(await upload(stage, bob, form(part("files", b"x", filename="x")), "s2"))
    await stage.app.accounts.users.remove(ann.id)
    await stage.app.attachments.sweep()
    assert [path.name for path in stage.files] == [f"{kept['attachmentId']}-x"]
    assert await stage.app.storage.fetch_all("SELECT * FROM attachment_file_gone") == []


async def test_a_start_drops_files_that_nobody_owns_and_leaves_foreign_ones(stage: Depot, ann: Person) -> None:
    items(await upload(stage, ann, form(part("files", b"x", filename="x"))))
    directory = stage.app.attachments.files.directory
    (directory / ".left.part").write_bytes(b"half")
    (directory / "notes.txt").write_bytes(b"not ours")
    await stage.app.accounts.users.remove(ann.id)
    await stage.restart()
    assert [path.name for path in stage.files] == ["notes.txt"]


@pytest.mark.parametrize(
    ("header", "status", "body", "content_range"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
async def test_ranges(
    stage: Depot, ann: Person, header: str, status: int, body: bytes, content_range: str | None
) -> None:
    (item,) = items(
        await upload(stage, ann, form(part("files", b"0123456789", filename="x.mp4", content_type="video/mp4")))
    )
    path = f"/api/attachments/{item['attachmentId']}"
    key = {"x-api-key": ann.key}
    got = await ask(stage, "GET", path, headers={**key, "Range": header})
    assert (got.status, got.body) == (status, body)
    assert got.headers["Content-Length"] == str(len(body))
    assert got.headers.get("Content-Range") == content_range
    assert got.headers["Accept-Ranges"] == "bytes"
    assert got.headers["Content-Type"] == "video/mp4"
    head = await ask(stage, "HEAD", path, headers={**key, "Range": header})
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "10")
    validated = await ask(stage, "GET", path, headers={**key, "Range": header, "If-Range": '"x"'})
    assert (validated.status, validated.body) == (200, b"0123456789")


async def test_a_range_outside_is_416(stage: Depot, ann: Person) -> None:
    (item,) = items(await upload(stage, ann, form(part("files", b"0123456789", filename="x"))))
    got = await ask(
        stage,
        "GET",
        f"/api/attachments/{item['attachmentId']}",
        headers={"x-api-key": ann.key, "Range": "bytes=10-"},
    )
    assert said(got) == (416, {"error": "Range Not Satisfiable"})
    assert got.headers["Content-Range"] == "bytes */10"
    assert got.headers["Cache-Control"] == "private, no-store"


async def test_a_download_without_an_id(stage: Depot, ann: Person) -> None:
    got = await ask(stage, "GET", "/api/attachments/", headers={"x-api-key": ann.key})
    assert said(got) == (400, {"error": "Missing attachment ID"})
    assert got.headers["Cache-Control"] == "private, no-store"


async def test_a_client_that_stops_reading_is_let_go(
    stage: Depot, ann: Person, caplog: pytest.LogCaptureFixture
) -> None:
    size = 10 * 2**20
    (item,) = items(await upload(stage, ann, form(part("files", bytes(size), filename="x"))))
    request = f"GET /api/attachments/{item['attachmentId']} HTTP/1.1\r\nHost: x\r\nx-api-key: {ann.key}\r\n\r\n"
    with caplog.at_level(logging.DEBUG, logger="relay.http.server"), socket.socket() as slow:
        # A small window: what systems buffer by themselves is less than the file.
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, ("127.0.0.1", stage.port))
        await loop.sock_sendall(slow, request.encode())
        await until(lambda: "client left a stream" in caplog.text)
        taken = 0
        async with asyncio.timeout(20):
            while piece := await loop.sock_recv(slow, 2**16):
                taken += len(piece)
        assert 0 < taken < size
