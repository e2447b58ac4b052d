"""The examples of the API reference in its own order: the request as shown, an answer with at least the shown shape.

`{runnerId}` and the like stand for things of a world in which they exist; names in bodies are those of the reference.
Where its examples and the published clients cannot both be had, the form of the reference is asked for by `?format=`.
Uploads, downloads and tunnels, which are more than one JSON answer, are in `tests/test_api_reference.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tests.contract.world import PASSWORD

RUNNER, SESSION = "runner_a1b2c3", "session_x1y2z3"
ENDPOINT: Final = "https://fcm.googleapis.com/fcm/send/abc"
SONNET: Final = {"provider": "anthropic", "id": "claude-sonnet-4-20250514"}
FILTER: Final = {"field": "repo", "value": "my/repo", "op": "eq"}
OK: Final = {"ok": True}
SKILL, AGENT = {"content": "# Updated skill content..."}, {"content": "# Updated agent content..."}
LISTENER: Final = {"ok": True, "listenerId": "listener_abc123", "triggerType": "github_push"}
SUBSCRIBED: Final = {"ok": True, "subscriptionId": "sub_abc123", "triggerType": "github_push"}


class By(Enum):
    """Say how the reference lets a caller in."""

    NOBODY = "nobody"
    COOKIE = "session cookie"
    KEY = "API key"
    BEARER = "Bearer"


BOTH: Final = (By.COOKIE, By.KEY)


@dataclass(frozen=True)
class Example:
    """One entry of the reference; `after` are entries that come before it, so that there is something to show."""

    method: str
    path: str
    shows: object
    sends: Mapping[str, object] | None = None
    by: Sequence[By] = (By.COOKIE,)
    query: str = ""
    status: int = 200
    after: Sequence[str] = ()

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


RUNNERS: Final = "/api/runners/{runnerId}"
SESSIONS: Final = "/api/sessions/{sessionId}"
LISTENERS: Final = f"{RUNNERS}/trigger-listeners"
SUBSCRIPTIONS: Final = f"{SESSIONS}/trigger-subscriptions"

REFERENCE: Final = (
    Example("GET", "/health", {"status": "ok"}, by=(By.NOBODY,)),
    Example(
        "POST",
        "/api/register",
        {"ok": True, "key": "pk_live_abc123..."},
        {"name": "Jordan", "email": "you@example.com", "password": PASSWORD},
        by=(By.NOBODY,),
    ),
    # Runners
    Example("GET", "/api/runners", [{"id": RUNNER, "name": "my-macbook", "connected": True, "sessions": [SESSION]}]),
    Example(
        "POST",
        "/api/runners/spawn",
        {"sessionId": SESSION, "shareUrl": "https://relay.example.com/sessions/session_x1y2z3"},
        {
            "runnerId": RUNNER,
            "prompt": "Fix all TypeScript errors",
            "cwd": "/path/to/project",
            "model": "claude-opus-4-5",
        },
        by=(*BOTH, By.BEARER),
    ),
    Example("POST", "/api/runners/restart", OK, {"runnerId": RUNNER}),
    Example("POST", "/api/runners/stop", OK, {"runnerId": RUNNER}),
    Example(
        "POST",
        "/api/runners/terminal",
        {"ok": True, "terminalId": "uuid", "runnerId": RUNNER},
        {"runnerId": RUNNER, "cwd": "/path/to/project", "cols": 80, "rows": 24},
    ),
    Example(
        "GET",
        f"{RUNNERS}/recent-folders",
        {"folders": ["/Users/jordan/Projects/app"]},
        after=("POST /api/runners/spawn",),
    ),
    Example(
        "DELETE",
        f"{RUNNERS}/recent-folders",
        {"ok": True, "deleted": True},
        {"path": "/path/to/project"},
        after=("POST /api/runners/spawn",),
    ),
    Example("GET", f"{RUNNERS}/models", {"models": [SONNET, {"provider": "openai", "id": "gpt-4o"}]}),
    Example(
        "GET",
        f"{RUNNERS}/services",
        {"serviceIds": ["git", "godmother"], "panels": [{"id": "panel-1", "title": "Service Panel"}]},
    ),
    Example("GET", f"{RUNNERS}/skills", {"skills": ["deploy", "review-pr"]}, query="format=names"),
    Example("GET", f"{RUNNERS}/skills/{{name}}", {"name": "deploy", "content": "# Deploy Skill\n..."}),
    Example(
        "POST",
        f"{RUNNERS}/skills",
        {"ok": True, "skills": ["deploy"]},
        {"name": "my-skill", "content": "# Skill instructions..."},
        query="format=names",
    ),
    Example("POST", f"{RUNNERS}/skills/refresh", {"ok": True, "skills": ["deploy"]}, query="format=names"),
    Example("PUT", f"{RUNNERS}/skills/{{name}}", {"ok": True, "skills": ["deploy"]}, SKILL, query="format=names"),
    Example("DELETE", f"{RUNNERS}/skills/{{name}}", {"ok": True, "skills": ["deploy"]}, query="format=names"),
    Example(
        "POST",
        f"{RUNNERS}/files",
        {"ok": True, "files": [{"name": "src", "type": "directory"}]},
        {"path": "/Users/jordan/Projects/app"},
    ),
    Example(
        "POST",
        f"{RUNNERS}/search-files",
        {"ok": True, "files": ["src/components/Button.tsx"]},
        {"cwd": "/Users/jordan/Projects/app", "query": "component", "limit": 100},
        query="format=names",
    ),
    Example(
        "POST",
        f"{RUNNERS}/read-file",
        {"ok": True, "content": "import express from 'express';\n..."},
        {"path": "/Users/jordan/Projects/app/src/index.ts", "encoding": "utf8"},
    ),
    Example(
        "GET",
        f"{RUNNERS}/sandbox-status",
        {
            "ok": True,
            "mode": "basic",
            "filesystem": {"denyRead": [], "allowWrite": [], "denyWrite": []},
            "network": {"allowedDomains": [], "deniedDomains": []},
        },
    ),
    Example(
        "PUT",
        f"{RUNNERS}/sandbox-config",
        OK,
        {
            "mode": "basic",
            "filesystem": {"denyRead": [], "allowWrite": ["/tmp", "/Users/jordan/Projects"], "denyWrite": ["/etc"]},
            "network": {"allowedDomains": ["api.github.com"], "deniedDomains": []},
        },
    ),
    Example(
        "GET",
        f"{RUNNERS}/usage",
        {"ok": True, "totalInputTokens": 1234567, "totalOutputTokens": 456789, "totalCostUsd": 12.34, "sessions": []},
        query="range=7d",
    ),
    Example(
        "GET",
        f"{RUNNERS}/triggers",
        {
            "triggerDefs": [{"type": "github_push", "description": "Fires on git push"}],
            "listeners": [{"triggerType": "github_push", "prompt": "Review the push", "cwd": "/project"}],
        },
        after=(f"POST {LISTENERS}",),
    ),
    Example(
        "GET",
        LISTENERS,
        {"listeners": [{"listenerId": "l", "triggerType": "github_push", "prompt": "...", "cwd": "..."}]},
        after=(f"POST {LISTENERS}",),
    ),
    Example(
        "POST",
        LISTENERS,
        LISTENER,
        {
            "triggerType": "github_push",
            "prompt": "Review the changes",
            "cwd": "/path/to/project",
            "model": SONNET,
            "params": {"branch": "main"},
        },
    ),
    Example("PUT", f"{LISTENERS}/{{target}}", LISTENER, {"prompt": "Review the push", "params": {"branch": "dev"}}),
    Example("DELETE", f"{LISTENERS}/{{target}}", {**LISTENER, "removed": 1}),
    Example("GET", f"{RUNNERS}/agents", {"agents": ["reviewer"]}, query="format=names"),
    Example("GET", f"{RUNNERS}/agents/{{name}}", {"name": "reviewer", "content": "# Agent definition..."}),
    Example(
        "POST",
        f"{RUNNERS}/agents",
        {"ok": True, "agents": ["my-agent"]},
        {"name": "my-agent", "content": "# Agent instructions..."},
        query="format=names",
    ),
    Example("POST", f"{RUNNERS}/agents/refresh", {"ok": True, "agents": ["reviewer"]}, query="format=names"),
    Example("PUT", f"{RUNNERS}/agents/{{name}}", {"ok": True, "agents": ["reviewer"]}, AGENT, query="format=names"),
    Example("DELETE", f"{RUNNERS}/agents/{{name}}", {"ok": True, "agents": ["deployer"]}, query="format=names"),
    Example(
        "GET",
        f"{RUNNERS}/plugins",
        {"plugins": [{"name": "my-plugin", "path": "/path/to/plugin"}]},
        query="cwd=/path/to/project",
    ),
    Example("POST", f"{RUNNERS}/plugins/refresh", {"ok": True, "plugins": []}),
    # Sessions
    Example(
        "GET",
        "/api/sessions",
        {"sessions": [{"sessionId": SESSION, "runnerId": RUNNER, "status": "running"}], "persistedSessions": []},
        query="includePersisted=true",
    ),
    Example(
        "GET",
        "/api/sessions/pinned",
        {"pinnedSessions": [{"sessionId": SESSION, "isPinned": True}]},
        after=(f"PUT {SESSIONS}/pin",),
    ),
    Example("PUT", f"{SESSIONS}/pin", {"ok": True, "isPinned": True}),
    Example("DELETE", f"{SESSIONS}/pin", {"ok": True, "isPinned": False}),
    # Triggers
    Example(
        "POST",
        f"{SESSIONS}/trigger",
        {"ok": True, "triggerId": "ext_abc123"},
        {
            "type": "webhook",
            "payload": {"repo": "my/repo"},
            "deliverAs": "steer",
            "expectsResponse": False,
            "source": "github",
            "summary": "New push to main",
        },
        by=BOTH,
    ),
    Example(
        "GET",
        f"{SESSIONS}/triggers",
        {
            "triggers": [
                {
                    "triggerId": "ext_abc123",
                    "type": "webhook",
                    "source": "external:github",
                    "summary": "New push to main",
                    "payload": {},
                    "deliverAs": "steer",
                    "ts": "2025-01-15T12:00:00Z",
                    "direction": "inbound",
                }
            ]
        },
        by=BOTH,
        query="limit=50",
        after=(f"POST {SESSIONS}/trigger",),
    ),
    Example("DELETE", f"{SESSIONS}/triggers", OK, by=BOTH),
    Example(
        "GET",
        f"{SESSIONS}/available-triggers",
        {
            "triggerDefs": [
                {
                    "type": "github_push",
                    "description": "Fires on git push events",
                    "params": [{"name": "branch", "type": "string"}],
                    "schema": {},
                }
            ]
        },
        by=BOTH,
    ),
    Example(
        "GET",
        SUBSCRIPTIONS,
        {"subscriptions": [{"subscriptionId": "sub_abc123", "triggerType": "github_push", "runnerId": RUNNER}]},
        by=BOTH,
        after=(f"POST {SUBSCRIPTIONS}",),
    ),
    Example(
        "POST",
        SUBSCRIPTIONS,
        {**SUBSCRIBED, "runnerId": RUNNER},
        {"triggerType": "github_push", "params": {"branch": "main"}, "filters": [FILTER], "filterMode": "and"},
        by=BOTH,
    ),
    Example(
        "PUT",
        f"{SUBSCRIPTIONS}/{{target}}",
        {**SUBSCRIBED, "runnerId": RUNNER},
        {
            "params": {"branch": "develop"},
            "filters": [{"field": "author", "value": "bot", "op": "contains"}],
            "filterMode": "and",
        },
        by=BOTH,
    ),
    Example("DELETE", f"{SUBSCRIPTIONS}/{{target}}", {**SUBSCRIBED, "removed": 1}, by=BOTH),
    Example(
        "POST",
        f"{RUNNERS}/trigger-broadcast",
        {"ok": True, "delivered": 3, "spawned": 1, "triggerId": "ext_abc123"},
        {
            "type": "github_push",
            "payload": {"repo": "my/repo", "branch": "main"},
            "deliverAs": "steer",
            "source": "github",
            "summary": "Push to main",
        },
        by=(By.KEY,),
        after=(f"POST {SUBSCRIPTIONS}",),
    ),
    # Webhooks
    Example(
        "POST",
        "/api/webhooks",
        {
            "webhook": {
                "id": "wh_uuid",
                "name": "Deploy on push",
                "source": "github",
                "secret": "whsec_...",
                "enabled": True,
                "runnerId": RUNNER,
            }
        },
        {
            "name": "Deploy on push",
            "source": "github",
            "runnerId": RUNNER,
            "cwd": "/path/to/project",
            "prompt": "Review the changes",
            "model": SONNET,
            "eventFilter": ["push", "pull_request"],
        },
        status=201,
    ),
    Example(
        "GET",
        "/api/webhooks",
        {"webhooks": [{"id": "wh_uuid", "name": "Deploy on push", "source": "github", "enabled": True}]},
        after=("POST /api/webhooks",),
    ),
    Example(
        "GET",
        "/api/webhooks/{id}",
        {"webhook": {"id": "wh_uuid", "name": "...", "source": "...", "secret": "whsec_...", "enabled": True}},
    ),
    Example(
        "PUT",
        "/api/webhooks/{id}",
        {"webhook": {"id": "wh_uuid", "name": "Updated name", "enabled": True}},
        {"name": "Updated name", "enabled": True},
    ),
    Example("DELETE", "/api/webhooks/{id}", OK),
    Example(
        "POST",
        "/api/webhooks/{id}/fire",
        {"ok": True, "triggerId": "wh_abc123", "sessionId": SESSION},
        by=(By.NOBODY,),
    ),
    # Push notifications
    Example("GET", "/api/push/vapid-public-key", {"publicKey": "BNx..."}, by=(By.NOBODY,)),
    Example(
        "POST",
        "/api/push/subscribe",
        {"ok": True, "id": "sub_uuid"},
        {
            "endpoint": ENDPOINT,
            "keys": {"p256dh": "base64-encoded-key", "auth": "base64-encoded-auth"},
            "enabledEvents": "question,error",
        },
    ),
    Example("POST", "/api/push/unsubscribe", OK, {"endpoint": ENDPOINT}),
    Example(
        "GET",
        "/api/push/subscriptions",
        {
            "subscriptions": [
                {
                    "id": "sub_uuid",
                    "endpoint": ENDPOINT,
                    "createdAt": "2025-01-15T12:00:00Z",
                    "enabledEvents": "question,error",
                    "suppressChildNotifications": False,
                }
            ]
        },
        after=("POST /api/push/subscribe",),
    ),
    Example("PUT", "/api/push/events", OK, {"endpoint": ENDPOINT, "enabledEvents": "question,error,completion"}),
    Example("PUT", "/api/push/child-notifications", OK, {"endpoint": ENDPOINT, "suppress": True}),
    Example(
        "POST",
        "/api/push/answer",
        OK,
        {"sessionId": SESSION, "toolCallId": "tc_abc123", "text": "Yes, proceed with the deployment"},
    ),
    # Settings
    Example(
        "GET",
        "/api/settings/hidden-models",
        {"hiddenModels": ["openai/gpt-4", "anthropic/claude-2"]},
        after=("PUT /api/settings/hidden-models",),
    ),
    Example(
        "PUT",
        "/api/settings/hidden-models",
        {"ok": True, "hiddenModels": ["openai/gpt-4"]},
        {"hiddenModels": ["openai/gpt-4"]},
    ),
)
