"""List the errors that the relay answers: status, text and code in one catalogue.

A handler raises an entry, one place turns it into `{"error": message}`; where a code exists, `code` and `message` are
added, which is what the auth client reads (rest-account.md 12.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


class ApiError(Exception):
    """Carry one HTTP error answer out of a handler."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def body(self) -> dict[str, object]:
        """Answer the JSON body of this error."""
        body: dict[str, object] = {"error": self.message, **self.extra}
        if self.code is not None:
            body |= {"code": self.code, "message": self.message}
        return body


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """Describe one entry of the catalogue; `message` may have `{named}` gaps."""

    status: int
    message: str
    code: str | None = None

    def __call__(
        self, *, headers: Mapping[str, str] | None = None, extra: Mapping[str, object] | None = None, **gaps: object
    ) -> ApiError:
        """Make the exception, with the gaps of the message filled in."""
        return ApiError(
            self.status,
            self.message.format(**gaps) if gaps else self.message,
            code=self.code,
            headers=headers,
            extra=extra,
        )


# Identity (rest-account.md 1.3)
MISSING_KEY: Final = ErrorSpec(401, "Missing API key (x-api-key header)")
INVALID_KEY: Final = ErrorSpec(401, "Invalid or expired API key")
UNAUTHORIZED: Final = ErrorSpec(401, "Unauthorized")

# Cross-cutting (rest-account.md 12)
NOT_FOUND: Final = ErrorSpec(404, "Not found")
CROSS_ORIGIN: Final = ErrorSpec(403, "Cross-origin request rejected")
MALFORMED_LENGTH: Final = ErrorSpec(400, "Bad Request: malformed Content-Length header")
MALFORMED_PATH: Final = ErrorSpec(400, "Bad Request: malformed percent-escape in the path")
PAYLOAD_TOO_LARGE: Final = ErrorSpec(413, "Payload Too Large: body exceeds {limit} bytes")
INVALID_JSON: Final = ErrorSpec(400, "Invalid JSON body")
JSON_CONTENT_TYPE_REQUIRED: Final = ErrorSpec(415, "Content-Type must be application/json")
REQUEST_TIMEOUT: Final = ErrorSpec(408, "The request body did not arrive in time")
BODY_BROKEN_OFF: Final = ErrorSpec(400, "The request body ended too early")
EXPECTATION_FAILED: Final = ErrorSpec(417, "Expectation Failed")
INTERNAL: Final = ErrorSpec(500, "Internal server error")
SHUTTING_DOWN: Final = ErrorSpec(503, "The relay is shutting down")
STORAGE_UNAVAILABLE: Final = ErrorSpec(503, "The relay's database is unavailable")

# Runners (rest-runners.md 1.3, 5)
RUNNER_NOT_FOUND: Final = ErrorSpec(404, "Runner not found")
RUNNER_FORBIDDEN: Final = ErrorSpec(403, "Forbidden")
RUNNER_AWAY: Final = ErrorSpec(503, "Runner is not connected to this server")
RUNNER_NO_SOCKET: Final = ErrorSpec(502, "Runner is not connected to this server")
RUNNER_SEND_FAILED: Final = ErrorSpec(502, "Failed to send {command} request to runner")
RUNNER_NO_OWNER: Final = ErrorSpec(403, "Runner is not associated with a user")
MISSING_RUNNER_ID: Final = ErrorSpec(400, "Missing runnerId")
MISSING_PATH: Final = ErrorSpec(400, "Missing path")
CWD_OUTSIDE_ROOTS: Final = ErrorSpec(400, "Runner cannot access cwd: {cwd}")
INVALID_AGENT_NAME: Final = ErrorSpec(400, "Invalid agent name")
MODEL_HIDDEN: Final = ErrorSpec(400, "Requested model is not available")
MODEL_CHECK_FAILED: Final = ErrorSpec(500, "Cannot validate model availability")
INVALID_EFFORT: Final = ErrorSpec(400, "effort must be one of off, minimal, low, medium, high, xhigh, max")

# Sessions (rest-runners.md 7)
SESSION_NOT_FOUND: Final = ErrorSpec(404, "Session not found")

# Tunnel (tunnel.md 2.2)
INVALID_PORT: Final = ErrorSpec(400, "Invalid port")
SESSION_HAS_NO_RUNNER: Final = ErrorSpec(503, "Session has no runner")
TUNNEL_UNAVAILABLE: Final = ErrorSpec(503, "Runner not available")
INVALID_TUNNEL_TOKEN: Final = ErrorSpec(401, "Invalid or expired tunnel token")
