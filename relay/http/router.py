"""Find the row of the route table that answers a request.

Rows match on the raw path, segment by segment, and the matched segments are percent-decoded once afterwards
(rest-runners.md 1.2), so an encoded slash never splits a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from aiohttp import web

from relay.http.errors import MALFORMED_PATH
from relay.http.routes import Route

_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PARAMETER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(:path|:tail)?\}")
#: What the URL standard calls a dot segment, escapes included.
_DOTS: Final = re.compile(r"(?:\.|%2[eE]){1,2}")


@dataclass(frozen=True, slots=True)
class Found:
    """Name the matched row and its path parameters as they stand in the path, still percent-encoded."""

    route: Route
    raw: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Row:
    route: Route
    names: tuple[str, ...]
    tail: str | None = None


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    rows: dict[str, _Row] = field(default_factory=dict)
    tails: dict[str, _Row] = field(default_factory=dict)


class Router:
    """Match paths against the rows: literal segments win over parameters, parameters over a rest of the path.

    Rows with a `host` come first (tunnel.md 2.7). A row of the request's own method wins over one of method "*" at the
    same place. Raises ValueError for two rows of one method and path, and for a path that can't be read.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self._exact: dict[str, dict[str, _Row]] = {}
        self._hosts: list[tuple[Callable[[web.Request], bool], _Node]] = []
        for route in routes:
            if route.host is not None:
                node = _Node()
                _insert(node, route)
                self._hosts.append((route.host, node))
                continue
            row = _insert(self._root, route)
            if not row.names:
                self._exact.setdefault(route.path, {})[route.method] = row

    def find(self, request: web.Request, path: str) -> Found | None:
        """Answer the row for `path`, a raw path as `target_path` answers it; None when there is none."""
        method = request.method
        for accepts, node in self._hosts:
            if accepts(request):
                found = _walk(node, path.split("/"), 1, method, [])
                if found is not None:
                    return found
        exact = self._exact.get(path)
        if exact is not None:
            row = exact.get(method) or exact.get("*")
            if row is not None:
                return Found(row.route, {})
        return _walk(self._root, path.split("/"), 1, method, [])


def target_path(request: web.Request) -> str:
    """Answer the raw path of a request: no query, no fragment, dot segments resolved (tunnel.md 6.1 S13).

    A target that begins with `//` is a path, not a host (tunnel.md 6.4 T23); the absolute form is reduced to its path.
    What is no path at all (`*`, a CONNECT target) is answered as it came and matches nothing.
    """
    path = request.raw_path
    if not path.startswith("/"):
        _, separator, rest = path.partition("://")
        slash = rest.find("/")
        if not separator or slash < 0:
            return path
        path = rest[slash:]
    path = path.partition("?")[0].partition("#")[0]
    return _without_dots(path) if "/." in path or "/%2" in path else path


def decode(raw: str) -> str:
    """Percent-decode one matched piece of a path; raises ApiError 400 for a broken escape or broken UTF-8."""
    if "%" not in raw and raw.isascii():
        return raw
    if _BROKEN_ESCAPE.search(raw):
        raise MALFORMED_PATH()
    try:
        return unquote_to_bytes(raw.encode("utf-8", "surrogateescape")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MALFORMED_PATH() from error


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for position, segment in enumerate(segments):
        if not _DOTS.fullmatch(segment):
            kept.append(segment)
            continue
        if len(segment.lower().replace("%2e", ".")) == 2 and kept:
            kept.pop()
        if position == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)


def _insert(root: _Node, route: Route) -> _Row:
    if not route.path.startswith("/"):
        raise ValueError(f"the path of a route begins with a slash: {route.path}")
    node = root
    names: list[str] = []
    segments = route.path.split("/")[1:]
    for position, segment in enumerate(segments):
        parameter = _PARAMETER.fullmatch(segment)
        if parameter is None:
            if "{" in segment or "}" in segment:
                raise ValueError(f"a parameter is a whole segment: {route.path}")
            node = node.literals.setdefault(segment, _Node())
            continue
        names.append(parameter[1])
        if parameter[2] is None:
            node.parameter = node.parameter or _Node()
            node = node.parameter
            continue
        if position != len(segments) - 1:
            raise ValueError(f"only the last parameter takes the rest of the path: {route.path}")
        return _place(node.tails, _Row(route, tuple(names), parameter[2]))
    return _place(node.rows, _Row(route, tuple(names)))


def _place(rows: dict[str, _Row], row: _Row) -> _Row:
    method = row.route.method
    if method in rows:
        raise ValueError(f"two routes for {method} {row.route.path}")
    rows[method] = row
    return row


def _walk(node: _Node, segments: list[str], position: int, method: str, values: list[str]) -> Found | None:
    if position == len(segments):
        row = node.rows.get(method) or node.rows.get("*")
        return None if row is None else Found(row.route, dict(zip(row.names, values, strict=True)))
    segment = segments[position]
    child = node.literals.get(segment)
    if child is not None:
        found = _walk(child, segments, position + 1, method, values)
        if found is not None:
            return found
    if node.parameter is not None and segment:
        found = _walk(node.parameter, segments, position + 1, method, [*values, segment])
        if found is not None:
            return found
    row = node.tails.get(method) or node.tails.get("*")
    if row is None:
        return None
    rest = "/".join(segments[position:])
    if not rest and row.tail == ":path":
        return None
    return Found(row.route, dict(zip(row.names, [*values, rest], strict=True)))
