"""Answer the HTTP calls about the files of a runner (rest-runners.md 5.6, 5.13)."""

from __future__ import annotations

from typing import Final

from relay.http.errors import (
    BROWSE_OUTSIDE_ROOTS,
    BROWSE_REFUSED,
    CWD_OUTSIDE_ROOTS,
    LIST_REFUSED,
    MISSING_CWD,
    MISSING_PATH,
    PATH_OUTSIDE_ROOTS,
    READ_REFUSED,
    RUNNER_CALL_FAILED,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    SEARCH_REFUSED,
    ErrorSpec,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.runners import machine_schemas as schemas
from relay.runners.door import RunnerDoor
from relay.runners.profile import Item
from relay.runners.roots import cwd_matches_roots
from relay.runners.runner import Runner
from relay.runners.schemas import FormatQuery, PathName

#: Bytes that a text may have; more is cut by the runner (5.13).
MAX_TEXT: Final = 524_288
#: Bytes that a file read as base64 may have (5.13).
MAX_BINARY: Final = 10_485_760
#: Hits of a search that did not say how many it wants (5.13).
DEFAULT_HITS: Final = 100


class FileRoutes:
    """Serve the file endpoints; every path stays within the roots that the runner declared."""

    def __init__(self, door: RunnerDoor) -> None:
        self._door = door

    def table(self) -> list[Route]:
        """Answer the rows of this concern."""
        base = "/api/runners/{runnerId}"
        asked = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN, RUNNER_CALL_FAILED)
        pathed = (*asked, MISSING_PATH, PATH_OUTSIDE_ROOTS)
        guard = self._door.gate
        return [
            Route(
                "GET",
                f"{base}/browse",
                self.browse,
                "List the directories below a path, for a folder picker",
                errors=(*asked, BROWSE_OUTSIDE_ROOTS, BROWSE_REFUSED),
                shape=Shape(schemas.Directories, query=schemas.PathQuery),
            ),
            Route(
                "POST",
                f"{base}/files",
                self.list_files,
                "List the files of a directory",
                body=Body.LENIENT,
                guard=guard,
                errors=(*pathed, LIST_REFUSED),
                shape=Shape(schemas.FileList, PathName),
            ),
            Route(
                "POST",
                f"{base}/search-files",
                self.search,
                "Search files by name",
                body=Body.LENIENT,
                guard=guard,
                errors=(*asked, MISSING_CWD, CWD_OUTSIDE_ROOTS, SEARCH_REFUSED),
                shape=Shape(schemas.FileHits, schemas.FileSearch, FormatQuery),
            ),
            Route(
                "POST",
                f"{base}/read-file",
                self.read,
                "Read a file, as text or as base64",
                body=Body.LENIENT,
                guard=guard,
                # Ends with its client, so that the runner stops reading (4).
                streamed=True,
                errors=(*pathed, READ_REFUSED),
                shape=Shape(schemas.FileContent, schemas.FileRead),
            ),
        ]

    async def browse(self, call: Call) -> Json:
        """Answer `{directories}` below `?path=`, by default below the root directory."""
        runner = self._door.gate(call)
        path = call.query.get("path") or "/"
        if not cwd_matches_roots(runner.roots, path):
            raise BROWSE_OUTSIDE_ROOTS()
        reply = await self._door.demand(
            runner, "browse_directory", {"path": path}, timeout=self._door.limits.browse, refusal=BROWSE_REFUSED
        )
        return {"directories": _entries(reply, "directories")}

    async def list_files(self, call: Call) -> Json:
        """Answer the files of a directory, each with a `type` besides the runner's own fields (11.1)."""
        runner = self._door.gate(call)
        reply = await self._door.demand(
            runner, "list_files", {"path": _path(call, runner)}, timeout=self._door.limits.files, refusal=LIST_REFUSED
        )
        return {**reply, "files": [_typed(file) for file in _entries(reply, "files")]}

    async def search(self, call: Call) -> Json:
        """Answer the files whose path contains the query, also as `paths`; `?format=names` has these as `files` (11.2).

        An empty query finds nothing and asks nobody.
        """
        runner = self._door.gate(call)
        cwd = _required(call, "cwd", MISSING_CWD)
        query, limit = call.body.get("query"), call.body.get("limit")
        if not isinstance(query, str) or not query:
            return {"ok": True, "files": [], "paths": []}
        if not cwd_matches_roots(runner.roots, cwd):
            raise CWD_OUTSIDE_ROOTS(cwd=cwd)
        wanted = limit if isinstance(limit, int | float) and not isinstance(limit, bool) else DEFAULT_HITS
        reply = await self._door.demand(
            runner,
            "search_files",
            {"cwd": cwd, "query": query, "limit": wanted},
            timeout=self._door.limits.files,
            refusal=SEARCH_REFUSED,
        )
        files = _entries(reply, "files")
        paths = [path for file in files if isinstance(path := file.get("relativePath"), str)]
        return {**reply, "files": paths if call.query.get("format") == "names" else files, "paths": paths}

    async def read(self, call: Call) -> Json:
        """Answer a file's content, `truncated` when it is longer than may be read; a client cannot raise that."""
        runner = self._door.gate(call)
        path = _path(call, runner)
        binary = call.body.get("encoding") == "base64"
        whole = call.body.get("rejectTruncated") is True
        limits = self._door.limits
        reply = await self._door.demand(
            runner,
            "read_file",
            {
                "path": path,
                "encoding": "base64" if binary else "utf8",
                "maxBytes": MAX_BINARY if binary else MAX_TEXT,
                "rejectTruncated": whole,
            },
            timeout=limits.read_base64 if binary else limits.files,
            refusal=READ_REFUSED,
        )
        if whole and reply.get("truncated") is True:
            # An old runner sends what it read all the same.
            reply = {key: value for key, value in reply.items() if key != "content"}
        return reply


def _path(call: Call, runner: Runner) -> str:
    path = _required(call, "path", MISSING_PATH)
    if not cwd_matches_roots(runner.roots, path):
        raise PATH_OUTSIDE_ROOTS(path=path)
    return path


def _required(call: Call, key: str, missing: ErrorSpec) -> str:
    value = call.body.get(key)
    if not isinstance(value, str) or not value:
        raise missing()
    return value


def _entries(reply: Item, key: str) -> list[Item]:
    """Answer the objects of a list in a reply; browsers read the fields of each, so anything else is left out."""
    listed = reply.get(key)
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _typed(file: Item) -> Item:
    return {**file, "type": "directory" if file.get("isDirectory") is True else "file"}
