"""Cut what is open when the right to it ends (tunnel.md 5.3, BEAT)."""

from __future__ import annotations

from collections.abc import Callable

from relay.events import Bus, CredentialsRevoked, RunnerConnected, SessionEndedForGood, UserRemoved
from relay.tunnel.access_record import Access
from relay.tunnel.failures import REVOKED
from relay.tunnel.links import TunnelLinks


class Revocation:
    """Listen for ends: of credentials, users and sessions, and of a user's claim to a runner."""

    def __init__(self, links: TunnelLinks, bus: Bus) -> None:
        self._links = links
        bus.subscribe(CredentialsRevoked, self._credentials)
        bus.subscribe(UserRemoved, lambda event: self._cut(lambda access: access.user_id == event.user_id))
        bus.subscribe(SessionEndedForGood, lambda event: self._cut(lambda access: access.scope == event.session_id))
        bus.subscribe(RunnerConnected, self._runner)

    def _credentials(self, event: CredentialsRevoked) -> None:
        ids = event.credential_ids
        self._cut(lambda access: access.user_id == event.user_id and (not ids or access.credential_id in ids))

    def _runner(self, event: RunnerConnected) -> None:
        scope = f"runner:{event.runner_id}"
        self._cut(lambda access: access.scope == scope and access.user_id != event.user_id)

    def _cut(self, affected: Callable[[Access], bool]) -> None:
        for channel in self._links.channels:
            for stream in channel.streams:
                if affected(stream.access):
                    stream.cut(REVOKED)
