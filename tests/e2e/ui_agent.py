"""Be a session's worker that says whatever a test scripts, at any rate, so that a page has something to show."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Final, Self

import socketio

from tests.e2e.waiting import Signal

_NAMESPACE: Final = "/relay"

Json = dict[str, object]


class UiAgent:
    """Register one session on `/relay` and publish its events; `inputs` are the prompts that arrived."""

    def __init__(self, url: str, key: str, *, cwd: str = "/home/me/fetchkit", name: str = "") -> None:
        self.url = url
        self.key = key
        self.cwd = cwd
        self.name = name
        self.session_id = str(uuid.uuid4())
        self.changed = Signal()
        self.inputs: list[Mapping[str, object]] = []
        self._token = ""
        self._seq = 0
        self._acked = 0
        self._client = socketio.AsyncClient(reconnection=False, websocket_extra_options={"max_msg_size": 0})

    async def __aenter__(self) -> Self:
        registered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def on_event(name: str, payload: object = None, *_more: object) -> bool | None:
            body = payload if isinstance(payload, Mapping) else {}
            if name == "registered" and not registered.done():
                self.session_id = str(body["sessionId"])
                registered.set_result(str(body["token"]))
            elif name == "event_ack":
                self._acked = max(self._acked, int(str(body.get("seq", 0))))
            elif name == "input":
                self.inputs.append(body)
                self.changed.notify()
                return True
            self.changed.notify()
            return None

        self._client.on("*", on_event, namespace=_NAMESPACE)
        await self._client.connect(
            self.url,
            auth={"apiKey": self.key, "protocolVersion": 1, "clientVersion": "0.52.0"},
            namespaces=[_NAMESPACE],
            transports=["websocket"],
            wait_timeout=10,
        )
        hello = {"sessionId": self.session_id, "cwd": self.cwd, "collabMode": True, "sessionName": self.name or None}
        await self._client.emit("register", hello, namespace=_NAMESPACE)
        async with asyncio.timeout(20):
            self._token = await registered
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._client.disconnect()
        if self._client.eio.http is not None and not self._client.eio.http.closed:
            await self._client.eio.http.close()

    async def send(self, event: Mapping[str, object]) -> None:
        """Publish one event."""
        self._seq += 1
        body = {"sessionId": self.session_id, "token": self._token, "seq": self._seq, "event": event}
        await self._client.emit("event", body, namespace=_NAMESPACE)

    async def delivered(self) -> None:
        """Wait until the relay acknowledged everything that was sent."""
        await self.changed.until(lambda: self._acked >= self._seq, "acknowledgement of every event", 30)

    async def active(self, messages: Sequence[Mapping[str, object]], **state: object) -> None:
        """Publish a snapshot."""
        body = {"messages": list(messages), "cwd": self.cwd, "sessionName": self.name or None, **state}
        await self.send({"type": "session_active", "state": body})

    async def heartbeat(self, *, active: bool) -> None:
        """Say whether the agent is in a turn."""
        beat = {"type": "heartbeat", "active": active, "isCompacting": False, "ts": now(), "model": None}
        await self.send({**beat, "sessionName": self.name or None, "cwd": self.cwd, "queuedMessages": []})

    async def grow(self, partial: Mapping[str, object], kind: str = "text_delta") -> None:
        """Publish the assistant's message as far as it has come."""
        step = {"type": kind, "contentIndex": 0, "partial": partial}
        await self.send({"type": "message_update", "assistantMessageEvent": step})


def now() -> int:
    """Answer the time in milliseconds."""
    return int(time.time() * 1000)


def user(text: str, at: int) -> Json:
    """Make what a person said."""
    return {"role": "user", "timestamp": at, "content": text}


def said(at: int | None, *parts: Mapping[str, object], stop: str = "stop", **more: object) -> Json:
    """Make what an assistant said; without a time it is still growing."""
    ended: Json = {} if at is None else {"timestamp": at, "stopReason": stop}
    return {"role": "assistant", "content": list(parts), **ended, **more}


def text(words: str) -> Json:
    """Make a part of words."""
    return {"type": "text", "text": words}


def thought(words: str, seconds: int) -> Json:
    """Make a part of thinking."""
    return {"type": "thinking", "thinking": words, "durationSeconds": seconds}


def call(call_id: str, name: str, **arguments: object) -> Json:
    """Make a part that calls a tool."""
    return {"type": "toolCall", "id": call_id, "name": name, "arguments": arguments}


def result(at: int, call_id: str, name: str, output: str, *, failed: bool = False, **more: object) -> Json:
    """Make what a tool answered."""
    content = [{"type": "text", "text": output}]
    return {
        "role": "toolResult",
        "timestamp": at,
        "toolCallId": call_id,
        "toolName": name,
        "content": content,
        "isError": failed,
        **more,
    }
