"""Uploading over HTTP: rest-account.md 9.1, 9.2, 12.4, and line 13 of its acceptance checks."""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.app_settings import Tuning
from relay.attachments.limits import AttachmentLimits
from tests.attachments.depot import Depot, items, nothing_is_left, said
from tests.attachments.forms import FORM_TYPE, ask, form, part, upload
from tests.clock import ManualClock
from tests.sessions.stage import until
from tests.viewers.house import Person

KIB = 1024
MIB = KIB * KIB


async def test_the_answer_describes_each_file_and_the_bytes_come_back(stage: Depot, ann: Person) -> None:
    answer = await upload(
        stage,
        ann,
        form(
            part("file", b"second", filename="b.txt", content_type="Text/Plain; charset=UTF-8"),
            part("note", b"a field"),
            part("files", b"first", filename="a b.png", content_type="image/PNG"),
            part("files", b"no file name, so no file"),
            part("other", b"another field's file", filename="c.txt"),
            part("files", b"", filename="", content_type="application/octet-stream"),
        ),
    )
    first, empty, second = items(answer)
    assert {key: first[key] for key in ("filename", "mimeType", "size", "expiresAt")} == {
        "filename": "a b.png",
        "mimeType": "image/png",
        "size": 5,
        "expiresAt": "2026-01-01T00:15:00.000Z",
    }
    assert set(first) == {"attachmentId", "filename", "mimeType", "size", "expiresAt"}
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(first["attachmentId"]))
    assert empty["filename"] == f"attachment-{empty['attachmentId']}"
    assert (empty["mimeType"], empty["size"]) == ("application/octet-stream", 0)
    assert (second["filename"], second["mimeType"]) == ("b.txt", "text/plain; charset=utf-8")
    for item, data, kind in ((first, b"first", "image/png"), (second, b"second", "text/plain"), (empty, b"", None)):
        got = await ask(stage, "GET", f"/api/attachments/{item['attachmentId']}", headers={"x-api-key": ann.key})
        assert (got.status, got.body) == (200, data)
        assert got.headers["Content-Type"] == (kind or "application/octet-stream")
    names = {path.name for path in stage.files}
    assert names == {
        f"{item['attachmentId']}-{name}"
        for item, name in ((first, "a_b.png"), (second, "b.txt"), (empty, f"attachment-{empty['attachmentId']}"))
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in stage.files} == {0o600}
    assert stat.S_IMODE(stage.app.attachments.files.directory.stat().st_mode) == 0o700


async def test_refusals_before_the_body_is_looked_at(stage: Depot, ann: Person) -> None:
    bob = await stage.person("bob")
    body = form(part("files", b"x", filename="x"))
    path = "/api/sessions/s1/attachments"
    typed = {"Content-Type": FORM_TYPE}
    cases: list[tuple[str, dict[str, str], tuple[int, object]]] = [
        (path, {}, (401, {"error": "Missing API key (x-api-key header)"})),
        (path, {"x-api-key": bob.key}, (403, {"error": "Forbidden"})),
        (path.replace("s1", "s2"), {"x-api-key": ann.key}, (404, {"error": "Session is not live"})),
        (path.replace("s1", ""), {"x-api-key": ann.key}, (400, {"error": "Missing session ID"})),
        (
            path,
            {"Cookie": ann.cookie, "Origin": "https://evil.example"},
            (403, {"error": "Cross-origin request rejected"}),
        ),
    ]
    for where, headers, expected in cases:
        assert said(await ask(stage, "POST", where, data=body, headers={**typed, **headers})) == expected
    own = {"Cookie": ann.cookie, "Origin": stage.url}
    assert (await ask(stage, "POST", path, data=body, headers={**typed, **own})).status == 200


async def test_what_is_no_form(stage: Depot, ann: Person) -> None:
    expected = (400, {"error": "Expected multipart/form-data"})
    assert said(await upload(stage, ann, b"{}", content_type="application/json")) == expected
    assert said(await upload(stage, ann, form(), content_type="multipart/form-data")) == expected
    malformed = (400, {"error": "Malformed multipart/form-data"})
    for body in (b"", b"x" * 1000, form(part("files", b"x" * 1000, filename="x"))[:-10]):
        assert said(await upload(stage, ann, body)) == malformed
    many = form(*(part("files", b"", filename="x") for _ in range(1001)))
    assert said(await upload(stage, ann, many)) == malformed
    for body in (form(part("note", b"x")), form(part("files", b"x")), form()):
        assert said(await upload(stage, ann, body)) == (400, {"error": "No files uploaded"})
    await nothing_is_left(stage)


async def test_a_file_over_the_limit_refuses_all_of_them(stage: Depot, ann: Person) -> None:
    fits = form(part("files", b"x" * 10 * MIB, filename="fits.bin"))
    (item,) = items(await upload(stage, ann, fits))
    assert item["size"] == 10 * MIB
    body = form(
        part("files", b"x", filename="small.bin"),
        part("files", b"x" * (10 * MIB + 1), filename="grö\u00dfe.bin"),
        part("files", b"x", filename="never.bin"),
    )
    answer = await upload(stage, ann, body)
    assert said(answer) == (413, {"error": "File too large: größe.bin exceeds 10485760 bytes"})
    assert len(stage.files) == await stage.rows() == 1


async def test_account_13_the_upload_path_takes_fifty_mebibytes_and_no_byte_more(stage: Depot, ann: Person) -> None:
    limit = 52_428_800
    expected = (413, {"error": f"Payload Too Large: body exceeds {limit} bytes"})
    frame = len(form(*(part("files", b"", filename="x") for _ in range(5)), part("note", b"")))
    fill = limit - frame - 5 * 9 * MIB
    whole = form(*(part("files", bytes(9 * MIB), filename="x") for _ in range(5)), part("note", bytes(fill)))
    assert len(whole) == limit
    assert len(items(await upload(stage, ann, whole))) == 5
    assert said(await upload(stage, ann, whole + b"\n")) == expected

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), MIB):
            yield whole[start : start + MIB]
        yield b"\n"

    assert said(await upload(stage, ann, pieces())) == expected
    assert len(stage.files) == await stage.rows() == 5
    other = await ask(stage, "PUT", "/api/settings/hidden-models", data=bytes(MIB + 1), headers={"x-api-key": ann.key})
    assert said(other) == (413, {"error": "Payload Too Large: body exceeds 1048576 bytes"})


async def test_a_raised_file_limit_raises_the_body_limit(stage: Depot) -> None:
    await stage.stop()
    stage.configure(max_file_size=60 * MIB)
    await stage.open()
    person = await stage.person("cid")
    await stage.agent(person, "s9")
    (item,) = items(await upload(stage, person, form(part("files", bytes(60 * MIB), filename="x")), "s9"))
    assert item["size"] == 60 * MIB


async def test_the_quota_counts_what_is_kept_and_what_is_coming(stage: Depot) -> None:
    await stage.stop()
    stage.configure(quota=100 * KIB)
    await stage.open()
    ann, bob = await stage.person("ann"), await stage.person("bob")
    await stage.agent(ann)
    await stage.agent(bob, "s2")
    exceeded = (413, {"error": "Attachment quota exceeded"})
    half = form(part("files", bytes(50 * KIB), filename="x"))
    (first,) = items(await upload(stage, ann, half))
    answers = await asyncio.gather(*(upload(stage, ann, half) for _ in range(4)))
    assert sorted(answer.status for answer in answers) in ([200, 413, 413, 413], [413] * 4)
    for answer in answers:
        assert answer.status == 200 or said(answer) == exceeded
    if all(answer.status == 413 for answer in answers):
        items(await upload(stage, ann, half))
    assert said(await upload(stage, ann, form(part("files", b"x", filename="x")))) == exceeded
    assert len(stage.files) == await stage.rows() == 2
    items(await upload(stage, bob, half, "s2"))
    await stage.app.attachments.forget_sessions(["s1"])
    assert first["size"] == 50 * KIB


async def test_files_without_a_byte_have_an_end_too(tmp_path: Path, clock: ManualClock) -> None:
    tuning = Tuning(attachments=AttachmentLimits(most_files=3))
    async with Depot(tmp_path / "data", clock, tuning) as stage:
        ann, bob = await stage.person("ann"), await stage.person("bob")
        await stage.agent(ann)
        await stage.agent(bob, "s2")
        two = form(*(part("files", b"", filename="x") for _ in range(2)))
        items(await upload(stage, ann, two))
        assert said(await upload(stage, ann, two)) == (413, {"error": "Attachment quota exceeded"})
        assert len(stage.files) == await stage.rows() == 2
        items(await upload(stage, ann, form(part("files", b"", filename="x"))))
        items(await upload(stage, bob, two, "s2"))


@pytest.mark.parametrize(
    ("size", "error"),
    [(60 * KIB, "Attachment quota exceeded"), (11 * MIB, "File too large: x exceeds 10485760 bytes")],
)
async def test_what_is_refused_leaves_the_disk_at_once_and_is_answered_at_its_end(
    stage: Depot, size: int, error: str
) -> None:
    await stage.stop()
    stage.configure(quota=50 * KIB if size < MIB else 2**30)
    await stage.open()
    ann = await stage.person("ann")
    await stage.agent(ann)
    refused = asyncio.Event()
    body = part("files", b"y" * 20 * KIB, filename="first") + part("files", b"x" * size, filename="x")

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 64 * KIB):
            yield body[start : start + 64 * KIB]
        await until(lambda: stage.files == [])
        refused.set()
        yield form()

    answer = await upload(stage, ann, pieces())
    assert refused.is_set()
    assert said(answer) == (413, {"error": error})
    await nothing_is_left(stage)


async def test_a_client_that_breaks_off_leaves_nothing(stage: Depot, ann: Person) -> None:
    body = form(part("files", bytes(MIB), filename="x"))
    host, _, port = stage.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /api/sessions/s1/attachments HTTP/1.1\r\nHost: {host}:{port}\r\nx-api-key: {ann.key}\r\n"
        f"Content-Type: {FORM_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body[: MIB // 2])
    await writer.drain()
    await until(lambda: any(path.name.endswith(".part") for path in stage.files))
    writer.transport.abort()
    await nothing_is_left(stage)


async def test_a_client_that_falls_silent_is_told_so(stage: Depot, ann: Person) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield form(part("files", bytes(MIB), filename="x"))[:1000]
        await asyncio.sleep(5)

    answer = await upload(stage, ann, pieces())
    assert said(answer) == (408, {"error": "The request body did not arrive in time"})
    await nothing_is_left(stage)


async def test_a_disk_that_takes_nothing_is_a_503(stage: Depot, ann: Person) -> None:
    directory = stage.app.attachments.files.directory
    directory.parent.mkdir(exist_ok=True)
    directory.write_bytes(b"no directory")
    answer = await upload(stage, ann, form(part("files", b"x", filename="x")))
    assert said(answer) == (503, {"error": "The attachment could not be stored"})
    assert await stage.rows() == 0


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("screenshot.png", "screenshot.png"),
        ("Bildschirmfoto 2026 um 9.41\u202fAM 截图 🍕.png", "Bildschirmfoto 2026 um 9.41\u202fAM 截图 🍕.png"),
        ("a%22b%0D%0Ac\tz.txt", 'a"b__c_z.txt'),
        ("../../etc/passwd", "../../etc/passwd"),
        ("100%.txt", "100%.txt"),
        ("x" * 300 + ".txt", "x" * 255),
    ],
)
async def test_file_names(stage: Depot, ann: Person, sent: str, kept: str) -> None:
    (item,) = items(await upload(stage, ann, form(part("files", b"x", filename=sent))))
    assert item["filename"] == kept
    (file,) = stage.files
    assert re.fullmatch(r"[0-9a-f-]{36}-[A-Za-z0-9._-]{1,150}", file.name)
    got = await ask(stage, "GET", f"/api/attachments/{item['attachmentId']}", headers={"x-api-key": ann.key})
    assert got.status == 200


@pytest.mark.parametrize("kind", ["nonsense", "a/b/c", "text/\x01x", "text/plain\u00e4", "x" * 300 + "/y", ""])
async def test_a_type_that_is_none_counts_as_bytes(stage: Depot, ann: Person, kind: str) -> None:
    (item,) = items(await upload(stage, ann, form(part("files", b"x", filename="x", content_type=kind))))
    assert item["mimeType"] == "application/octet-stream"
