"""Describe the bodies of the session calls (rest-runners.md 2.3, 2.4, 5.2, 5.10, 5.11, 5.16, 7)."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Effort = Literal["off", "minimal", "low", "medium", "high", "xhigh", "max"]


class ModelName(TypedDict):
    """Name a model."""

    provider: str
    id: str


class SpawnAgent(TypedDict):
    """Name an agent definition, or give one."""

    name: str
    systemPrompt: NotRequired[str]
    tools: NotRequired[str]
    disallowedTools: NotRequired[str]


class SpawnOptions(TypedDict, total=False):
    """Say what a new session is to do; a model is an object, `provider/id`, or the id of one that the runner lists.

    At most 8 `imageUrls` are taken. A good answer is repeated for the same `idempotencyKey`.
    """

    prompt: str
    cwd: str
    model: ModelName | str
    effort: Effort | None
    agent: SpawnAgent
    imageUrls: list[str]
    parentSessionId: str
    resumePath: str
    resumeId: str
    autoClose: bool
    idempotencyKey: str


class SpawnOrderBody(SpawnOptions):
    """Say which runner is to start the session, and what it is to do."""

    runnerId: str


class Spawned(TypedDict):
    """Name the new session; `pending` when the runner had not started it in time."""

    ok: Literal[True]
    runnerId: str
    sessionId: str
    pending: bool
    shareUrl: str


class ModelChoice(TypedDict):
    """Name the model to switch to."""

    provider: str
    modelId: str


class ModelChosen(ModelChoice):
    """Answer what the agent was told."""

    ok: Literal[True]


class ThinkingChoice(TypedDict):
    """Name the level."""

    level: Effort


class ThinkingChosen(ThinkingChoice):
    """Answer what the agent was told."""

    ok: Literal[True]


class LiveSession(TypedDict):
    """Describe a live session; times are ISO 8601."""

    sessionId: str
    shareUrl: str
    cwd: str
    startedAt: str
    viewerCount: int
    userId: str
    userName: str
    sessionName: str | None
    isEphemeral: bool
    expiresAt: str | None
    isActive: bool
    lastHeartbeatAt: str | None
    model: object
    runnerId: str | None
    runnerName: str | None
    parentSessionId: str | None
    changedAt: NotRequired[str]
    firstPrompt: NotRequired[str]
    status: Literal["running", "idle"]


class StoredSession(TypedDict):
    """Describe a stored session; times are ISO 8601."""

    sessionId: str
    cwd: str
    shareUrl: str
    startedAt: str
    lastActiveAt: str
    endedAt: str | None
    isEphemeral: bool
    expiresAt: str | None
    isPinned: bool
    runnerId: str | None
    runnerName: str | None
    sessionName: str | None
    firstPrompt: NotRequired[str]
    status: Literal["ended", "idle"]


class SessionQuery(TypedDict, total=False):
    """Leave stored sessions out with `false`, `0` or `no`, or turn their pages.

    `limit` is 20 by default and 100 at most, `cursor` the `nextCursor` of the page before.
    """

    includePersisted: str
    limit: str
    cursor: str


class SessionLists(TypedDict):
    """List live sessions, the newest first, and a page of stored ones."""

    sessions: list[LiveSession]
    persistedSessions: list[StoredSession]
    nextCursor: str | None


class PinnedSessions(TypedDict):
    """List pinned sessions."""

    pinnedSessions: list[StoredSession]


class Pinned(TypedDict):
    """Say how a session is now."""

    ok: Literal[True]
    isPinned: bool


class Told(TypedDict):
    """Say which sessions were told, and which could not be."""

    ok: Literal[True]
    reloaded: int
    failed: int
    sessionIds: list[str]
    failedSessionIds: list[str]


class Analysis(TypedDict, total=False):
    """Pass on what the runner found in a transcript."""

    sessionId: str


class OAuthReturn(TypedDict, total=False):
    """Hand on what a provider's login gave."""

    code: str
    state: str
    error: str
    error_description: str
