"""Answer the HTTP calls about terminals (rest-runners.md 5.4)."""

from __future__ import annotations

import logging

from relay.clock import iso
from relay.http.errors import (
    CWD_OUTSIDE_ROOTS,
    MISSING_RUNNER_ID,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    TOO_MANY_TERMINALS,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.runners.gate import gate
from relay.runners.registry import RunnerRegistry
from relay.runners.roots import cwd_matches_roots
from relay.terminals import schemas
from relay.terminals.registry import DEFAULT_SIZE, Terminals, TooManyTerminals
from relay.terminals.size import clamped
from relay.terminals.terminal import Size, Terminal

log = logging.getLogger(__name__)


class TerminalRoutes:
    """Serve the terminal endpoints."""

    def __init__(self, runners: RunnerRegistry, terminals: Terminals) -> None:
        self._runners = runners
        self._terminals = terminals

    def table(self) -> list[Route]:
        """Answer the rows of this room."""
        gated = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN)
        return [
            Route(
                "POST",
                "/api/runners/terminal",
                self.create,
                "Open a terminal on a runner",
                body=Body.LENIENT,
                errors=(MISSING_RUNNER_ID, *gated, CWD_OUTSIDE_ROOTS, TOO_MANY_TERMINALS),
                shape=Shape(schemas.TerminalMade, schemas.TerminalWish),
            ),
            Route(
                "GET",
                "/api/runners/{runnerId}/terminals",
                self.list_terminals,
                "List the caller's open terminals on a runner",
                errors=gated,
                shape=Shape(schemas.TerminalList),
            ),
        ]

    async def create(self, call: Call) -> Json:
        """Register a terminal; its shell starts when the first browser says how large it is (5.4)."""
        runner_id = call.body.get("runnerId")
        if not isinstance(runner_id, str) or not runner_id:
            raise MISSING_RUNNER_ID()
        runner = gate(call, self._runners, runner_id)
        cwd = call.body.get("cwd")
        folder = cwd if isinstance(cwd, str) and cwd else None
        if folder is not None and not cwd_matches_roots(runner.roots, folder):
            raise CWD_OUTSIDE_ROOTS(cwd=folder)
        cols, rows = DEFAULT_SIZE
        size = Size(clamped(call.body.get("cols"), cols), clamped(call.body.get("rows"), rows))
        try:
            terminal = self._terminals.create(runner_id, call.user.user_id, folder, size)
        except TooManyTerminals as error:
            raise TOO_MANY_TERMINALS() from error
        log.info("terminal registered", extra={"terminal_id": terminal.id, "runner_id": runner_id})
        return {"ok": True, "terminalId": terminal.id, "runnerId": runner_id}

    async def list_terminals(self, call: Call) -> Json:
        """Answer the caller's terminals on a runner, oldest first, so that a reloaded page finds its shells again."""
        runner = gate(call, self._runners)
        terminals = self._terminals.of_runner(runner.runner_id, call.user.user_id)
        return {"terminals": [_row(terminal) for terminal in terminals]}


def _row(terminal: Terminal) -> dict[str, object]:
    return {
        "terminalId": terminal.id,
        "cwd": terminal.cwd,
        "cols": terminal.size.cols,
        "rows": terminal.size.rows,
        "spawned": terminal.spawned,
        "exited": terminal.ended,
        "createdAt": iso(terminal.created_ms),
        "viewers": len(terminal.watched_by),
    }
