"""Downloading attachments over HTTP (rest-account.md 9.3)."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from relay.app_settings import Tuning
from relay.clock import Clock
from relay.storage import Row, Transaction
from tests.sessions.stage import Stage
from tests.viewers.house import Person

PNG = b"\x89PNG" + bytes(20_000)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with Stage(tmp_path / "data", Clock(), Tuning()) as made:
        yield made


@pytest.fixture
async def ann(stage: Stage) -> Person:
    return await stage.person("ann")


async def put(stage: Stage, person: Person, *, mime: str = "image/png", filename: str | None = None) -> str:
    """Let an agent show an image; answer its address."""
    agent = await stage.agent(person, f"s-{person.name}")
    block = {"type": "image", "mimeType": mime, "data": base64.b64encode(PNG).decode()}
    await agent.send({"type": "session_active", "state": {"messages": [{"role": "user", "content": [block]}]}})
    rows: list[Row] = []
    while not rows:
        rows = await stage.app.storage.fetch_all(
            "SELECT attachment_id FROM attachment WHERE owner_user_id = ?", (person.id,)
        )
    attachment_id = str(rows[0]["attachment_id"])
    if filename is not None:

        async def rename(tx: Transaction) -> None:
            await tx.execute("UPDATE attachment SET filename = ? WHERE attachment_id = ?", (filename, attachment_id))

        await stage.app.storage.write(rename)
    return f"/api/attachments/{attachment_id}"


async def get(stage: Stage, path: str, method: str = "GET", **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
        client.request(method, stage.url + path, headers=headers) as response,
    ):
        return response, await response.read()


async def test_the_owner_gets_bytes_and_headers(stage: Stage, ann: Person) -> None:
    path = await put(stage, ann, filename='Bild "ä".png')
    response, body = await get(stage, path, **{"x-api-key": ann.key})
    assert (response.status, body) == (200, PNG)
    headers = response.headers
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"] == (
        "inline; filename=\"Bild ___.png\"; filename*=UTF-8''Bild%20%22%C3%A4%22.png"
    )
    assert headers["Content-Length"] == str(len(PNG))
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Attachment-Id"] == path.rpartition("/")[2]
    assert headers["X-Attachment-Filename"] == "Bild%20%22%C3%A4%22.png"
    assert headers["Cache-Control"] == "private, no-store"


async def test_an_unsafe_type_is_a_download(stage: Stage, ann: Person) -> None:
    path = await put(stage, ann, mime="image/svg+xml")
    response, _ = await get(stage, path, **{"x-api-key": ann.key})
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment; ")


async def test_head_answers_the_same_without_a_body(stage: Stage, ann: Person) -> None:
    path = await put(stage, ann)
    response, body = await get(stage, path, "HEAD", **{"x-api-key": ann.key})
    assert (response.status, body) == (200, b"")
    assert response.headers["Content-Length"] == str(len(PNG))
    assert response.headers["Content-Type"] == "image/png"


async def test_every_credential_works(stage: Stage, ann: Person) -> None:
    path = await put(stage, ann)
    for where, headers in (
        (path, {"Authorization": f"Bearer {ann.key}"}),
        (path, {"Cookie": ann.cookie}),
        (f"{path}?apiKey={ann.key}", {}),
    ):
        response, body = await get(stage, where, **headers)
        assert (response.status, body) == (200, PNG)


async def test_refusals_are_never_stored(stage: Stage, ann: Person) -> None:
    path = await put(stage, ann)
    bob = await stage.person("bob")
    cases = [
        (path, {}, 401, "Missing API key (x-api-key header)"),
        (path, {"x-api-key": "wrong", "Cookie": ann.cookie}, 401, "Invalid or expired API key"),
        (f"{path}?apiKey=wrong", {}, 401, "Invalid or expired API key"),
        (f"{path}?apiKey={ann.key}", {"x-api-key": "wrong"}, 401, "Invalid or expired API key"),
        (f"{path}?token=x", {"x-api-key": ann.key}, 401, "Invalid or expired token"),
        (path, {"x-api-key": bob.key}, 403, "Forbidden"),
        ("/api/attachments/nothing", {"x-api-key": ann.key}, 404, "Attachment not found"),
        ("/api/attachments/..%2Frelay.db", {"x-api-key": ann.key}, 404, "Attachment not found"),
    ]
    for where, headers, status, error in cases:
        response, body = await get(stage, where, **headers)
        assert (response.status, body) == (status, b'{"error":"%b"}' % error.encode()), where
        assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("harm", ["gone", "short"])
async def test_a_file_that_is_gone_is_404_and_no_stalled_answer(stage: Stage, ann: Person, harm: str) -> None:
    path = await put(stage, ann)
    (file,) = stage.app.attachments.files.directory.glob("extracted-*")
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(PNG[:100])
    response, _ = await get(stage, path, **{"x-api-key": ann.key})
    assert response.status == 404


async def test_links_work_after_the_session_ended_and_after_a_restart(stage: Stage, ann: Person) -> None:
    path = await put(stage, ann)
    await stage.restart()
    response, body = await get(stage, path, **{"x-api-key": ann.key})
    assert (response.status, body) == (200, PNG)
