"""Hold what is stored of subscriptions and listeners (rest-runners.md 2.7, 2.8, 10.4, 10.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Json = dict[str, object]
Mode = Literal["and", "or"]

#: A listener appears to its runner as the subscription of a session with this prefix and the listener's id (8.3).
PSEUDO_SESSION: Final = "runner-listener:"
#: Subscriptions of these types outlive their session (8.1).
SCHEDULE: Final = "time:"


@dataclass(frozen=True, slots=True)
class Filter:
    """Hold one filter; `op` is `eq` or `contains`, whether case counts was settled when it was stored (3.6)."""

    field: str
    value: object
    op: Literal["eq", "contains"]
    case_sensitive: bool

    def json(self, *, route: bool = False) -> Json:
        """Answer the filter; `caseSensitive` is there when it is not what its reader takes for granted (3.6)."""
        implied = False if route else self.op == "eq"
        more: Json = {} if self.case_sensitive == implied else {"caseSensitive": self.case_sensitive}
        return {"field": self.field, "value": self.value, "op": self.op, **more}


@dataclass(frozen=True, slots=True)
class Subscription:
    """Hold one subscription of a session, which is a route under a newer name (14.2); `created_at` is ISO 8601."""

    subscription_id: str
    user_id: str
    session_id: str
    runner_id: str
    trigger_type: str
    deliver_as: str
    params: Mapping[str, object] | None
    filters: tuple[Filter, ...]
    filter_mode: Mode
    created_at: str

    @property
    def is_schedule(self) -> bool:
        """Tell whether the subscription outlives its session (8.1)."""
        return self.trigger_type.startswith(SCHEDULE)


@dataclass(frozen=True, slots=True)
class Listener:
    """Hold one listener of a runner; `model` is `{provider, id}`, `created_at` is ISO 8601."""

    listener_id: str
    user_id: str
    runner_id: str
    trigger_type: str
    prompt: str | None
    cwd: str | None
    model: Mapping[str, str] | None
    params: Mapping[str, object] | None
    auto_close: bool
    created_at: str

    @property
    def session_id(self) -> str:
        """Answer the pseudo-session under which its runner knows the listener (8.3)."""
        return f"{PSEUDO_SESSION}{self.listener_id}"


@dataclass(frozen=True, slots=True)
class Removed:
    """Name a row that a transaction deletes; hand it to `removed` of the same store once that is committed."""

    record: Subscription | Listener
