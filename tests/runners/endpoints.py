"""List the endpoints that ask a runner something, with what is asked, answered and refused (rest-runners.md 5, 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.runners.peer import Peer

Json = Mapping[str, object]

SKILL = {"name": "deploy", "description": "d", "filePath": "/s/deploy.md"}
PLUGIN = {"name": "p", "rootPath": "/plugins/p"}
OK: Json = {"ok": True}


@dataclass(frozen=True)
class Endpoint:
    """Describe one call: the request, the command and its fields, the runner's reply, and what the caller gets.

    `refusal` is status and text when the runner answers `ok: false` without a message, `failure` the text of a 502 when
    nothing came, None for the reason itself.
    """

    method: str
    path: str
    command: str
    reply: str
    body: Json | None = None
    sent: Json = field(default_factory=dict)
    answer: Json = field(default_factory=lambda: OK)
    result: Json = field(default_factory=lambda: OK)
    refusal: tuple[int, str] = (502, "")
    failure: str | None = None
    timed_out: str = "Runner command timed out"
    refusal_extra: Json = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path.partition('?')[0].replace('/', '.')}"

    @property
    def url(self) -> str:
        return f"/api/runners/r1/{self.path}"


def _definitions(noun: str) -> list[Endpoint]:
    many, title = f"{noun}s", noun.capitalize()
    result, listed = f"{noun}_result", f"{many}_list"
    found = {many: [SKILL], f"{noun}Names": ["deploy"]}
    changed = {"ok": True, **found}
    good = {"ok": True, many: [SKILL]}
    slow = f"{title} command timed out"
    body = {"content": "# Deploy"}
    named = {"name": "deploy", "content": "# Deploy"}
    only = {"name": "deploy"}
    return [
        Endpoint(
            "GET", f"{many}/deploy", f"get_{noun}", result, sent=only, answer={"ok": True, **named}, result=named,
            refusal=(404, f"{title} not found"), failure=f"Failed to retrieve {noun}", timed_out=slow,
        ),
        Endpoint(
            "POST", many, f"create_{noun}", result, body={"name": " deploy ", **body}, sent=named, answer=good,
            result=changed, refusal=(400, f"Failed to create {noun}"), failure=f"Failed to create {noun}",
        ),
        Endpoint(
            "PUT", f"{many}/deploy", f"update_{noun}", result, body=body, sent=named, answer=good, result=changed,
            refusal=(400, f"Failed to update {noun}"), failure=f"Failed to update {noun}",
        ),
        Endpoint(
            "DELETE", f"{many}/deploy", f"delete_{noun}", result, sent=only, answer=good, result=changed,
            refusal=(404, f"{title} not found"), failure=f"Failed to delete {noun}",
        ),
        Endpoint(
            "POST", f"{many}/refresh", f"list_{many}", listed, answer={many: [SKILL]}, result=changed,
            refusal=(0, ""), failure=f"Failed to refresh {many}",
        ),
    ]  # fmt: skip


FILE = {"name": "a.py", "path": "/w/a.py", "isDirectory": False, "isSymlink": False, "size": 3}
HIT = {"name": "a.py", "path": "/w/src/a.py", "relativePath": "src/a.py", "isDirectory": False, "isSymlink": False}
CONTENT = {"ok": True, "content": "text", "size": 4, "truncated": False}
SANDBOX = {"mode": "basic", "network": None}
SAVED = {"ok": True, "saved": True, "message": "m"}
STATUS = {
    "ok": True,
    "mode": "basic",
    "config": {"mode": "basic", "srtConfig": {"filesystem": {"denyRead": ["/x"]}, "network": {}}},
    "rawConfig": {},
}
USAGE = {
    "summary": {"totalInputTokens": 1, "totalOutputTokens": 2, "totalCost": 0.5},
    "daily": [],
    "recentSessions": [{"id": "s"}],
}
STEP = {"ok": True, "step": {"state": "waiting"}}
TOTALS = {"ok": True, "totalInputTokens": 1, "totalOutputTokens": 2, "totalCostUsd": 0.5, "sessions": [{"id": "s"}]}
SEARCH = {"cwd": "/w", "query": "a"}

FILES = [
    Endpoint(
        "GET", "browse?path=/w", "browse_directory", "file_result", sent={"path": "/w"},
        answer={"ok": True, "directories": [{"name": "src", "path": "/w/src"}]},
        result={"directories": [{"name": "src", "path": "/w/src"}]}, refusal=(400, "Browse failed"),
    ),
    Endpoint(
        "POST", "files", "list_files", "file_result", body={"path": "/w"}, sent={"path": "/w"},
        answer={"ok": True, "files": [FILE, {"name": "src", "isDirectory": True}]},
        result={
            "ok": True,
            "files": [{**FILE, "type": "file"}, {"name": "src", "isDirectory": True, "type": "directory"}],
        },
        refusal=(500, "Failed to list files"),
    ),
    Endpoint(
        "POST", "search-files", "search_files", "file_result", body=SEARCH, sent={**SEARCH, "limit": 100},
        answer={"ok": True, "files": [HIT]}, result={"ok": True, "files": [HIT], "paths": ["src/a.py"]},
        refusal=(500, "Search failed"),
    ),
    Endpoint(
        "POST", "read-file", "read_file", "file_result", body={"path": "/w/a.py"},
        sent={"path": "/w/a.py", "encoding": "utf8", "maxBytes": 524_288, "rejectTruncated": False},
        answer=CONTENT, result=CONTENT, refusal=(500, "Failed to read file"),
    ),
]  # fmt: skip

LOGIN = {"loginId": "l1"}
MACHINE = [
    Endpoint(
        "GET", "sandbox-status", "sandbox_get_status", "file_result", answer=STATUS,
        result={
            **STATUS,
            "filesystem": {"denyRead": ["/x"], "allowWrite": [], "denyWrite": []},
            "network": {"allowedDomains": [], "deniedDomains": []},
        },
        refusal=(502, "Sandbox status command failed"),
    ),
    Endpoint(
        "PUT", "sandbox-config", "sandbox_update_config", "file_result", body=SANDBOX, sent={"config": SANDBOX},
        answer=SAVED, result=SAVED, refusal=(502, "Sandbox config update failed"),
    ),
    Endpoint(
        "GET", "usage", "get_usage", "usage_data", sent={"range": "90d"}, answer={"data": USAGE},
        result={**USAGE, **TOTALS}, refusal=(0, ""),
    ),
    Endpoint(
        "GET", "plugins?cwd=/w", "list_plugins", "plugins_list", sent={"cwd": "/w"},
        answer={"plugins": [PLUGIN], "scoped": True}, result={"plugins": [{**PLUGIN, "path": "/plugins/p"}]},
        refusal=(403, "Plugin scan rejected"), failure="Failed to scan plugins",
    ),
    Endpoint(
        "POST", "plugins/refresh", "list_plugins", "plugins_list", answer={"plugins": [PLUGIN]},
        result={"ok": True, "plugins": [{**PLUGIN, "path": "/plugins/p"}]},
        refusal=(403, "Plugin scan rejected"), failure="Failed to refresh plugins",
    ),
    Endpoint(
        "GET", "settings", "settings_get_config", "file_result", answer={"ok": True, "config": {}, "agentsMd": ""},
        result={"ok": True, "config": {}, "agentsMd": ""}, refusal=(502, "Failed to read settings"),
    ),
    Endpoint(
        "PUT", "settings", "settings_update_section", "file_result", body={"section": "goal", "value": None},
        sent={"section": "goal", "value": None}, answer=SAVED, result=SAVED,
        refusal=(502, "Failed to update settings"),
    ),
    Endpoint(
        "GET", "providers", "auth_list", "file_result", answer={"ok": True, "providers": []},
        result={"ok": True, "providers": []}, refusal=(502, "Runner rejected the request"),
    ),
    Endpoint(
        "GET", "providers/login/status?loginId=l1", "auth_login_status", "file_result", sent=LOGIN, answer=STEP,
        result=STEP, refusal=(502, "Runner rejected the request"),
    ),
    Endpoint(
        "POST", "providers/login", "auth_login_start", "file_result", body={"providerId": "p", "authType": "x"},
        sent={"providerId": "p", "authType": "oauth"}, answer=STEP, result=STEP,
        refusal=(502, "Runner rejected the request"),
    ),
    Endpoint(
        "POST", "providers/login/submit", "auth_login_submit", "file_result", body={**LOGIN, "value": "sk-1"},
        sent={**LOGIN, "value": "sk-1"}, answer=STEP, result=STEP, refusal=(502, "Runner rejected the request"),
    ),
    Endpoint(
        "POST", "providers/login/cancel", "auth_login_cancel", "file_result", body=LOGIN, sent=LOGIN,
        refusal=(502, "Runner rejected the request"),
    ),
    Endpoint(
        "GET", "packages", "packages_list", "file_result", answer={"ok": True, "packages": []},
        result={"ok": True, "packages": []}, refusal=(502, "Package command failed"), refusal_extra={"ok": False},
    ),
    Endpoint(
        "POST", "packages/install", "packages_install", "file_result", body={"source": "npm:x", "local": "yes"},
        sent={"source": "npm:x", "local": False}, refusal=(502, "Package command failed"), refusal_extra={"ok": False},
    ),
    Endpoint(
        "POST", "packages/remove", "packages_remove", "file_result", body={"source": "npm:x", "local": True},
        sent={"source": "npm:x", "local": True}, refusal=(502, "Package command failed"), refusal_extra={"ok": False},
    ),
    Endpoint(
        "POST", "packages/update", "packages_update", "file_result", body={},
        refusal=(502, "Package command failed"), refusal_extra={"ok": False},
    ),
]  # fmt: skip

ENDPOINTS = [*_definitions("skill"), *_definitions("agent"), *FILES, *MACHINE]


async def answer(daemon: Peer, endpoint: Endpoint, reply: Json) -> dict[str, object]:
    """Let a runner answer the endpoint's command once; answer the fields that it was asked with."""
    request = await daemon.expect(endpoint.command)
    request_id = request.pop("requestId")
    await daemon.emit(endpoint.reply, {**reply, "requestId": request_id})
    return request
