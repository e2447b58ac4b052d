"""Hold one live runner: its profile, its services, its socket, and the JSON that browsers get of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relay.jsontext import dumps
from relay.realtime import Socket
from relay.runners.profile import Item, RunnerProfile

#: A runner has one or two things to warn of (3.8); more than this is a runner gone wrong.
MAX_WARNINGS: Final = 50
#: A warning is a sentence for a banner.
MAX_WARNING_LENGTH: Final = 2000

#: The lists of a service announce (sockets-agents.md 3.6).
ANNOUNCE_LISTS: Final = ("serviceIds", "disabledServiceIds", "panels", "triggerDefs", "sigilDefs", "sessionModes")
#: Those that RunnerInfo has from the first announce on, even empty; the others only when they hold something (3.3).
_ALWAYS_SHOWN: Final = frozenset(("serviceIds", "disabledServiceIds", "panels"))


class Runner:
    """Describe a registered runner; it lives from its registration to the close of its registered socket.

    A second registration of the same id keeps the object and changes its profile and socket. Attributes are read
    freely; they change only through the methods here, so that the cached JSON follows. `announce` is the cleaned
    service announce as the runner sent it, None before the first one. `owned_sessions` are ids of sessions that this
    runner proved to own (`session_ready`, adoption); a live record naming the runner counts as well (3.5).
    """

    __slots__ = (
        "_info",
        "agents",
        "announce",
        "announced_live",
        "hooks",
        "name",
        "owned_sessions",
        "platform",
        "plugins",
        "roots",
        "runner_id",
        "skills",
        "socket",
        "user_id",
        "user_name",
        "version",
        "warnings",
    )

    def __init__(self, runner_id: str, user_id: str, user_name: str, profile: RunnerProfile, socket: Socket) -> None:
        self.runner_id = runner_id
        self.user_id = user_id
        self.announce: Item | None = None
        self.warnings: list[str] = []
        self.owned_sessions: set[str] = set()
        self.reconnect(user_name, profile, socket)

    def reconnect(self, user_name: str, profile: RunnerProfile, socket: Socket) -> None:
        """Take over the profile and socket of a registration; service fields and warnings stay (3.2, steps 1 and 3)."""
        self.user_name = user_name
        self.name = profile.name
        self.roots = profile.roots
        self.skills = profile.skills
        self.agents = profile.agents
        self.plugins = profile.plugins
        self.hooks = profile.hooks
        self.version = profile.version
        self.platform = profile.platform
        self.socket = socket
        #: Whether this connection's services were broadcast to a viewer; the first broadcast is always a full one.
        self.announced_live = False
        self._info: bytes | None = None

    @property
    def connected(self) -> bool:
        """Tell whether its socket is up; False only in the moment between the close and its handling."""
        return self.socket.connected

    def emit(self, event: str, payload: object) -> None:
        """Send an event to the runner's registered socket."""
        self.socket.emit(event, payload)

    def set_skills(self, skills: list[Item]) -> None:
        """Replace the cached skills, already cleaned."""
        self.skills = skills
        self._info = None

    def set_agents(self, agents: list[Item]) -> None:
        """Replace the cached agents, already cleaned."""
        self.agents = agents
        self._info = None

    def set_plugins(self, plugins: list[Item]) -> None:
        """Replace the cached plugins, already cleaned."""
        self.plugins = plugins
        self._info = None

    def set_announce(self, announce: Item) -> None:
        """Replace the cached service announce, already cleaned; a list that it lacks counts as empty (3.6)."""
        self.announce = announce
        self._info = None

    def warn(self, message: str) -> bool:
        """Append a warning; answer False when it is there already or the list is full (3.8)."""
        message = message[:MAX_WARNING_LENGTH]
        if message in self.warnings or len(self.warnings) >= MAX_WARNINGS:
            return False
        self.warnings.append(message)
        self._info = None
        return True

    def clear_warnings(self) -> bool:
        """Empty the warnings; answer False when there were none (3.8)."""
        had_some = bool(self.warnings)
        self.warnings.clear()
        self._info = None
        return had_some

    def services(self, key: str) -> list[object]:
        """Answer one list of the service announce, `key` of ANNOUNCE_LISTS; empty before the first announce."""
        value = self.announce.get(key) if self.announce else None
        return value if isinstance(value, list) else []

    def info_json(self, session_count: int) -> bytes:
        """Answer RunnerInfo as JSON text (sockets-agents.md 3.3)."""
        return self._cached_info() + b',"sessionCount":%d}' % session_count

    def added_json(self) -> bytes:
        """Answer RunnerInfo of the profile alone, as `runner_added` has it: no service fields, no sessions (3.2)."""
        return dumps({**self._profile_fields(), "sessionCount": 0})

    def listed_json(self, sessions: Sequence[str]) -> bytes:
        """Answer the entry of `GET /api/runners` as JSON text; `sessions` are live ones (rest-runners.md 5.1)."""
        return b"".join(
            (
                self._cached_info(),
                b',"id":',
                dumps(self.runner_id),
                b',"connected":true,"sessionCount":%d,"sessions":' % len(sessions),
                dumps(list(sessions)),
                b"}",
            )
        )

    def _profile_fields(self) -> Item:
        return {
            "runnerId": self.runner_id,
            "name": self.name,
            "roots": self.roots,
            "skills": self.skills,
            "agents": self.agents,
            "plugins": self.plugins,
            "hooks": self.hooks,
            "version": self.version,
            "platform": self.platform,
        }

    def _cached_info(self) -> bytes:
        """Answer the encoded fields that only a method above changes, without the closing brace."""
        if self._info is None:
            fields = self._profile_fields()
            if self.announce is not None:
                for key in ANNOUNCE_LISTS:
                    if (value := self.services(key)) or key in _ALWAYS_SHOWN:
                        fields[key] = value
            if self.warnings:
                fields["warnings"] = self.warnings
            self._info = dumps(fields)[:-1]
        return self._info
