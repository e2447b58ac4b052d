"""Put the parts of the terminals room together, once for the application and for its tests."""

from __future__ import annotations

from relay.clock import Clock
from relay.events import Bus
from relay.http.routes import Route
from relay.realtime import Authenticator, Realtime
from relay.runners.registry import RunnerRegistry
from relay.terminals.limits import TerminalLimits
from relay.terminals.registry import Terminals
from relay.terminals.routes import TerminalRoutes
from relay.terminals.sockets import TerminalSockets
from relay.terminals.terminal import NAMESPACE, Terminal


class TerminalRoom:
    """Own every part of the room."""

    def __init__(self, runners: RunnerRegistry, clock: Clock, bus: Bus, limits: TerminalLimits | None = None) -> None:
        """`runners` are the live ones; the bus tells when one comes or goes."""
        limits = limits or TerminalLimits()
        self._runners = runners
        self.terminals = Terminals(clock, limits, self._kill)
        self._sockets = TerminalSockets(runners, self.terminals, limits, bus)

    def attach(self, realtime: Realtime, authenticate: Authenticator) -> None:
        """Add the room's events to `/terminal` and `/runner`."""
        self._sockets.attach(realtime.namespace(NAMESPACE), realtime.namespace("/runner"), authenticate)

    def routes(self) -> list[Route]:
        """Answer the room's rows."""
        return TerminalRoutes(self._runners, self.terminals).table()

    async def close(self) -> None:
        """Stop the timers and let everything go."""
        await self.terminals.close()

    def _kill(self, terminal: Terminal) -> None:
        self._sockets.kill(terminal)
