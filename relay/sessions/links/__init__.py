"""Know which session is whose child: membership, delink markers, unconfirmed delinks (sockets-agents.md 2.11)."""

from relay.sessions.links.links import LinkOutcome, Links, ParentState

__all__ = ["LinkOutcome", "Links", "ParentState"]
