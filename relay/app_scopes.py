"""Say what API keys of each scope may do, over REST and on the browsers' sockets: one list, to be read as a whole.

Full keys may do everything. Read-only keys may call every GET that tells no secret. What is not listed here is closed
to the other scopes. The routes that authorise by themselves (attachments, tunnels, `/api/auth`) and the namespaces of
agents say so where they do it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from relay.accounts.handshake import Admission
from relay.http.errors import KEY_SCOPE
from relay.http.identity import Scope
from relay.http.routes import Route
from relay.realtime import Ack, Namespace, Socket

#: Everybody may ask who they are.
_WHO: Final = frozenset({("GET", "/api/me")})
#: What the published client's runner and agents call, and what agents' tools and runner services are told to use.
RUNNER_CALLS: Final = frozenset(
    {
        ("GET", "/api/runners"),
        ("GET", "/api/runners/{runnerId}/models"),
        ("GET", "/api/runners/{runnerId}/services"),
        ("POST", "/api/runners/spawn"),
        ("POST", "/api/runners/{runnerId}/spawn"),
        ("GET", "/api/sessions"),
        ("GET", "/api/sessions/{sessionId}/available-triggers"),
        ("GET", "/api/sessions/{sessionId}/available-sigils"),
        ("GET", "/api/sessions/{sessionId}/trigger-subscriptions"),
        ("POST", "/api/sessions/{sessionId}/trigger-subscriptions"),
        ("PUT", "/api/sessions/{sessionId}/trigger-subscriptions/{target:path}"),
        ("DELETE", "/api/sessions/{sessionId}/trigger-subscriptions/{target:path}"),
        ("GET", "/api/sessions/{sessionId}/triggers"),
        ("POST", "/api/sessions/{sessionId}/trigger"),
        ("GET", "/api/runners/{runnerId}/triggers"),
        ("GET", "/api/runners/{runnerId}/schedules"),
        ("GET", "/api/runners/{runnerId}/trigger-listeners"),
        ("POST", "/api/runners/{runnerId}/trigger-listeners"),
        ("PUT", "/api/runners/{runnerId}/trigger-listeners/{target}"),
        ("DELETE", "/api/runners/{runnerId}/trigger-listeners/{target}"),
        ("POST", "/api/runners/{runnerId}/trigger-broadcast"),
        ("POST", "/api/events"),
        ("POST", "/api/deliveries/{deliveryId}/response"),
        ("POST", "/api/tunnel-token"),
        ("POST", "/api/attachments/{attachmentId}/token"),
        ("GET", "/api/settings/hidden-models"),
        ("GET", "/api/settings/subagent-model"),
    }
)
#: GETs whose answers hold secrets: webhooks come with theirs, a runner's settings may, a push endpoint is one.
SECRET_CALLS: Final = frozenset(
    {
        ("GET", "/api/webhooks"),
        ("GET", "/api/webhooks/{id}"),
        ("GET", "/api/webhooks/{id}/deliveries"),
        ("GET", "/api/runners/{runnerId}/settings"),
        ("GET", "/api/push/subscriptions"),
    }
)
#: Everything below this is for keys that manage webhooks.
_WEBHOOKS: Final = "/api/webhooks"
#: What a browser with a read-only key may say on `/viewer`: what to show, and which part of it.
WATCHING: Final = frozenset({"switch_session", "connected", "viewer_visibility", "resync", "load_messages"})


def scoped(table: Iterable[Route]) -> list[Route]:
    """Answer the rows with the scopes that may call them."""
    return [replace(route, scopes=scopes_of(route)) for route in table]


def scopes_of(route: Route) -> frozenset[Scope]:
    """Answer the scopes that may call a row."""
    call = (route.method, route.path)
    scopes = {Scope.FULL}
    if call in _WHO:
        scopes |= set(Scope)
    if call in RUNNER_CALLS:
        scopes.add(Scope.RUNNER)
    if route.method in {"GET", "HEAD"} and call not in SECRET_CALLS:
        scopes.add(Scope.READ)
    if route.path == _WEBHOOKS or route.path.startswith(_WEBHOOKS + "/"):
        scopes.add(Scope.WEBHOOKS)
    return frozenset(scopes)


def guard_viewers(viewer: Namespace) -> None:
    """Let read-only keys watch on `/viewer`, and tell them when they try more."""
    viewer.guard_events(_may)


def _may(socket: Socket, event: str, ack: Ack) -> bool:
    held = socket.data
    if not isinstance(held, Admission) or held.scope is Scope.FULL or event in WATCHING:
        return True
    message = KEY_SCOPE.message.format(scope=held.scope.value)
    socket.emit("error", {"message": message})
    ack({"ok": False, "error": message})
    return False
