"""List the metrics and read them from the parts that own the numbers; docs/metrics.md says what each means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from relay import __version__
from relay.accounts.accounts import Accounts
from relay.http.server import HttpServer
from relay.observe import process
from relay.observe.exposition import Kind, Metric, Reading
from relay.push.sender import Sender
from relay.realtime import Realtime
from relay.runners.room import RunnerRoom
from relay.sessions.room import SessionRoom
from relay.storage import Storage
from relay.terminals.room import TerminalRoom
from relay.tunnel.room import TunnelRoom


@dataclass(frozen=True, slots=True)
class Parts:
    """Gather the parts that are looked at; `http` is asked for late, because the route of the metrics is part of it."""

    storage: Storage
    realtime: Realtime
    accounts: Accounts
    runners: RunnerRoom
    sessions: SessionRoom
    terminals: TerminalRoom
    tunnels: TunnelRoom
    push: Sender
    http: Callable[[], HttpServer]


Read = Callable[[Parts], Reading]


def _gauge(name: str, text: str, read: Read, label: str | None = None) -> tuple[Metric, Read]:
    return Metric(name, Kind.GAUGE, text, label), read


def _counter(name: str, text: str, read: Read, label: str | None = None) -> tuple[Metric, Read]:
    return Metric(name, Kind.COUNTER, text, label), read


def _sockets(parts: Parts) -> Reading:
    return {namespace.name: len(namespace.sockets) for namespace in parts.realtime.namespaces}


def _deliveries(parts: Parts) -> Reading:
    return {namespace.name: namespace.deliveries for namespace in parts.realtime.namespaces}


def _sessions(parts: Parts) -> Reading:
    connected = sum(session.connected for session in parts.sessions.registry)
    return {"connected": connected, "awaited": len(parts.sessions.registry) - connected}


def _responses(parts: Parts) -> Reading:
    return {f"{first}xx": count for first, count in enumerate(parts.http().statuses) if first}


def _tunnel_bytes(parts: Parts) -> Reading:
    traffic = parts.tunnels.links.traffic
    return {"to_runner": traffic.to_runners, "from_runner": traffic.from_runners}


def _calls(parts: Parts) -> Reading:
    return {family.name.lower(): stats.seconds for family, stats in parts.runners.rpc.stats.items()}


def _failed_calls(parts: Parts) -> Reading:
    stats = parts.runners.rpc.stats.values()
    return {
        "timeout": sum(one.timeouts for one in stats),
        "runner_gone": sum(one.lost for one in stats),
        "refused": sum(one.refused for one in stats),
    }


def _queues(parts: Parts) -> Reading:
    """Count what waits: bytes where a queue is bounded in bytes, else entries."""
    return {
        "session_events_bytes": parts.sessions.registry.queued_bytes,
        "socket_backlog_bytes": parts.realtime.queued(),
        "tunnel_spill_bytes": parts.tunnels.budget.used,
        "database_writes": parts.storage.writing,
        "password_hashes": parts.accounts.hashing,
        "runner_calls": parts.runners.rpc.waiting,
        "push_messages": len(parts.push),
        "audit_entries": parts.accounts.audit.waiting,
    }


#: Every metric with how it is read, in the order in which it is written.
METRICS: Final[tuple[tuple[Metric, Read], ...]] = (
    _gauge("relay_info", "Always 1; the label says which version runs.", lambda _: {__version__: 1}, "version"),
    _gauge("relay_connections", "Open Engine.IO connections.", lambda parts: parts.realtime.connections),
    _counter(
        "relay_connections_opened_total", "Engine.IO connections opened.", lambda parts: parts.realtime.traffic.opened
    ),
    _gauge("relay_sockets", "Sockets joined to a namespace.", _sockets, "namespace"),
    _counter(
        "relay_messages_received_total",
        "Messages received over Engine.IO connections.",
        lambda parts: parts.realtime.traffic.received,
    ),
    _counter(
        "relay_messages_sent_total",
        "Messages sent over Engine.IO connections.",
        lambda parts: parts.realtime.traffic.sent,
    ),
    _counter("relay_deliveries_total", "Packets that rooms handed to their members.", _deliveries, "namespace"),
    _counter(
        "relay_packets_coalesced_total",
        "Packets that a newer one replaced while their reader was slow.",
        lambda parts: parts.realtime.traffic.coalesced,
    ),
    _counter(
        "relay_packets_dropped_total",
        "Packets lost with connections that did not read.",
        lambda parts: parts.realtime.traffic.dropped,
    ),
    _counter(
        "relay_connections_cut_total",
        "Connections cut because their peer did not read.",
        lambda parts: parts.realtime.traffic.cut,
    ),
    _gauge("relay_sessions", "Live agent sessions.", _sessions, "state"),
    _counter("relay_agent_events_total", "Events of agents processed.", lambda parts: parts.sessions.pipeline.events),
    _gauge("relay_runners", "Connected runners.", lambda parts: len(parts.runners.registry)),
    _gauge("relay_terminals", "Open terminals.", lambda parts: len(parts.terminals.terminals)),
    (Metric("relay_runner_call_seconds", Kind.HISTOGRAM, "Time until a runner answered a request.", "family"), _calls),
    _counter("relay_runner_calls_failed_total", "Requests to runners that failed.", _failed_calls, "reason"),
    _gauge("relay_tunnels", "Registered tunnel sockets of runners.", lambda parts: len(parts.tunnels.links)),
    _gauge(
        "relay_tunnel_streams",
        "HTTP exchanges and WebSockets under way through tunnels.",
        lambda parts: sum(len(channel) for channel in parts.tunnels.links.channels),
    ),
    _counter(
        "relay_tunnel_exchanges_total",
        "HTTP exchanges begun through tunnels.",
        lambda parts: parts.tunnels.links.traffic.exchanges,
    ),
    _counter(
        "relay_tunnel_exchanges_failed_total",
        "HTTP exchanges through tunnels that broke off.",
        lambda parts: parts.tunnels.links.traffic.failed,
    ),
    _counter(
        "relay_tunnel_websockets_total",
        "WebSockets opened through tunnels.",
        lambda parts: parts.tunnels.links.traffic.bridges,
    ),
    _counter("relay_tunnel_bytes_total", "Bytes of bodies and messages through tunnels.", _tunnel_bytes, "direction"),
    _gauge("relay_queue_depth", "What waits in the relay's queues.", _queues, "queue"),
    _gauge(
        "relay_write_behind_lag_seconds",
        "Age of the oldest change of a session that is not stored yet.",
        lambda parts: parts.sessions.persistence.lag,
    ),
    _gauge(
        "relay_write_behind_sessions",
        "Sessions with changes that are not stored yet.",
        lambda parts: parts.sessions.persistence.pending,
        "part",
    ),
    _counter("relay_http_responses_total", "HTTP responses begun, by status class.", _responses, "status"),
    _counter(
        "relay_audit_dropped_total",
        "Security events lost because too many waited to be stored.",
        lambda parts: parts.accounts.audit.dropped,
    ),
    _gauge("relay_storage_healthy", "1 while the newest write went through.", lambda parts: parts.storage.healthy),
    _gauge("relay_tasks", "Asyncio tasks that are alive.", lambda _: process.tasks()),
    _gauge("process_resident_memory_bytes", "Resident memory in bytes.", lambda _: process.resident_bytes()),
    _gauge("process_open_fds", "Open file descriptors.", lambda _: process.open_files()),
    _counter("process_cpu_seconds_total", "Processor time used in seconds.", lambda _: process.cpu_seconds()),
)


def collect(parts: Parts) -> list[tuple[Metric, Reading]]:
    """Read every metric now."""
    return [(metric, read(parts)) for metric, read in METRICS]
