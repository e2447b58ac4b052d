"""Make the errors of `/api/auth/*`, which have a shape of their own (rest-account.md 2.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web

from relay import jsontext


def error_code(message: str) -> str:
    """Derive a code: upper case, blanks to underscores, everything else that is no letter, digit or underscore goes."""
    return re.sub(r"[^A-Z0-9_]", "", message.upper().replace(" ", "_"))


class AuthError(Exception):
    """Carry one error answer out of an auth endpoint; `body` None is an empty one."""

    def __init__(
        self, status: int, body: Mapping[str, object] | None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """Answer this error; the content type says JSON even when the body is empty."""
        text = b"" if self.body is None else jsontext.dumps(self.body)
        return web.Response(body=text, status=self.status, headers={"Content-Type": "application/json", **self.headers})


def denied(
    status: int,
    message: str,
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, object] | None = None,
) -> AuthError:
    """Make `{"code", "message"}`; the code is derived from the message unless given."""
    return AuthError(status, {"code": code or error_code(message), "message": message, **(extra or {})}, headers)


def signed_out() -> AuthError:
    """Make the 401 of a session-guarded endpoint: JSON by its type, and empty."""
    return AuthError(401, None)


def too_many(seconds: int) -> AuthError:
    """Make the 429 of rest-account.md 2.5, which both kinds of client understand."""
    message = "Too many requests. Please try again later."
    headers = {"X-Retry-After": str(seconds), "Retry-After": str(seconds)}
    return denied(429, message, code="TOO_MANY_REQUESTS", headers=headers, extra={"error": message})
