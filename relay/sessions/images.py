"""Move large inline images out of transcripts into the attachment store (sockets-agents.md 2.8, rest-account.md 9.5).

An event stays bytes: only messages that carry an image are decoded. Everything heavy runs in a thread.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import logging
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from relay import jsontext
from relay.attachments.attachments import Attachments, Image
from relay.attachments.files import AttachmentFiles
from relay.attachments.names import extracted_name, image_type
from relay.sessions.heads import join_array, join_object, split_array, split_object

log = logging.getLogger(__name__)

#: Smaller images stay where they are, in bytes (2.8).
MIN_IMAGE: Final = 10_240
#: No message with fewer bytes of JSON can hold such an image in base64.
_MIN_MESSAGE: Final = MIN_IMAGE * 4 // 3
_MARK: Final = b'"image"'
#: Events worked on at the same time; each holds a few copies of its bytes.
_AT_ONCE: Final = 2

Where = Literal["state", "messages"]


@dataclass(slots=True)
class _Work:
    """Collect what one event gives away."""

    user_id: str
    files: AttachmentFiles
    images: dict[str, Image] = field(default_factory=dict)


class ImageExtractor:
    """Extract images; file and rows are written before the rewritten event is answered."""

    def __init__(self, attachments: Attachments) -> None:
        self._attachments = attachments
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def needs(self, event: bytes) -> bool:
        """Tell cheaply whether an event may carry an image worth extracting."""
        return len(event) >= _MIN_MESSAGE and _MARK in event

    async def extract(self, user_id: str, session_id: str, event: bytes, where: Where) -> bytes:
        """Answer the event with its large images replaced by links, marked `_imagesStripped`.

        `where` says where the messages are: in `state.messages` or in `messages`. Without an image, and when anything
        fails, the very same bytes are answered.
        """
        work = _Work(user_id, self._attachments.files)
        try:
            async with self._slots:
                rewritten = await asyncio.to_thread(_rewrite, event, where, work)
            if rewritten is None:
                return event
            await self._attachments.keep_images(user_id, session_id, list(work.images.values()))
        except Exception:
            # Whatever it is, the snapshot goes on with its images in it (2.4, step A).
            log.exception("images not extracted", extra={"session_id": session_id})
            return event
        return rewritten


def _rewrite(event: bytes, where: Where, work: _Work) -> bytes | None:
    """Answer the event without its images, or None when there are none; writes the files."""
    members = split_object(event)
    if members is None:
        return None
    outer: dict[str, bytes | msgspec.Raw] = dict(members)
    if where == "state":
        state = split_object(members.get("state", b"null"))
        if state is None:
            return None
        inner: dict[str, bytes | msgspec.Raw] = dict(state)
        messages = _without_images(state.get("messages", b"null"), work)
        if messages is None:
            return None
        inner["messages"] = messages
        outer["state"] = join_object(inner)
    else:
        messages = _without_images(members.get("messages", b"null"), work)
        if messages is None:
            return None
        outer["messages"] = messages
    outer["_imagesStripped"] = b"true"
    return join_object(outer)


def _without_images(messages: bytes | msgspec.Raw, work: _Work) -> bytes | None:
    items = split_array(messages)
    if items is None:
        return None
    changed = False
    for index, item in enumerate(items):
        if len(item_bytes := bytes(item)) < _MIN_MESSAGE or _MARK not in item_bytes:
            continue
        message = jsontext.loads(item_bytes)
        if isinstance(message, dict) and _strip(message, work):
            items[index] = msgspec.Raw(jsontext.dumps(message))
            changed = True
    return join_array(items) if changed else None


def _strip(message: dict[str, object], work: _Work) -> bool:
    """Replace the image blocks of one decoded message in place; answer whether there was one."""
    content = message.get("content")
    if not isinstance(content, list):
        return False
    changed = False
    for index, block in enumerate(content):
        if isinstance(block, dict) and block.get("type") == "image":
            replaced = _replaced(block, work)
            if replaced is not None:
                content[index] = replaced
                changed = True
    return changed


def _replaced(block: dict[str, object], work: _Work) -> dict[str, object] | None:
    source = block.get("source")
    old_source: dict[str, object] = source if isinstance(source, dict) else {}
    if old_source.get("extracted") is True:
        return None
    inline = block.get("data") if isinstance(block.get("data"), str) else old_source.get("data")
    if not isinstance(inline, str) or len(inline) < _MIN_MESSAGE:
        return None
    encoded = inline.partition(",")[2] if inline.startswith("data:") else inline
    data = _decoded(encoded)
    if data is None or len(data) < MIN_IMAGE:
        return None
    declared = block.get("mimeType") or old_source.get("media_type") or old_source.get("mediaType") or "image/png"
    image = _stored(encoded, data, image_type(declared), work)
    kept = {key: value for key, value in block.items() if key != "data"}
    kept["source"] = {
        **{key: value for key, value in old_source.items() if key != "data"},
        "type": "url",
        "url": f"/api/attachments/{image.attachment_id}",
        "extracted": True,
        "originalSizeBytes": image.size,
    }
    return kept


def _stored(encoded: str, data: bytes, mime_type: str, work: _Work) -> Image:
    """Write an image's file unless it is there already; raises OSError."""
    digest = hashlib.sha256(f"{work.user_id}:{encoded}".encode("utf-8", "surrogatepass")).hexdigest()
    image = Image(digest[:24], mime_type, len(data))
    if image.attachment_id not in work.images:
        name = extracted_name(image.attachment_id, mime_type)
        if not work.files.has(name, image.size):
            work.files.write(name, data)
        work.images[image.attachment_id] = image
    return image


def _decoded(encoded: str) -> bytes | None:
    """Decode base64 as leniently as the clients do; None for what is none."""
    try:
        return binascii.a2b_base64(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return None
