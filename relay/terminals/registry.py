"""Own the terminals, who watches them, and the timers that end what nobody needs (sockets-browsers.md 5.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final
from uuid import uuid4

from relay.clock import Clock
from relay.realtime import Socket
from relay.terminals.limits import TerminalLimits
from relay.terminals.terminal import Size, Terminal

log = logging.getLogger(__name__)

#: Columns and rows of a terminal that nobody measured (rest-runners.md 5.4).
DEFAULT_SIZE: Final = (80, 24)
#: An id is a UUID of ours; a runner that reports a longer one reports nothing that we made.
_MAX_ID: Final = 64


class TooManyTerminals(Exception):
    """Say that a user has as many open terminals as one may have."""


class Terminals:
    """Find terminals by id, by runner and by the browser that watches, and let each go in time.

    All changes are synchronous. `kill` is told of a terminal whose shell should be ended at its runner.
    """

    def __init__(self, clock: Clock, limits: TerminalLimits, kill: Callable[[Terminal], None]) -> None:
        self._clock = clock
        self._limits = limits
        self._kill = kill
        self._by_id: dict[str, Terminal] = {}
        self._by_socket: dict[Socket, Terminal] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    async def close(self) -> None:
        """Stop every timer and forget everything; nobody is told, since browsers and runners come back (4.4)."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        terminals = list(self._by_id.values())
        self._by_id.clear()
        self._by_socket.clear()
        for terminal in terminals:
            await terminal.close()

    def create(self, runner_id: str, user_id: str, cwd: str | None, size: Size) -> Terminal:
        """Register a terminal that waits for its first browser; raises TooManyTerminals."""
        return self._add(str(uuid4()), runner_id, user_id, cwd, size)

    def adopt(self, terminal_id: str, runner_id: str, user_id: str) -> Terminal | None:
        """Take up a running shell that a runner reports and that is not known here, or was given up with its link.

        None when the id can't be one of ours, is another's, or the user has too many terminals.
        """
        terminal = self._by_id.get(terminal_id)
        if terminal is not None:
            if (terminal.runner_id, terminal.user_id) != (runner_id, user_id) or terminal.killed:
                return None
            if terminal.ended:
                terminal.revive()
                self._schedule(terminal)
            return terminal
        if not terminal_id or len(terminal_id) > _MAX_ID:
            return None
        try:
            terminal = self._add(terminal_id, runner_id, user_id, None, Size(*DEFAULT_SIZE))
        except TooManyTerminals:
            log.warning("terminal not taken up, there are too many", extra={"runner_id": runner_id})
            return None
        terminal.spawned = True
        terminal.set_ready()
        self._schedule(terminal)
        return terminal

    def get(self, terminal_id: str) -> Terminal | None:
        """Answer a terminal that was not removed."""
        return self._by_id.get(terminal_id)

    def of_runner(self, runner_id: str, user_id: str) -> list[Terminal]:
        """Answer a user's terminals on a runner, oldest first."""
        return [
            terminal
            for terminal in self._by_id.values()
            if terminal.runner_id == runner_id and terminal.user_id == user_id
        ]

    def watched(self, socket: Socket) -> Terminal | None:
        """Answer the terminal that a browser's socket is attached to."""
        return self._by_socket.get(socket)

    def attach(self, terminal: Terminal, socket: Socket) -> None:
        """Let a browser watch a terminal, beginning with what was kept."""
        self._by_socket[socket] = terminal
        terminal.attach(socket)
        self._schedule(terminal)

    def detach(self, socket: Socket) -> None:
        """Let a browser go; an ended terminal goes with it, a running one stays."""
        terminal = self._by_socket.pop(socket, None)
        if terminal is None:
            return
        terminal.detach(socket)
        if terminal.ended:
            self._remove(terminal)
        else:
            terminal.last_output = max(terminal.last_output, _now())
            self._schedule(terminal)

    def printed(self, terminal: Terminal, data: bytes) -> None:
        """Show output, given as the JSON string of its Base64 text."""
        terminal.last_output = _now()
        terminal.output(data)

    def exited(self, terminal: Terminal, exit_code: int) -> None:
        """Tell the browsers that the shell is gone; only the first end counts."""
        self._end(terminal, "terminal_exit", b'"exitCode":%d' % exit_code)

    def failed(self, terminal: Terminal, message: bytes) -> None:
        """Tell the browsers what went wrong, with the message as JSON text, and end the terminal."""
        self._end(terminal, "terminal_error", b'"message":' + message)

    def give_up(self, terminals: Iterable[Terminal]) -> None:
        """End terminals that can't be reached any more (sockets-agents.md 3.12)."""
        for terminal in list(terminals):
            self.exited(terminal, -1)

    def _add(self, terminal_id: str, runner_id: str, user_id: str, cwd: str | None, size: Size) -> Terminal:
        taken = sum(terminal.user_id == user_id and not terminal.ended for terminal in self._by_id.values())
        if taken >= self._limits.open_per_user:
            raise TooManyTerminals
        terminal = Terminal(terminal_id, runner_id, user_id, cwd, size, self._clock.now_ms(), self._limits)
        self._by_id[terminal_id] = terminal
        self._schedule(terminal)
        return terminal

    def _end(self, terminal: Terminal, event: str, field: bytes) -> None:
        if terminal.ended:
            return
        terminal.end(event, field)
        log.info("terminal ended", extra={"terminal_id": terminal.id, "how": event})
        self._schedule(terminal)

    def _schedule(self, terminal: Terminal) -> None:
        """Set the one timer that the terminal's state asks for."""
        timer = self._timers.pop(terminal.id, None)
        if timer is not None:
            timer.cancel()
        limits = self._limits
        if terminal.ended:
            self._after(terminal, limits.ended_watched_for if terminal.watched_by else limits.ended_unwatched_for)
        elif not terminal.watched_by:
            self._after(terminal, limits.abandoned_for if terminal.spawned else limits.unspawned_for)

    def _after(self, terminal: Terminal, seconds: float) -> None:
        self._timers[terminal.id] = asyncio.get_running_loop().call_later(seconds, self._due, terminal)

    def _due(self, terminal: Terminal) -> None:
        if terminal.spawned and not terminal.ended:
            left = terminal.last_output + self._limits.abandoned_for - _now()
            if left > 0:
                self._after(terminal, left)
                return
            log.info("terminal killed, nobody came back", extra={"terminal_id": terminal.id})
            self._kill(terminal)
        self._remove(terminal)

    def _remove(self, terminal: Terminal) -> None:
        timer = self._timers.pop(terminal.id, None)
        if timer is not None:
            timer.cancel()
        if self._by_id.get(terminal.id) is terminal:
            del self._by_id[terminal.id]
        # The browsers stay connected, as upstream leaves them; what they send has no meaning any more.
        for socket in terminal.watched_by:
            self._by_socket.pop(socket, None)
            terminal.detach(socket)


def _now() -> float:
    return asyncio.get_running_loop().time()
