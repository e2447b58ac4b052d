"""Play a runner with shells and the browsers that watch them, against the whole relay."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from dataclasses import dataclass

from tests.sessions.stage import Answer, Runner, Stage
from tests.viewers.house import Person
from tests.viewers.wire import WAIT, Joined, Json, Wire

#: What a runner hears about terminals.
TO_RUNNER = frozenset(("new_terminal", "terminal_input", "terminal_resize", "kill_terminal"))
RESET = "\x1bc"


def coded(text: str) -> str:
    """Write output as runners do."""
    return base64.b64encode(text.encode()).decode()


def decoded(body: Json) -> str:
    """Read the output in a `terminal_data`."""
    return base64.b64decode(str(body["data"])).decode()


def shown(browser: Joined) -> str:
    """Answer what a terminal emulator was given so far; a reset empties it."""
    text = "".join(decoded(body) for name, body in browser.log if name == "terminal_data" and isinstance(body, dict))
    return text.rpartition(RESET)[2]


def names(browser: Joined) -> list[str]:
    """Answer the names of all events that a socket ever got."""
    return [name for name, _ in browser.log]


@dataclass
class Desk:
    """One person with one runner."""

    stage: Stage
    person: Person
    runner: Runner

    async def open(self, **body: object) -> str:
        """Register a terminal and answer its id."""
        answer = await self.ask_to_open(**body)
        assert answer.status == 200, answer.body
        return str(answer.body["terminalId"])

    async def ask_to_open(self, **body: object) -> Answer:
        return await self.stage.ask("POST", "/api/runners/terminal", self.person, {"runnerId": self.runner.id, **body})

    async def listed(self) -> list[Json]:
        """Answer the rows of the open terminals."""
        answer = await self.stage.ask("GET", f"/api/runners/{self.runner.id}/terminals", self.person)
        assert answer.status == 200, answer.body
        rows = answer.body["terminals"]
        assert isinstance(rows, list)
        return rows

    async def page(self, person: Person | None = None) -> Wire:
        """Open the connection of a page."""
        return await self.stage.wire({"Cookie": (person or self.person).cookie, "Origin": self.stage.url})

    async def browser(self, terminal_id: str, person: Person | None = None) -> Joined:
        """Attach a page of its own and wait until it is."""
        joined = await (await self.page(person)).join("/terminal", {"protocolVersion": 1, "terminalId": terminal_id})
        await joined.take("terminal_connected")
        return joined

    async def started(self, **body: object) -> tuple[str, Joined]:
        """Open a terminal, attach a browser, and let the runner start the shell."""
        terminal_id = await self.open(**body)
        browser = await self.browser(terminal_id)
        await browser.emit("terminal_resize", {"terminalId": terminal_id, "cols": 100, "rows": 30})
        await self.runner.socket.take("new_terminal")
        await self.ready(terminal_id)
        await browser.take("terminal_ready")
        return terminal_id, browser

    async def ready(self, terminal_id: str) -> None:
        await self.runner.socket.emit("terminal_ready", {"terminalId": terminal_id})

    async def prints(self, terminal_id: str, *texts: str) -> None:
        for text in texts:
            await self.runner.socket.emit("terminal_data", {"terminalId": terminal_id, "data": coded(text)})

    async def exits(self, terminal_id: str, code: int = 0) -> None:
        await self.runner.socket.emit("terminal_exit", {"terminalId": terminal_id, "exitCode": code})

    async def fails(self, terminal_id: str, message: str) -> None:
        await self.runner.socket.emit("terminal_error", {"terminalId": terminal_id, "message": message})

    async def handled(self) -> None:
        """Wait until the relay handled everything that the runner sent: a marker comes back by another terminal."""
        marker = await self.open()
        browser = await self.browser(marker)
        await self.fails(marker, "marker")
        await browser.take("terminal_error", lambda body: body["message"] == "marker")
        await browser.wire.close()
        await self.until_gone(marker)

    async def until_gone(self, terminal_id: str) -> None:
        """Wait until a terminal is no longer known."""
        async with asyncio.timeout(WAIT):
            while any(row["terminalId"] == terminal_id for row in await self.listed()):
                await asyncio.sleep(0.01)

    async def told(self, browsers: Iterable[Joined] = ()) -> list[tuple[str, object]]:
        """Answer what the runner was told about terminals, after all that these browsers sent was handled."""
        for browser in browsers:
            await browser.wire.settled()
        answer = await self.stage.ask("POST", "/api/runners/restart", self.person, {"runnerId": self.runner.id})
        assert answer.status == 200, answer.body
        await self.runner.socket.take("restart")
        return [(name, body) for name, body in self.runner.socket.log if name in TO_RUNNER]
