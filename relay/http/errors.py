"""List the errors that the relay answers: status, text and code in one catalogue.

A handler raises an entry, one place turns it into `{"error": message}`; where a code exists, `code` and `message` are
added, which is what the auth client reads (rest-account.md 12.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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

    def filled(self, **gaps: object) -> ErrorSpec:
        """Answer the entry with the gaps of its message filled in."""
        return replace(self, message=self.message.format(**gaps))


# Identity (rest-account.md 1.3)
MISSING_KEY: Final = ErrorSpec(401, "Missing API key (x-api-key header)")
INVALID_KEY: Final = ErrorSpec(401, "Invalid or expired API key")
UNAUTHORIZED: Final = ErrorSpec(401, "Unauthorized")
#: The key is good, and made for something else; `code` lets a client tell it from other refusals.
KEY_SCOPE: Final = ErrorSpec(403, "This API key may not do that: its scope is {scope}", "KEY_SCOPE")

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
NOT_READY: Final = ErrorSpec(503, "The relay cannot serve requests right now")
STORAGE_UNAVAILABLE: Final = ErrorSpec(503, "The relay's database is unavailable")

# Runners (rest-runners.md 1.3, 5)
RUNNER_NOT_FOUND: Final = ErrorSpec(404, "Runner not found")
RUNNER_FORBIDDEN: Final = ErrorSpec(403, "Forbidden")
RUNNER_AWAY: Final = ErrorSpec(503, "Runner is not connected to this server")
RUNNER_NO_SOCKET: Final = ErrorSpec(502, "Runner is not connected to this server")
MISSING_RUNNER_ID: Final = ErrorSpec(400, "Missing runnerId")
MISSING_PATH: Final = ErrorSpec(400, "Missing path")
CWD_OUTSIDE_ROOTS: Final = ErrorSpec(400, "Runner cannot access cwd: {cwd}")
TOO_MANY_TERMINALS: Final = ErrorSpec(429, "Too many open terminals")
INVALID_AGENT_NAME: Final = ErrorSpec(400, "Invalid agent name")
MODEL_HIDDEN: Final = ErrorSpec(400, "Requested model is not available")
MODEL_CHECK_FAILED: Final = ErrorSpec(500, "Cannot validate model availability")
INVALID_EFFORT: Final = ErrorSpec(400, "effort must be one of off, minimal, low, medium, high, xhigh, max")

RUNNER_CONNECTED: Final = ErrorSpec(409, "Runner is connected")
#: The text is that of `RunnerCallError`: no socket, no answer in time, too many requests, the runner's own error.
RUNNER_CALL_FAILED: Final = ErrorSpec(502, "{reason}")
RUNNER_ANSWER_UNREADABLE: Final = ErrorSpec(502, "The runner's answer is nested too deeply")
METHOD_NOT_ALLOWED: Final = ErrorSpec(405, "Method not allowed")

# What a runner may refuse (rest-runners.md 5, 6); its own message takes the place of the text
DEFINITION_MISSING_NAME: Final = ErrorSpec(400, "Missing {noun} name")
DEFINITION_NAME_INVALID: Final = ErrorSpec(400, "Invalid {noun} name")
DEFINITION_NOT_FOUND: Final = ErrorSpec(404, "{Noun} not found")
DEFINITION_NOT_WRITTEN: Final = ErrorSpec(400, "Failed to {verb} {noun}")
DEFINITION_SCAN_REFUSED: Final = ErrorSpec(500, "{Noun} scan failed")
DEFINITION_CALL_FAILED: Final = ErrorSpec(502, "Failed to {verb} {noun}")
PLUGIN_CWD_RELATIVE: Final = ErrorSpec(400, "cwd must be an absolute path")
PLUGIN_CWD_OUTSIDE_ROOTS: Final = ErrorSpec(403, "cwd outside allowed workspace roots")
PLUGIN_SCAN_REFUSED: Final = ErrorSpec(403, "Plugin scan rejected")
PLUGIN_SCAN_FAILED: Final = ErrorSpec(502, "Failed to scan plugins")
PLUGIN_REFRESH_FAILED: Final = ErrorSpec(502, "Failed to refresh plugins")
MISSING_CWD: Final = ErrorSpec(400, "Missing cwd")
PATH_OUTSIDE_ROOTS: Final = ErrorSpec(400, "Runner cannot access path: {path}")
BROWSE_OUTSIDE_ROOTS: Final = ErrorSpec(400, "Path outside allowed workspace roots")
BROWSE_REFUSED: Final = ErrorSpec(400, "Browse failed")
LIST_REFUSED: Final = ErrorSpec(500, "Failed to list files")
SEARCH_REFUSED: Final = ErrorSpec(500, "Search failed")
READ_REFUSED: Final = ErrorSpec(500, "Failed to read file")
SANDBOX_STATUS_REFUSED: Final = ErrorSpec(502, "Sandbox status command failed")
SANDBOX_UPDATE_REFUSED: Final = ErrorSpec(502, "Sandbox config update failed")
SANDBOX_MODE_INVALID: Final = ErrorSpec(400, "Invalid mode: expected none, basic or full")
SANDBOX_LIST_INVALID: Final = ErrorSpec(400, "{field} must be an array of strings")
USAGE_RANGE_INVALID: Final = ErrorSpec(400, "Invalid range parameter")
SERVICE_ENABLED_INVALID: Final = ErrorSpec(400, "Missing or invalid 'enabled' field")
SERVICES_UNKNOWN: Final = ErrorSpec(404, "No services registered for this runner")
SERVICE_NOT_FOUND: Final = ErrorSpec(404, "Service '{service}' not found")
SETTINGS_READ_REFUSED: Final = ErrorSpec(502, "Failed to read settings")
SETTINGS_UPDATE_REFUSED: Final = ErrorSpec(502, "Failed to update settings")
SETTINGS_SECTION_INVALID: Final = ErrorSpec(400, "Invalid section: expected one of {sections}")
SETTINGS_VALUE_MISSING: Final = ErrorSpec(400, "Missing 'value' field")
LOGIN_REFUSED: Final = ErrorSpec(502, "Runner rejected the request")
LOGIN_PROVIDER_MISSING: Final = ErrorSpec(400, "Missing 'providerId'")
LOGIN_ID_MISSING: Final = ErrorSpec(400, "Missing 'loginId'")
LOGIN_VALUE_MISSING: Final = ErrorSpec(400, "Missing 'loginId' or 'value'")
PACKAGE_SOURCE_INVALID: Final = ErrorSpec(400, "Missing or invalid 'source'")
PACKAGE_SOURCE_NO_STRING: Final = ErrorSpec(400, "'source' must be a string if provided")
PACKAGE_REFUSED: Final = ErrorSpec(502, "Package command failed")

# Sessions (rest-runners.md 7)
SESSION_NOT_FOUND: Final = ErrorSpec(404, "Session not found")
SESSION_FORBIDDEN: Final = ErrorSpec(403, "Forbidden")
SESSION_NOT_LIVE: Final = ErrorSpec(404, "Session not found or not connected")
SESSION_NOT_SHARED: Final = ErrorSpec(409, "Session is not in collab mode")
SESSION_AGENT_AWAY: Final = ErrorSpec(503, "Session is registered but not currently connected")
SESSION_MODEL_MISSING: Final = ErrorSpec(400, "Missing 'provider' or 'modelId'")
SESSION_MODEL_HIDDEN: Final = ErrorSpec(403, "Model not available")
THINKING_LEVEL_INVALID: Final = ErrorSpec(
    400, "Invalid 'level': expected one of off, minimal, low, medium, high, xhigh, max"
)

# Trigger subscriptions, routes and listeners (rest-runners.md 5.19, 8.6, 14.2)
TRIGGER_TYPE_MISSING: Final = ErrorSpec(400, "Missing {field}")
TRIGGER_RUNNER_MISSING: Final = ErrorSpec(422, "Session has no associated runner")
TRIGGER_CATALOGUE_MISSING: Final = ErrorSpec(503, "Runner trigger catalog is temporarily unavailable; retry shortly")
TRIGGER_TYPE_UNAVAILABLE: Final = ErrorSpec(422, "Trigger type '{type}' is not available on this runner")
TRIGGER_TYPE_SCOPED: Final = ErrorSpec(422, "Trigger type '{type}' is scoped to modes [{modes}]")
TRIGGER_PARAMS_INVALID: Final = ErrorSpec(400, "{problems}")
SUBSCRIPTIONS_FULL: Final = ErrorSpec(422, "Too many trigger subscriptions")
SUBSCRIPTION_NOT_STORED: Final = ErrorSpec(503, "Failed to store the trigger subscription")
SUBSCRIPTION_UNKNOWN: Final = ErrorSpec(404, "Session is not subscribed to '{target}'")
SUBSCRIPTION_NOT_FOUND: Final = ErrorSpec(404, "Subscription not found")
ROUTE_NOT_FOUND: Final = ErrorSpec(404, "Route not found")
ROUTE_TARGET_INVALID: Final = ErrorSpec(400, "Invalid target: expected {kind: 'session', sessionId}")
LISTENER_NOT_FOUND: Final = ErrorSpec(404, "No trigger listener for '{target}'")
LISTENER_MODEL_HIDDEN: Final = ErrorSpec(403, "Requested model is not available")
LISTENER_NOT_STORED: Final = ErrorSpec(500, "Failed to store the trigger listener")
LISTENERS_FULL: Final = ErrorSpec(422, "Too many trigger listeners")

# Events and deliveries (rest-runners.md 8, 14)
TRIGGER_TYPE_INVALID: Final = ErrorSpec(400, "Missing or invalid 'type': expected a non-empty string")
PAYLOAD_INVALID: Final = ErrorSpec(400, "Missing or invalid 'payload': expected an object, not nested too deeply")
DELIVER_AS_INVALID: Final = ErrorSpec(400, "Invalid 'deliverAs': expected steer or followUp")
TARGET_INVALID: Final = ErrorSpec(400, "Invalid 'target': expected an object with a sessionId")
FIRE_ID_INVALID: Final = ErrorSpec(400, "Invalid 'fireId': expected a string of at most 1024 characters")
RESPONSE_INVALID: Final = ErrorSpec(400, "Missing or invalid 'response': expected a string")
SOURCE_FORBIDDEN: Final = ErrorSpec(403, "Forbidden")
LISTENER_UNKNOWN: Final = ErrorSpec(404, "Listener not found")
LISTENER_NOT_FIRED: Final = ErrorSpec(503, "The listener's session did not start")
DELIVERY_NOT_FOUND: Final = ErrorSpec(404, "Delivery not found")
DELIVERY_ANSWERED: Final = ErrorSpec(409, "Already answered")

# Webhooks (rest-runners.md 9)
WEBHOOK_NOT_FOUND: Final = ErrorSpec(404, "Webhook not found")
WEBHOOK_NAME_INVALID: Final = ErrorSpec(400, "Missing or invalid 'name': expected a text")
WEBHOOK_SOURCE_INVALID: Final = ErrorSpec(400, "Missing or invalid 'source': expected a text")
WEBHOOK_FILTER_INVALID: Final = ErrorSpec(400, "Invalid 'eventFilter': expected an array of strings, or null")
WEBHOOK_RUNNER_FORBIDDEN: Final = ErrorSpec(403, "Runner not found or not owned by the webhook's owner")
WEBHOOK_MODEL_HIDDEN: Final = ErrorSpec(403, "Requested model is not available")
WEBHOOKS_FULL: Final = ErrorSpec(422, "Too many webhooks")
WEBHOOK_OVERLAP_INVALID: Final = ErrorSpec(400, "Invalid 'overlapSeconds': expected a number from 0 to {longest}")
WEBHOOK_UNSIGNED: Final = ErrorSpec(401, "Missing X-Webhook-Signature header")
WEBHOOK_TIMESTAMP_INVALID: Final = ErrorSpec(401, "Invalid X-Webhook-Timestamp header")
WEBHOOK_TIMESTAMP_AHEAD: Final = ErrorSpec(401, "X-Webhook-Timestamp is in the future")
WEBHOOK_TIMESTAMP_OLD: Final = ErrorSpec(401, "X-Webhook-Timestamp is too old")
WEBHOOK_NONCE_MISSING: Final = ErrorSpec(401, "Missing X-Webhook-Nonce header")
WEBHOOK_SIGNATURE_INVALID: Final = ErrorSpec(401, "Invalid signature")
WEBHOOK_NONCE_USED: Final = ErrorSpec(409, "Nonce already used")
WEBHOOK_NO_RUNNER: Final = ErrorSpec(500, "Webhook has no runner assigned")
WEBHOOK_SPAWN_REFUSED: Final = ErrorSpec(502, "{reason}")
WEBHOOK_SESSION_LATE: Final = ErrorSpec(504, "The session was started but did not connect in time")
WEBHOOK_SESSION_LOST: Final = ErrorSpec(503, "The session was started but is not connected any more")
WEBHOOK_BUSY: Final = ErrorSpec(503, "Too many deliveries of this webhook; try again later")
WEBHOOK_DELIVERY_NOT_FOUND: Final = ErrorSpec(404, "Delivery not found")
WEBHOOK_DISABLED: Final = ErrorSpec(409, "Webhook is disabled")
WEBHOOK_BODY_GONE: Final = ErrorSpec(410, "The body of this delivery is not kept")

# Tunnel (tunnel.md 2.2)
INVALID_PORT: Final = ErrorSpec(400, "Invalid port")
SESSION_HAS_NO_RUNNER: Final = ErrorSpec(503, "Session has no runner")
TUNNEL_UNAVAILABLE: Final = ErrorSpec(503, "Runner not available")
INVALID_TUNNEL_TOKEN: Final = ErrorSpec(401, "Invalid or expired tunnel token")
TUNNEL_TOKEN_UNREADABLE: Final = ErrorSpec(400, "Bad tunnel token path")
TUNNEL_TOKEN_REVOKED: Final = ErrorSpec(401, "Tunnel token revoked")
TUNNEL_HOST_UNKNOWN: Final = ErrorSpec(404, "Unknown or expired tunnel")
TUNNEL_HOST_REVOKED: Final = ErrorSpec(401, "Tunnel revoked")
TUNNEL_SCOPE_MISSING: Final = ErrorSpec(400, "Missing session or runner ID")
TUNNEL_SESSION_MISSING: Final = ErrorSpec(400, "Missing session ID")
TUNNEL_RUNNER_MISSING: Final = ErrorSpec(400, "Missing runner ID")
TUNNEL_JSON_INVALID: Final = ErrorSpec(400, "Invalid JSON")
TUNNEL_TIMED_OUT: Final = ErrorSpec(504, "Tunnel request timed out")
TUNNEL_FAILED: Final = ErrorSpec(502, "Tunnel error: {reason}")
TUNNEL_BUSY: Final = ErrorSpec(503, "Tunnel error: busy")
TUNNEL_BODY_UNREADABLE: Final = ErrorSpec(400, "Failed to read tunnel request body: {reason}")
TUNNEL_HEADER_INVALID: Final = ErrorSpec(400, "Invalid request header")
TUNNEL_TARGET_INVALID: Final = ErrorSpec(400, "Invalid request target")
