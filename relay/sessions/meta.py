"""Keep the meta state of a session: what the hub shows beside the transcript (sockets-agents.md 2.7.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from relay import jsontext
from relay.sessions.transcript import merge_model

Patch = dict[str, object]

_DEFAULTS: Final[tuple[tuple[str, object], ...]] = (
    ("todoList", None),
    ("pendingQuestion", None),
    ("pendingPlan", None),
    ("planModeEnabled", False),
    ("isCompacting", False),
    ("retryState", None),
    ("pendingPluginTrust", None),
    ("pendingApproval", None),
    ("mcpStartupReport", None),
    ("tokenUsage", None),
    ("providerUsage", None),
    ("thinkingLevel", None),
    ("authSource", None),
    ("model", None),
    ("goal", None),
)
#: Fields that a heartbeat may carry (2.7.1, legacy extraction).
_IN_HEARTBEAT: Final = (
    "todoList",
    "pendingQuestion",
    "pendingPlan",
    "planModeEnabled",
    "isCompacting",
    "retryState",
    "pendingPluginTrust",
    "mcpStartupReport",
    "tokenUsage",
    "providerUsage",
    "thinkingLevel",
    "authSource",
    "model",
)
_IN_METADATA: Final = ("model", "thinkingLevel", "todoList", "goal")
_PROMPTS: Final = ("pendingQuestion", "pendingPlan", "pendingPluginTrust", "pendingApproval")


def _take(source: str, target: str) -> Callable[[Mapping[str, object]], Patch]:
    return lambda event: {target: event.get(source)}


def _put(target: str, value: object) -> Callable[[Mapping[str, object]], Patch]:
    return lambda _event: {target: value}


#: How each meta event changes the state; the values are not validated, the web UI's guards do that (2.7.2).
PATCHES: Final[Mapping[str, Callable[[Mapping[str, object]], Patch]]] = {
    "todo_updated": _take("todoList", "todoList"),
    "question_pending": _take("question", "pendingQuestion"),
    "question_cleared": _put("pendingQuestion", None),
    "plan_pending": _take("plan", "pendingPlan"),
    "plan_cleared": _put("pendingPlan", None),
    "plan_mode_toggled": _take("enabled", "planModeEnabled"),
    "compact_started": _put("isCompacting", True),
    "compact_ended": _put("isCompacting", False),
    "retry_state_changed": _take("state", "retryState"),
    "plugin_trust_required": _take("prompt", "pendingPluginTrust"),
    "plugin_trust_resolved": _put("pendingPluginTrust", None),
    "approval_pending": _take("approval", "pendingApproval"),
    "approval_cleared": _put("pendingApproval", None),
    "mcp_startup_report": _take("report", "mcpStartupReport"),
    "token_usage_updated": lambda event: {
        "tokenUsage": event.get("tokenUsage"),
        "providerUsage": event.get("providerUsage"),
    },
    "thinking_level_changed": _take("level", "thinkingLevel"),
    "auth_source_changed": _take("source", "authSource"),
    "model_changed": _take("model", "model"),
    "goal_updated": _take("goal", "goal"),
}

#: The UI's decoder drops these as events; a snapshot must follow them (sockets-browsers.md 4.4).
NEED_SNAPSHOT: Final = frozenset({"approval_pending", "approval_cleared"})


class MetaState:
    """Hold the meta fields of one live session and the version that grows with every update."""

    def __init__(self, version: int = 0, fields: Mapping[str, object] | None = None) -> None:
        """Start from the defaults, or from stored `fields`; `version` goes on over registrations and restarts."""
        self.version = version
        self._fields: dict[str, object] = _fresh()
        if fields is not None:
            self._fields.update({key: value for key, value in fields.items() if key in self._fields})

    def get(self, field: str) -> object:
        """Answer one field."""
        return self._fields[field]

    @property
    def prompt_pending(self) -> bool:
        """Tell whether a question, plan, approval or trust prompt waits for a person."""
        return any(self._fields[field] is not None for field in _PROMPTS)

    def apply(self, patch: Patch) -> bool:
        """Take a patch as one update; answer whether it changed any value."""
        self.version += 1
        changed = any(self._fields.get(key) != value for key, value in patch.items())
        for key, value in patch.items():
            self._fields[key] = [] if key == "todoList" and value is None else value
        return changed

    def apply_heartbeat(self, heartbeat: Mapping[str, object]) -> bool | None:
        """Take the meta fields that a heartbeat carries; answer whether one changed, None when it carries none."""
        patch: Patch = {key: heartbeat[key] for key in _IN_HEARTBEAT if key in heartbeat}
        return self.apply(patch) if patch else None

    def apply_metadata(self, metadata: Mapping[str, object]) -> None:
        """Take the fields that a `session_metadata_update` shares with the meta state (no hub event, 2.7.2)."""
        patch: Patch = {key: metadata[key] for key in _IN_METADATA if key in metadata}
        if not patch:
            return
        if "model" in patch:
            patch["model"] = merge_model(self._fields["model"], patch["model"])
        self.apply(patch)

    def start_over(self) -> None:
        """Go back to the defaults at a registration; the version goes on."""
        self.version += 1
        self._fields = _fresh()

    def snapshot(self) -> dict[str, object]:
        """Answer the whole state as the hub sends it."""
        return {**self._fields, "version": self.version}

    def stored(self) -> bytes:
        """Answer the fields as JSON for the durable row."""
        return jsontext.dumps(self._fields)


def _fresh() -> dict[str, object]:
    fields = dict(_DEFAULTS)
    fields["todoList"] = []
    return fields
