"""Sit at a terminal of a runner as the web UI does: attach, say how large the screen is, type, read."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.e2e.peer import Credentials, Peer
from tests.e2e.pty_library import loadable
from tests.e2e.stack import Stack
from tests.e2e.transcript import JsonObject, as_objects
from tests.e2e.waiting import NotReached

#: ESC c: a terminal emulator empties its screen.
_RESET: Final = b"\x1bc"
_POLL: Final = 0.1


@dataclass(frozen=True, slots=True)
class AtTerminal(Credentials):
    """Name the terminal beside the credentials."""

    terminal_id: str = ""

    def handshake(self) -> dict[str, object]:
        """Answer the auth object of the CONNECT packet."""
        # A dataclass with slots is a new class, which the short form of super() does not find.
        return {**Credentials.handshake(self), "terminalId": self.terminal_id}


class Shell(Peer):
    """Show one terminal; `output` is what its emulator was given since it was last reset."""

    namespace = "/terminal"

    def __init__(self, url: str, credentials: Credentials, cols: int = 100, rows: int = 30) -> None:
        super().__init__(url, credentials)
        self.output = b""
        self.resets = 0
        self.size = {"cols": cols, "rows": rows}
        self.exit_code: object = None
        self.error: object = None

    async def type(self, keys: str) -> None:
        """Press keys; Enter is a carriage return."""
        await self.emit("terminal_input", {"terminalId": "", "data": base64.b64encode(keys.encode()).decode()})

    async def resize(self, cols: int, rows: int) -> None:
        """Change the size of the window."""
        self.size = {"cols": cols, "rows": rows}
        await self.emit("terminal_resize", {"terminalId": "", **self.size})

    def text(self) -> str:
        """Answer the output as text."""
        return self.output.decode(errors="replace")

    async def until_shown(self, text: str, timeout: float = 15.0) -> None:
        """Wait until the output contains a text."""
        await self.changed.until(
            lambda: text in self.text(), f"{text!r} in the terminal", timeout, lambda: (self.error, self.text()[-800:])
        )

    async def until_exited(self, timeout: float = 15.0) -> object:
        """Wait for the end of the shell and answer its exit code."""
        await self.changed.until(lambda: self.exit_code is not None, "the shell to exit", timeout, self.text)
        return self.exit_code

    def on_event(self, name: str, payload: Mapping[str, object]) -> None:
        """Do what the page does with each event."""
        match name:
            case "terminal_connected":
                self.enqueue("terminal_resize", {"terminalId": "", **self.size})
            case "terminal_data":
                _gone, reset, rest = base64.b64decode(str(payload["data"])).rpartition(_RESET)
                self.resets += bool(reset)
                self.output = rest if reset else self.output + rest
            case "terminal_exit":
                self.exit_code = payload["exitCode"]
            case "terminal_error":
                self.error = payload["message"]
            case _:
                pass


class ShellStack(Stack):
    """A stack whose runner can open terminals on this machine's C library."""

    def client_env(self, home: Path) -> dict[str, str]:
        """Answer the environment of a client, with a terminal library that loads."""
        env = super().client_env(home)
        for library in self.binary.parent.glob("librust_pty*.so"):
            env["BUN_PTY_LIB"] = str(loadable(library, self.folder))
        return env

    async def open_terminal(self, **body: object) -> str:
        """Register a terminal on the runner and answer its id."""
        asked = {"runnerId": self.runner_id, "cwd": str(self.work), **body}
        return str((await self.post("/api/runners/terminal", asked))["terminalId"])

    async def shell(self, terminal_id: str, cols: int = 100, rows: int = 30) -> Shell:
        """Attach a browser to a terminal."""
        made = Shell(self.url, AtTerminal(key=self.key, terminal_id=terminal_id), cols, rows)
        return await self._open.enter_async_context(made)

    async def terminals(self) -> list[JsonObject]:
        """Answer the runner's terminals."""
        return as_objects((await self.get(f"/api/runners/{self.runner_id}/terminals")).get("terminals"))

    async def until_listed(self, terminal_id: str, timeout: float = 15.0) -> None:
        """Wait until a terminal is among the runner's."""
        try:
            async with asyncio.timeout(timeout):
                while terminal_id not in [row["terminalId"] for row in await self.terminals()]:
                    await asyncio.sleep(_POLL)
        except TimeoutError as exc:
            raise NotReached(f"terminal {terminal_id} on the list: not within {timeout:g} s") from exc
