"""Hold one live terminal: what the runner said of it and the browsers that watch it (sockets-browsers.md 5.2)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from relay.jsontext import dumps
from relay.realtime import Packet, Socket
from relay.terminals.limits import TerminalLimits
from relay.terminals.scrollback import Scrollback

NAMESPACE: Final = "/terminal"

#: ESC c (ECMA-48 RIS, "reset to initial state") in Base64: empties the screen and the history of a terminal emulator.
_RESET: Final = b'"G2M="'
#: How long one look at a slow browser's queue takes at most, in seconds; then comes the next.
_LOOK: Final = 30.0


@dataclass(slots=True)
class Size:
    """Measure a terminal in characters."""

    cols: int
    rows: int


class _Viewer:
    """One browser's socket, and whether it keeps up."""

    __slots__ = ("catching_up", "socket", "unlooked")

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        #: Bytes sent since its queue was looked at; looking at every message would cost more than sending it.
        self.unlooked = 0
        self.catching_up: asyncio.Task[None] | None = None


class Terminal:
    """Show one shell to any number of browsers of its owner.

    Attributes are read freely; the registry and the socket handlers change them. `spawned`: a resize claimed the spawn.
    `ready`: the runner confirmed it, once. `ended`: exit or error was told, which is the last thing that browsers hear.
    `killed`: the runner was told to end it. `link` is the runner socket that the shell was ordered on or reported from.
    `last_output` is on the loop's clock.
    """

    __slots__ = (
        "_ending",
        "_limits",
        "_scrollback",
        "_shown",
        "_viewers",
        "created_ms",
        "cwd",
        "ended",
        "head",
        "id",
        "killed",
        "last_output",
        "link",
        "ready",
        "runner_id",
        "size",
        "spawned",
        "user_id",
    )

    def __init__(
        self,
        terminal_id: str,
        runner_id: str,
        user_id: str,
        cwd: str | None,
        size: Size,
        created_ms: int,
        limits: TerminalLimits,
    ) -> None:
        self.id = terminal_id
        self.runner_id = runner_id
        self.user_id = user_id
        self.cwd = cwd
        self.size = size
        self.created_ms = created_ms
        self.spawned = False
        self.ready = False
        self.killed = False
        self.ended = False
        self.link: Socket | None = None
        self.last_output = 0.0
        #: The start of every payload about this terminal, as JSON text.
        self.head = b'{"terminalId":' + dumps(terminal_id)
        self._limits = limits
        self._viewers: dict[Socket, _Viewer] = {}
        self._scrollback = Scrollback(limits.scrollback_messages, limits.scrollback_bytes)
        self._shown = False
        self._ending: Packet | None = None

    @property
    def watched_by(self) -> tuple[Socket, ...]:
        """Answer the sockets of the browsers that watch, in the order of their coming."""
        return tuple(self._viewers)

    def attach(self, socket: Socket) -> None:
        """Let a browser watch: it gets what was kept first, and everything from here on."""
        self._viewers[socket] = _Viewer(socket)
        self._replay(socket)

    def detach(self, socket: Socket) -> None:
        """Let a browser go."""
        viewer = self._viewers.pop(socket, None)
        if viewer is not None and viewer.catching_up is not None:
            viewer.catching_up.cancel()

    def set_ready(self) -> None:
        """Tell that the shell runs."""
        self.ready = True
        self._send(self._packet("terminal_ready", b""))

    def output(self, data: bytes) -> None:
        """Show output, given as the JSON string of its Base64 text, and keep it for those who come later."""
        self._scrollback.add(data)
        if not self._viewers:
            return
        self._shown = True
        packet = self._output_packet(data)
        size = len(data)
        for viewer in self._viewers.values():
            if viewer.catching_up is not None:
                continue
            viewer.unlooked += size
            if viewer.unlooked > self._limits.lag_bytes // 8:
                viewer.unlooked = 0
                if viewer.socket.backlog > self._limits.lag_bytes:
                    viewer.catching_up = asyncio.create_task(self._catch_up(viewer), name="terminal catch-up")
                    continue
            viewer.socket.send(packet)

    def end(self, event: str, field: bytes) -> None:
        """Tell that the shell ended, with `field` as the JSON text of the member that says how (`"exitCode":0`)."""
        self.ended = True
        self._ending = self._packet(event, b"," + field)
        self._send(self._ending)

    def revive(self) -> None:
        """Go on with a shell that was given up with its runner's connection and turned out to live."""
        self.ended = False
        self._ending = None
        self.set_ready()

    async def close(self) -> None:
        """Stop what runs for the browsers and forget them."""
        tasks = [viewer.catching_up for viewer in self._viewers.values() if viewer.catching_up is not None]
        self._viewers.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _send(self, packet: Packet) -> None:
        """Send something other than output; a browser that is behind gets it with the scrollback."""
        for viewer in self._viewers.values():
            if viewer.catching_up is None:
                viewer.socket.send(packet)

    def _replay(self, socket: Socket) -> None:
        if self.ready:
            socket.send(self._packet("terminal_ready", b""))
        if len(self._scrollback):
            if self._shown:
                # A page that comes back after a lost connection has not cleared its screen (5.2).
                socket.send(self._output_packet(_RESET))
            self._shown = True
            for data in self._scrollback:
                socket.send(self._output_packet(data))
        if self._ending is not None:
            socket.send(self._ending)

    async def _catch_up(self, viewer: _Viewer) -> None:
        """Wait until a slow browser took what is queued for it, then give it the newest output at once."""
        socket = viewer.socket
        while socket.connected:
            try:
                await socket.drained(self._limits.lag_bytes // 8, timeout=_LOOK)
            except TimeoutError:
                continue
            break
        viewer.catching_up = None
        self._replay(socket)

    def _output_packet(self, data: bytes) -> Packet:
        return self._packet("terminal_data", b',"data":' + data)

    def _packet(self, event: str, members: bytes) -> Packet:
        """Encode an event for the browsers; they find its name in the payload too (sockets-agents.md 3.10)."""
        return Packet.spliced(NAMESPACE, event, b'%b%b,"type":"%b"}' % (self.head, members, event.encode()))
