"""Serve `/terminal` and the terminal events of `/runner` (sockets-browsers.md 5.2, sockets-agents.md 3.10)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from relay.accounts.handshake import Admission
from relay.events import Bus, RunnerConnected, RunnerDisconnected
from relay.jsontext import dumps
from relay.realtime import Ack, Authenticator, Namespace, Packet, Socket
from relay.runners.registry import RunnerRegistry
from relay.runners.runner import Runner
from relay.terminals.limits import TerminalLimits
from relay.terminals.registry import Terminals
from relay.terminals.size import measured
from relay.terminals.terminal import Terminal

log = logging.getLogger(__name__)

_RUNNER: Final = "/runner"


class _Input(msgspec.Struct):
    """What a browser types; its `terminalId` is not looked at (5.2)."""

    data: msgspec.Raw


class _Output(msgspec.Struct):
    """What a shell prints."""

    terminal_id: str = msgspec.field(name="terminalId")
    data: msgspec.Raw


_INPUT: Final = msgspec.json.Decoder(_Input)
_OUTPUT: Final = msgspec.json.Decoder(_Output)


class TerminalSockets:
    """Pass events between the browsers of a terminal and its runner. Nothing is acknowledged."""

    def __init__(self, runners: RunnerRegistry, terminals: Terminals, limits: TerminalLimits, bus: Bus) -> None:
        self._runners = runners
        self._terminals = terminals
        self._limits = limits
        bus.subscribe(RunnerConnected, self._runner_came)
        bus.subscribe(RunnerDisconnected, self._runner_went)

    def attach(self, terminal: Namespace, runner: Namespace, authenticate: Authenticator) -> None:
        """Add every handler to the two namespaces; `authenticate` admits browsers (1.2)."""
        terminal.authenticate(authenticate)
        terminal.on_connect(self._connected)
        terminal.on_disconnect(self._disconnected)
        terminal.on("terminal_input", self._input, raw=True)
        terminal.on("terminal_resize", self._resize)
        terminal.on("kill_terminal", self._kill)
        runner.on("terminal_ready", self._from_runner(self._ready))
        runner.on("terminal_data", self._data, raw=True)
        runner.on("terminal_exit", self._from_runner(self._exit))
        runner.on("terminal_error", self._from_runner(self._error))
        runner.on("terminals_list", self._listed)

    # Browsers

    async def _connected(self, socket: Socket) -> None:
        terminal_id = _wanted(socket)
        terminal = self._terminals.get(terminal_id)
        if not terminal_id:
            _turn_away(socket, terminal_id, "Missing terminal ID")
        elif terminal is None:
            _turn_away(socket, terminal_id, "Terminal not found")
        elif not isinstance(socket.data, Admission) or socket.data.user_id != terminal.user_id:
            _turn_away(socket, terminal_id, "Forbidden")
        else:
            # What was kept comes before terminal_connected: the page sends its size after it (5.2).
            self._terminals.attach(terminal, socket)
            socket.emit("terminal_connected", {"terminalId": terminal_id})

    async def _disconnected(self, socket: Socket, _reason: str) -> None:
        self._terminals.detach(socket)

    async def _input(self, socket: Socket, text: bytes, _ack: Ack) -> None:
        terminal = self._terminals.watched(socket)
        runner = self._runner_of(terminal)
        if terminal is None or runner is None or terminal.ended:
            return
        try:
            data = bytes(_INPUT.decode(text).data)
        except msgspec.MsgspecError:
            return
        if data[:1] != b'"':
            return
        link = runner.socket
        if link.backlog > self._limits.input_backlog:
            # Only this browser's connection is held up; that makes a paste slower instead of cutting the runner off.
            try:
                await link.drained(self._limits.input_backlog, timeout=self._limits.input_wait)
            except TimeoutError:
                log.warning("terminal input dropped, the runner does not read", extra={"runner_id": runner.runner_id})
                return
        link.send(Packet.spliced(_RUNNER, "terminal_input", terminal.head + b',"data":' + data + b"}"))

    async def _resize(self, socket: Socket, payload: object, _ack: Ack) -> None:
        terminal = self._terminals.watched(socket)
        runner = self._runner_of(terminal)
        if terminal is None or runner is None or terminal.ended or not runner.connected:
            return
        wanted = payload if isinstance(payload, dict) else {}
        if not terminal.spawned:
            terminal.spawned = True
            terminal.link = runner.socket
            terminal.size = measured(wanted, terminal.size)
            order: dict[str, object] = {"terminalId": terminal.id}
            if terminal.cwd is not None:
                order["cwd"] = terminal.cwd
            runner.emit("new_terminal", {**order, "cols": terminal.size.cols, "rows": terminal.size.rows})
            log.info("terminal spawned", extra={"terminal_id": terminal.id, "runner_id": runner.runner_id})
            return
        terminal.size = measured(wanted, terminal.size)
        size = {"cols": terminal.size.cols, "rows": terminal.size.rows}
        runner.emit("terminal_resize", {"terminalId": terminal.id, **size})

    async def _kill(self, socket: Socket, _payload: object, _ack: Ack) -> None:
        terminal = self._terminals.watched(socket)
        if terminal is not None and not terminal.ended:
            self.kill(terminal)

    def kill(self, terminal: Terminal) -> None:
        """Tell the runner to end a shell; the end is told when the runner says so."""
        runner = self._runner_of(terminal)
        if runner is not None:
            terminal.killed = True
            runner.emit("kill_terminal", {"terminalId": terminal.id})

    # Runners

    async def _data(self, socket: Socket, text: bytes, _ack: Ack) -> None:
        try:
            output = _OUTPUT.decode(text)
        except msgspec.MsgspecError:
            return
        terminal = self._terminal_of(self._runners.socket_runner(socket), output.terminal_id)
        if terminal is not None and terminal.ready:
            data = bytes(output.data)
            if data[:1] == b'"':
                self._terminals.printed(terminal, data)

    def _ready(self, terminal: Terminal, payload: dict[str, object]) -> None:
        if not terminal.ready and not terminal.ended:
            terminal.set_ready()

    def _exit(self, terminal: Terminal, payload: dict[str, object]) -> None:
        # A shell that is killed while it starts ends without having been ready.
        if terminal.ready or terminal.killed:
            code = payload.get("exitCode")
            self._terminals.exited(terminal, code if isinstance(code, int) else -1)

    def _error(self, terminal: Terminal, payload: dict[str, object]) -> None:
        message = payload.get("message")
        self._terminals.failed(terminal, dumps(message if isinstance(message, str) else "Unknown error"))

    async def _listed(self, socket: Socket, payload: object, _ack: Ack) -> None:
        """Take up the shells that outlived a connection: the daemon keeps them (sockets-agents.md 3.1)."""
        runner = self._runners.socket_runner(socket)
        listed = payload.get("terminals") if isinstance(payload, dict) else None
        if runner is None or not isinstance(listed, list):
            return
        living = {terminal_id for terminal_id in listed if isinstance(terminal_id, str)}
        for terminal_id in sorted(living):
            terminal = self._terminals.adopt(terminal_id, runner.runner_id, runner.user_id)
            if terminal is not None:
                terminal.link = socket
        # Of those that were ordered on this very connection, some may not have been started yet.
        self._terminals.give_up(
            terminal
            for terminal in self._terminals.of_runner(runner.runner_id, runner.user_id)
            if terminal.spawned and terminal.link is not socket
        )

    def _runner_came(self, event: RunnerConnected) -> None:
        runner = self._runners.get(event.runner_id)
        if runner is not None:
            runner.emit("list_terminals", {})

    def _runner_went(self, event: RunnerDisconnected) -> None:
        self._terminals.give_up(self._terminals.of_runner(event.runner_id, event.user_id))

    def _from_runner(
        self, handle: Callable[[Terminal, dict[str, object]], None]
    ) -> Callable[[Socket, object, Ack], Awaitable[None]]:
        async def on_event(socket: Socket, payload: object, _ack: Ack) -> None:
            if isinstance(payload, dict):
                terminal = self._terminal_of(self._runners.socket_runner(socket), payload.get("terminalId"))
                if terminal is not None:
                    handle(terminal, payload)

        return on_event

    def _terminal_of(self, runner: Runner | None, terminal_id: object) -> Terminal | None:
        """Answer a terminal that was registered for this runner and its owner."""
        terminal = self._terminals.get(terminal_id) if runner is not None and isinstance(terminal_id, str) else None
        if terminal is None or runner is None or terminal.runner_id != runner.runner_id:
            return None
        return terminal if terminal.user_id == runner.user_id else None

    def _runner_of(self, terminal: Terminal | None) -> Runner | None:
        runner = self._runners.get(terminal.runner_id) if terminal is not None else None
        return runner if runner is not None and terminal is not None and runner.user_id == terminal.user_id else None


def _wanted(socket: Socket) -> str:
    """Answer the terminal that a browser names, in `auth` first, else in the query (1.3)."""
    named = socket.handshake.auth.get("terminalId")
    return named if isinstance(named, str) else socket.handshake.request.query.get("terminalId", "")


def _turn_away(socket: Socket, terminal_id: str, message: str) -> None:
    """Say why and end this namespace alone; the page's others stay connected (5.2)."""
    socket.emit("terminal_error", {"terminalId": terminal_id, "message": message})
    socket.disconnect()
