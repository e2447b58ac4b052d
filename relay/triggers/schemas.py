"""Describe the bodies of the trigger calls (rest-runners.md 2.5 to 2.8, 5.17 to 5.19, 8, 14)."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Item = dict[str, object]
DeliverAs = Literal["steer", "followUp"]
FilterMode = Literal["and", "or"]


class ListenerModel(TypedDict):
    """Name a model."""

    provider: str
    id: str


class Filter(TypedDict):
    """Compare a field of the payload, by default with `eq`."""

    field: str
    value: object
    op: NotRequired[Literal["eq", "contains"]]
    caseSensitive: NotRequired[bool]


class TriggerDefinition(TypedDict, total=False):
    """Describe a trigger as a service announced it."""

    type: str
    description: str
    params: list[Item]
    schema: Item
    modes: list[str]


class TriggerDefinitions(TypedDict):
    """List what a session can subscribe to."""

    triggerDefs: list[TriggerDefinition]


class SigilDefinitions(TypedDict):
    """List sigils as services announced them."""

    sigilDefs: list[Item]


class NewSubscription(TypedDict):
    """Subscribe to a type; params are checked against its definition."""

    triggerType: str
    params: NotRequired[Item]
    filters: NotRequired[list[Filter]]
    filterMode: NotRequired[FilterMode]


class SubscriptionChange(TypedDict, total=False):
    """Replace params, filters and mode; what is missing is erased. The id, where path and query name none."""

    params: Item
    filters: list[Filter]
    filterMode: FilterMode
    subscriptionId: str


class SubscriptionQuery(TypedDict, total=False):
    """Name one subscription, in place of the path."""

    subscriptionId: str


class SubscriptionEntry(TypedDict):
    """Describe a subscription."""

    subscriptionId: str
    triggerType: str
    runnerId: str
    params: NotRequired[Item]
    filters: NotRequired[list[Filter]]
    filterMode: NotRequired[FilterMode]


class SubscriptionStored(SubscriptionEntry):
    """Answer what was stored."""

    ok: Literal[True]


class SubscriptionList(TypedDict):
    """List subscriptions."""

    subscriptions: list[SubscriptionEntry]


class Unsubscribed(TypedDict):
    """Say how many ended; the id when it was one."""

    ok: Literal[True]
    removed: int
    triggerType: NotRequired[str]
    subscriptionId: NotRequired[str]


class RouteTarget(TypedDict):
    """Name the session that a route leads to."""

    kind: Literal["session"]
    sessionId: str


class NewRoute(TypedDict):
    """Route an event type to a session."""

    eventType: str
    target: RouteTarget
    deliverAs: NotRequired[DeliverAs | None]
    params: NotRequired[Item]
    filters: NotRequired[list[Filter]]
    filterMode: NotRequired[FilterMode]
    origin: NotRequired[str]


class RouteChange(TypedDict, total=False):
    """Change what is named; the rest stays."""

    target: RouteTarget | None
    deliverAs: DeliverAs | None
    params: Item
    filters: list[Filter]
    filterMode: FilterMode


class RouteEntry(TypedDict):
    """Describe a route."""

    routeId: str
    eventType: str
    target: RouteTarget
    deliverAs: DeliverAs
    runnerId: str
    createdAt: str
    filterMode: FilterMode
    params: NotRequired[Item]
    filters: NotRequired[list[Filter]]


class RouteStored(TypedDict):
    """Answer what was stored."""

    ok: Literal[True]
    route: RouteEntry


class RouteList(TypedDict):
    """List routes."""

    routes: list[RouteEntry]


class ListenerChange(TypedDict, total=False):
    """Say which type starts which session; `listenerId` names one where the path is a type."""

    triggerType: str
    prompt: str
    cwd: str
    model: ListenerModel
    params: Item
    autoClose: bool
    listenerId: str


class NewListener(TypedDict):
    """Say which type starts which session."""

    triggerType: str
    prompt: NotRequired[str]
    cwd: NotRequired[str]
    model: NotRequired[ListenerModel]
    params: NotRequired[Item]
    autoClose: NotRequired[bool]


class ListenerEntry(TypedDict):
    """Describe a listener."""

    listenerId: str
    triggerType: str
    createdAt: str
    prompt: NotRequired[str]
    cwd: NotRequired[str]
    model: NotRequired[ListenerModel]
    params: NotRequired[Item]
    autoClose: NotRequired[bool]


class ListenerStored(TypedDict):
    """Answer what was stored."""

    ok: Literal[True]
    listenerId: str
    triggerType: str
    listener: ListenerEntry


class ListenerList(TypedDict):
    """List listeners, the newest first."""

    listeners: list[ListenerEntry]


class RunnerTriggers(ListenerList):
    """List a runner's trigger definitions and listeners."""

    triggerDefs: list[TriggerDefinition]


class ListenersGone(TypedDict):
    """Say how many were deleted; the id when it was one."""

    ok: Literal[True]
    triggerType: str
    removed: int
    listenerId: NotRequired[str]


class Schedule(SubscriptionEntry):
    """Describe a schedule and its session."""

    sessionId: str
    sessionName: str | None
    cwd: str | None
    sessionLive: bool


class ScheduleList(TypedDict):
    """List schedules."""

    schedules: list[Schedule]


class DirectTarget(TypedDict):
    """Name the session that is to get an event."""

    sessionId: str
    deliverAs: NotRequired[DeliverAs | None]
    wake: NotRequired[bool]


class EventSource(TypedDict, total=False):
    """Name the publisher."""

    kind: str
    id: str
    name: str


class ResponseContract(TypedDict, total=False):
    """Ask for an answer, and to be told when none came in so many milliseconds."""

    escalate: bool
    ttlMs: float


class NewEvent(TypedDict):
    """Publish an event; the same `fireId` is delivered once."""

    type: str
    payload: Item
    summary: NotRequired[str]
    fireId: NotRequired[str | None]
    target: NotRequired[DirectTarget | None]
    source: NotRequired[EventSource]
    responseContract: NotRequired[ResponseContract]


class DeliveryName(TypedDict):
    """Name a session that got an event, and the id under which its agent knows it."""

    sessionId: str
    deliveryId: str
    spawned: NotRequired[Literal[True]]


class Published(TypedDict):
    """Say who got an event; `created` is false for a repeat."""

    ok: Literal[True]
    eventId: str
    created: bool
    deliveries: list[DeliveryName]


class NewTrigger(TypedDict):
    """Fire a trigger."""

    type: str
    payload: Item
    deliverAs: NotRequired[DeliverAs | None]
    source: NotRequired[str]
    summary: NotRequired[str]
    expectsResponse: NotRequired[bool]
    wakeSession: NotRequired[bool]


class Triggered(TypedDict):
    """Name the trigger, and the session that a listener started for it."""

    ok: Literal[True]
    triggerId: str
    spawnedSessionId: NotRequired[str]


class BroadcastAnswer(TypedDict):
    """Say how many sessions got a trigger, and how many it started."""

    ok: Literal[True]
    delivered: int
    spawned: int
    triggerId: str


class LimitQuery(TypedDict, total=False):
    """Say how many entries are wanted: 50 by default, 200 at most."""

    limit: str


class HistoryEntry(TypedDict):
    """Describe a trigger in a session's history."""

    triggerId: str
    type: str
    source: str
    payload: Item
    deliverAs: DeliverAs
    ts: str
    direction: Literal["inbound", "outbound"]
    summary: NotRequired[str]
    response: NotRequired[Item]


class TriggerList(TypedDict):
    """List triggers, the newest first."""

    triggers: list[HistoryEntry]


class DeliveryResponse(TypedDict):
    """Answer a trigger."""

    response: str
    action: NotRequired[str]


class DeliveryAnswered(TypedDict):
    """Say whether the answer went to the agent that waits for it."""

    ok: Literal[True]
    relayed: bool
