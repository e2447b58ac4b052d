"""Prove that what a browser attaches reaches the agent as a file, byte for byte, with its name."""

from __future__ import annotations

import json
import random
import uuid

import aiohttp
import pytest

from tests.e2e.provider import Call, Conversation, Say
from tests.e2e.stack import Stack
from tests.e2e.transcript import as_object, as_objects
from tests.e2e.viewer import Viewer
from tests.e2e.waiting import poll

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]

NAME = "Notizen für 明日 (1).txt"
TEXT = "tea at four\n" * 20_000
SAVED = r"\[Attached file saved to runner: ([^\]]+)\]"


async def attach(stack: Stack, session_id: str, filename: str, data: bytes, content_type: str) -> dict[str, object]:
    """Upload as the web UI does: one request, field `files`; answer what it passes on."""
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("files", data, filename=filename, content_type=content_type)
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{stack.url}/api/sessions/{session_id}/attachments", data=form, headers={"x-api-key": stack.key}
        ) as response,
    ):
        assert response.status == 200, await response.text()
        [item] = as_objects(as_object(await response.json())["attachments"])
    return {
        "attachmentId": item["attachmentId"],
        "filename": item["filename"],
        "mediaType": item["mimeType"],
        "size": item["size"],
        "expiresAt": item["expiresAt"],
    }


async def tell(viewer: Viewer, text: str, *attachments: dict[str, object]) -> bool:
    """Send input with attachments."""
    body = {"text": text, "attachments": list(attachments), "client": "web", "requestId": str(uuid.uuid4())}
    return await viewer.call("input", body) is True


def count_lines(talk: Conversation) -> dict[str, object]:
    """Let the agent read the file that it was told of."""
    return {"command": f"wc -l < '{talk.find(SAVED)}'", "title": "count"}


async def test_a_text_file_is_on_the_runners_disk_and_the_agent_reads_it(stack: Stack) -> None:
    stack.provider.plan("read my notes", Call("bash", count_lines), Say("I counted"))
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    item = await attach(stack, session_id, NAME, TEXT.encode(), "text/plain")
    assert item["filename"] == NAME
    assert await tell(viewer, "read my notes", item)
    await viewer.until_idle()
    assert viewer.transcript.last_text() == "I counted"
    assert stack.provider.heard(r"^20000\s*$")

    folder = stack.folder / "runner-home" / ".pizzapi" / "session-attachments" / session_id
    [meta] = folder.glob("*.meta.json")
    described = json.loads(meta.read_text())
    assert (described["filename"], described["mediaType"], described["size"]) == (NAME, "text/plain", len(TEXT))
    assert (folder / described["storedAs"]).read_text() == TEXT


async def test_an_image_and_a_page_sent_together_arrive_byte_for_byte(stack: Stack) -> None:
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    image = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(300_000)
    page = b"<script>alert(1)</script>"
    items = [
        await attach(stack, session_id, "photo.png", image, "image/png"),
        await attach(stack, session_id, "page.html", page, "text/html"),
    ]
    assert await tell(viewer, "look at these", *items)
    await viewer.until_idle()
    folder = stack.folder / "runner-home" / ".pizzapi" / "session-attachments" / session_id
    assert (folder / "photo.png").read_bytes() == image
    assert (folder / "page.html").read_bytes() == page
    kinds = {path.name: json.loads(path.read_text())["mediaType"] for path in folder.glob("*.meta.json")}
    assert kinds == {"photo.png.meta.json": "image/png", "page.html.meta.json": "application/octet-stream"}


async def test_an_upload_can_be_sent_after_a_restart_of_the_relay(stack: Stack) -> None:
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    item = await attach(stack, session_id, "kept.txt", b"kept", "text/plain")
    await stack.relay.kill()
    await stack.relay.start()
    await stack.until_live(session_id)
    await viewer.until(lambda: viewer.online and viewer.transcript.hydrated, "the viewer to be back")
    folder = stack.folder / "runner-home" / ".pizzapi" / "session-attachments" / session_id

    await tell(viewer, "here it is", item)
    await poll(lambda: (folder / "kept.txt").exists(), "the file on the runner", 20)
    assert (folder / "kept.txt").read_bytes() == b"kept"
