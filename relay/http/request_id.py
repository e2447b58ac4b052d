"""Name each request, so that the log lines that belong together can be found together."""

from __future__ import annotations

import itertools
import secrets
from contextvars import ContextVar

#: The id of the request that the current task serves; empty outside of requests.
request_id: ContextVar[str] = ContextVar("request_id", default="")


class RequestIds:
    """Hand out ids that are unique to this process: a random prefix and a count."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(3)
        self._count = itertools.count(1)

    def next(self) -> str:
        """Name the next request and make that the id of the current task."""
        name = f"{self._prefix}-{next(self._count)}"
        request_id.set(name)
        return name
