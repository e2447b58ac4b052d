"""Read what an agent says of itself when it registers (sockets-agents.md 2.3)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from relay.sessions.effects import MAX_PATH, clean_name, storable


@dataclass(frozen=True, slots=True)
class Agent:
    """Describe who registers and what it asked for, normalised (2.3, Request)."""

    user_id: str
    user_name: str
    session_id: str | None
    cwd: str
    ephemeral: bool
    collab_mode: bool
    name: str | None
    session_file: str | None
    parent_id: str | None
    acks_trigger: bool
    share_base: str

    @classmethod
    def read(cls, user_id: str, user_name: str, share_base: str, body: dict[str, object]) -> Agent:
        """Read a `register` body; fields of another type than the contract's count as absent."""
        session_file = body.get("sessionFile")
        cwd = body.get("cwd")
        return cls(
            user_id=user_id,
            user_name=user_name,
            session_id=clean_name(body.get("sessionId")),
            cwd=storable(cwd)[:MAX_PATH] if isinstance(cwd, str) else "",
            ephemeral=body.get("ephemeral") is not False,
            collab_mode=body.get("collabMode") is not False,
            name=clean_name(body.get("sessionName")),
            session_file=storable(session_file)[:MAX_PATH] if isinstance(session_file, str) and session_file else None,
            parent_id=clean_name(body.get("parentSessionId")),
            acks_trigger=body.get("acksSessionTrigger") is True,
            share_base=share_base,
        )


def new_token() -> str:
    """Make an ownership proof: 32 random bytes in hex (2.3)."""
    return secrets.token_hex(32)
