"""Write forms by hand, so that a test says what is on the wire."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from tests.viewers.house import House, Person

BOUNDARY = "----relay-test"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Answer:
    """One answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def part(name: str, data: bytes, *, filename: str | None = None, content_type: str | None = None) -> bytes:
    """Write one part, as browsers do."""
    head = f'Content-Disposition: form-data; name="{name}"'
    if filename is not None:
        head += f'; filename="{filename}"'
    if content_type is not None:
        head += f"\r\nContent-Type: {content_type}"
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    """Write a whole form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def ask(
    house: House, method: str, path: str, *, data: object = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request."""
    # aiohttp's client warns of large bodies given as bytes.
    data = io.BytesIO(data) if isinstance(data, bytes) else data
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
        client.request(method, house.url + path, data=data, headers=headers) as response,
    ):
        return Answer(response.status, response.headers, await response.read())


async def upload(
    house: House, person: Person, body: object, session_id: str = "s1", content_type: str = FORM_TYPE
) -> Answer:
    """Send a form to a session."""
    headers = {"x-api-key": person.key, "Content-Type": content_type}
    return await ask(house, "POST", f"/api/sessions/{session_id}/attachments", data=body, headers=headers)
