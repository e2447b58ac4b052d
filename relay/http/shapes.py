"""Describe what a route takes and answers, for the API document (../design.md, How data flows).

The types are TypedDicts (or anything else that msgspec can describe), one module `schemas.py` per room. They describe;
what a request is read with is the handler's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypedDict

JSON: Final = "application/json"
HTML: Final = "text/html"


class ErrorBody(TypedDict, total=False):
    """Say what went wrong; `code` and `message` come where the auth client may read the answer."""

    error: str
    code: str
    message: str


class Ok(TypedDict):
    """Say that it is done."""

    ok: Literal[True]


@dataclass(frozen=True, slots=True)
class Shape:
    """Give the types of one route: JSON `response`, JSON or other `request`, and `query`, a TypedDict of parameters.

    `media` and `statuses` are those of the good answer, `error_media` that of the others; `error` None leaves their
    bodies undescribed. `takes` is the media type of the request. `any_auth` says that the handler authorises callers
    itself, by what the summary names or as everywhere.
    """

    response: object
    request: object = None
    query: object = None
    media: str = JSON
    statuses: tuple[int, ...] = (200,)
    takes: str = JSON
    error: object = ErrorBody
    error_media: str = JSON
    any_auth: bool = False


@dataclass(frozen=True, slots=True)
class Outside:
    """Say why a row of the table is listed in the API document, but not described."""

    reason: str


#: The reasons there are.
SOCKET: Final = Outside("a WebSocket or long-polling protocol of its own")
TUNNEL: Final = Outside("what is behind the tunnel decides about requests and answers")
REFUSAL: Final = Outside("it only refuses what no client means to send")
PREFLIGHT: Final = Outside("browsers ask it before they call")
PAGE: Final = Outside("a page or redirect for people")
