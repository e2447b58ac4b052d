"""Check who calls an event of `/relay`, and answer every acknowledged event explicitly (sockets-agents.md 1.5)."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from relay.realtime import Ack, Socket
from relay.sessions.links.links import usable_id
from relay.sessions.registry import SessionRegistry
from relay.sessions.session import AgentSession

log = logging.getLogger(__name__)

INVALID_TOKEN: Final = "Invalid token"  # noqa: S105 - the contract's text
#: The texts of 2.2; the client looks for both as substrings and stops at once (2.2, 2.13).
FOREIGN_TARGET: Final = "Target session belongs to a different user"
NOT_THE_PARENT: Final = "Sender is not the parent of the target session (linked relationship is broken or stale)"
#: Answers an event whose handler failed: an empty ack would count as success (1.5).
FAILED: Final = "The relay could not carry this out"

Payload = Mapping[str, object]
EventHandler = Callable[[Socket, Payload, Ack], Awaitable[None]]


class CallFailed(Exception):
    """Carry the error text of an acknowledged event; `tell` asks for an `error` event as well."""

    def __init__(self, message: str, *, tell: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.tell = tell


def sender(registry: SessionRegistry, socket: Socket, payload: Payload) -> AgentSession:
    """Answer the session that speaks on this socket with its current token; raises CallFailed `Invalid token`."""
    session = registry.by_socket(socket)
    token = payload.get("token")
    if session is None or not isinstance(token, str) or not same_token(session.token, token):
        raise CallFailed(INVALID_TOKEN)
    return session


def same_token(held: str, given: str) -> bool:
    """Compare two tokens in constant time; an empty one equals nothing."""
    return bool(held) and hmac.compare_digest(held.encode(), given.encode("utf-8", "surrogatepass"))


def text(payload: Payload, key: str) -> str:
    """Answer a string field, "" when it is missing or of another type."""
    value = payload.get(key)
    return value if isinstance(value, str) else ""


def identifier(payload: Payload, key: str) -> str:
    """Answer an id field, "" when it is missing or can be no key of ours."""
    value = text(payload, key)
    return value if usable_id(value) else ""


def answered(handler: EventHandler) -> Callable[[Socket, object, Ack], Awaitable[None]]:
    """Wrap a handler so that each of its ends is acknowledged explicitly.

    A CallFailed becomes `{ok: false, error}` and, when it asks for it, an `error` event. A failure of ours is logged
    and answered the same way. A handler that returns without an ack of its own has succeeded.
    """

    async def on_event(socket: Socket, payload: object, ack: Ack) -> None:
        try:
            await handler(socket, payload if isinstance(payload, dict) else {}, ack)
        except CallFailed as failure:
            if failure.tell:
                socket.emit("error", {"message": failure.message})
            ack({"ok": False, "error": failure.message})
        except Exception:
            log.exception("event handler failed")
            ack({"ok": False, "error": FAILED})
        else:
            ack({"ok": True})

    return on_event
