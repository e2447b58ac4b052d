"""Images leave transcripts for the attachment store (sockets-agents.md 2.8, rest-account.md 9.5)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.attachments.attachments import Attachments
from relay.sessions.images import MIN_IMAGE, ImageExtractor, Where
from relay.storage import Storage, Transaction
from tests.clock import ManualClock

BIG = bytes(range(256)) * 48
ENCODED = base64.b64encode(BIG).decode()
ID = hashlib.sha256(f"ann:{ENCODED}".encode()).hexdigest()[:24]
URL = f"/api/attachments/{ID}"


@pytest.fixture
async def attachments(storage: Storage, clock: ManualClock, tmp_path: Path) -> Attachments:
    async def work(tx: Transaction) -> None:
        for user in ("ann", "bob"):
            await tx.execute(
                "INSERT INTO user (id, name, email, created_at, updated_at) VALUES (?, '', ?, '', '')", (user, user)
            )

    await storage.write(work)
    return Attachments(storage, tmp_path / "files", clock)


@pytest.fixture
def extractor(attachments: Attachments) -> ImageExtractor:
    return ImageExtractor(attachments)


def state_event(*messages: object, **more: object) -> bytes:
    return json.dumps({"type": "session_active", "state": {"messages": list(messages), "cwd": "/w"}, **more}).encode()


def message(*blocks: object) -> dict[str, object]:
    return {"role": "user", "content": list(blocks)}


def image(**more: object) -> dict[str, object]:
    return {"type": "image", "data": ENCODED, "mimeType": "image/png", **more}


async def run(extractor: ImageExtractor, event: bytes, where: Where = "state", user: str = "ann") -> dict[str, object]:
    assert extractor.needs(event)
    parsed = json.loads(await extractor.extract(user, "s1", event, where))
    assert isinstance(parsed, dict)
    return parsed


def messages_of(event: dict[str, object]) -> list[dict[str, object]]:
    state = event.get("state")
    found = state["messages"] if isinstance(state, dict) else event["messages"]
    assert isinstance(found, list)
    return found


async def test_an_image_becomes_a_link_and_every_other_field_stays(
    extractor: ImageExtractor, attachments: Attachments
) -> None:
    event = await run(extractor, state_event({"role": "a"}, message({"type": "text"}, image(alt="x")), other=1))
    assert event["_imagesStripped"] is True
    assert event["other"] == 1
    assert messages_of(event) == [
        {"role": "a"},
        message(
            {"type": "text"},
            {
                "type": "image",
                "mimeType": "image/png",
                "alt": "x",
                "source": {"type": "url", "url": URL, "extracted": True, "originalSizeBytes": len(BIG)},
            },
        ),
    ]
    stored = await attachments.get(ID)
    assert stored is not None
    assert (stored.owner_user_id, stored.uploader_user_id, stored.kind) == ("ann", "system", "extracted")
    assert (stored.mime_type, stored.size, stored.disk_name) == ("image/png", len(BIG), f"extracted-{ID}.png")
    file = await attachments.open(stored)
    assert file is not None
    with file:
        assert file.read() == BIG


@pytest.mark.parametrize(
    ("block", "mime"),
    [
        ({"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": ENCODED}}, "image/jpeg"),
        ({"type": "image", "source": {"mediaType": "image/webp", "data": ENCODED}}, "image/webp"),
        ({"type": "image", "data": f"data:image/gif;base64,{ENCODED}"}, "image/png"),
        ({"type": "image", "data": ENCODED, "mimeType": "text/html"}, "application/octet-stream"),
        ({"type": "image", "data": ENCODED, "mimeType": "image/png; x"}, "application/octet-stream"),
        ({"type": "image", "data": ENCODED, "mimeType": 5}, "application/octet-stream"),
        ({"type": "image", "data": ENCODED, "mimeType": "image/SVG+xml"}, "image/svg+xml"),
    ],
)
async def test_the_type_is_the_declared_one_when_it_is_an_images(
    extractor: ImageExtractor, attachments: Attachments, block: dict[str, object], mime: str
) -> None:
    event = await run(extractor, state_event(message(block)))
    assert "data" not in json.dumps(messages_of(event)[0]).replace("/api", "")
    stored = await attachments.get(ID)
    assert stored is not None
    assert stored.mime_type == mime


async def test_messages_of_chunks_and_turn_ends_are_handled_too(extractor: ImageExtractor) -> None:
    event = json.dumps({"type": "session_messages_chunk", "chunkIndex": 0, "messages": [message(image())]}).encode()
    rewritten = await run(extractor, event, "messages")
    assert rewritten["_imagesStripped"] is True
    assert URL in json.dumps(messages_of(rewritten))


async def test_a_repeated_snapshot_stores_nothing_twice(
    extractor: ImageExtractor, storage: Storage, tmp_path: Path
) -> None:
    event = state_event(message(image()), message(image()))
    first = await run(extractor, event)
    written = [path.stat().st_mtime_ns for path in (tmp_path / "files").iterdir()]
    assert await run(extractor, event) == first
    assert [path.stat().st_mtime_ns for path in (tmp_path / "files").iterdir()] == written
    assert len(await storage.fetch_all("SELECT * FROM attachment")) == 1
    assert len(await storage.fetch_all("SELECT * FROM attachment_session")) == 1


async def test_each_user_has_an_attachment_of_their_own(extractor: ImageExtractor, storage: Storage) -> None:
    await run(extractor, state_event(message(image())))
    await run(extractor, state_event(message(image())), user="bob")
    rows = await storage.fetch_all("SELECT owner_user_id FROM attachment ORDER BY owner_user_id")
    assert [row["owner_user_id"] for row in rows] == ["ann", "bob"]


_SMALL = base64.b64encode(bytes(MIN_IMAGE - 1)).decode()


@pytest.mark.parametrize(
    "event",
    [
        state_event(message({"type": "image", "data": _SMALL})),
        state_event(message({"type": "image", "data": "!" * 20_000})),
        state_event(message(image(source={"extracted": True}))),
        state_event(message({"type": "text", "text": "image " * 5000}, {"type": "image"})),
        state_event({"role": "user", "content": "x" * 20_000, "kind": "image"}),
        state_event("image", "x" * 20_000, 5, None, ["image"]),
        json.dumps({"state": {"messages": {"content": image()}}}).encode(),
        json.dumps({"state": [image()]}).encode(),
        json.dumps([image()]).encode(),
        b'{"state":{"messages":["image"' + b" " * 20_000,
    ],
)
async def test_without_a_large_image_the_very_same_bytes_come_back(
    extractor: ImageExtractor, storage: Storage, event: bytes
) -> None:
    assert await extractor.extract("ann", "s1", event, "state") is event
    assert await storage.fetch_all("SELECT * FROM attachment") == []


async def test_an_image_of_exactly_the_limit_is_extracted(extractor: ImageExtractor) -> None:
    block = {"type": "image", "data": base64.b64encode(bytes(MIN_IMAGE)).decode()}
    assert (await run(extractor, state_event(message(block))))["_imagesStripped"] is True


async def test_a_lone_surrogate_survives(extractor: ImageExtractor) -> None:
    event = await run(extractor, state_event(message({"type": "text", "text": "\ud83d"}, image()), extra="\udc00"))
    assert event["extra"] == "\udc00"
    content = messages_of(event)[0]["content"]
    assert isinstance(content, list)
    assert content[0] == {"type": "text", "text": "\ud83d"}


async def test_a_full_disk_keeps_the_original(extractor: ImageExtractor, tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the directory should be")
    event = state_event(message(image()))
    assert await extractor.extract("ann", "s1", event, "state") is event


async def test_a_failing_database_keeps_the_original(extractor: ImageExtractor, storage: Storage) -> None:
    await storage.close()
    event = state_event(message(image()))
    assert await extractor.extract("ann", "s1", event, "state") is event


def test_events_without_an_image_need_no_thread(extractor: ImageExtractor) -> None:
    assert not extractor.needs(state_event(message({"type": "text", "text": "x" * 50_000})))
    assert not extractor.needs(state_event(message({"type": "image"})))


async def test_a_user_who_was_just_removed_keeps_the_original(extractor: ImageExtractor) -> None:
    event = state_event(message(image()))
    assert await extractor.extract("removed", "s1", event, "state") == event


async def test_a_large_event_does_not_hold_the_loop_for_long(extractor: ImageExtractor) -> None:
    blocks = [
        message({"type": "image", "data": base64.b64encode(bytes([number]) * 3_000_000).decode()})
        for number in range(6)
    ]
    event = state_event(*blocks)
    worst, running = 0.0, True

    async def watch() -> None:
        nonlocal worst
        last = time.perf_counter()
        while running:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            worst, last = max(worst, now - last), now

    watcher = asyncio.create_task(watch())
    rewritten = await extractor.extract("ann", "s1", event, "state")
    running = False
    await watcher
    assert len(rewritten) < 5000
    # 24 MB of JSON; one decode of it alone holds the interpreter for some 20 ms on a slow machine.
    assert worst < 0.25


_BLOCK = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["image", "text"]), "data": st.sampled_from([ENCODED, "", "x"])}),
    st.just(image()),
    st.just({"type": "image", "source": {"data": ENCODED, "media_type": "image/png"}}),
    st.integers(),
    st.text(max_size=5),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(_BLOCK, max_size=3), max_size=4))
def test_nothing_but_large_images_changes(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[object]]
) -> None:
    asyncio.run(_compare(tmp_path_factory.mktemp("images"), contents))


async def _compare(directory: Path, contents: list[list[object]]) -> None:
    storage = await Storage.open(directory / "relay.db")

    async def work(tx: Transaction) -> None:
        await tx.execute("INSERT INTO user (id, name, email, created_at, updated_at) VALUES ('ann', '', '', '', '')")

    await storage.write(work)
    extractor = ImageExtractor(Attachments(storage, directory / "files", ManualClock()))
    event = state_event(*(message(*blocks) for blocks in contents))
    after = messages_of(json.loads(await extractor.extract("ann", "s1", event, "state")))
    for before, blocks in zip(contents, after, strict=True):
        content = blocks["content"]
        assert isinstance(content, list)
        for old, new in zip(before, content, strict=True):
            if isinstance(old, dict) and old["type"] == "image" and ENCODED in json.dumps(old):
                assert new["source"]["url"] == URL
                assert ENCODED not in json.dumps(new)
            else:
                assert new == old
    await storage.close()
