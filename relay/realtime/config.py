"""Hold the settings of the realtime server: times, limits and the path."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RealtimeConfig:
    """State every time (seconds) and every bound (bytes or counts) of the realtime layer.

    The defaults are the ones that the PizzaPi clients expect (sockets-agents.md 1.1); tests shorten the times.
    """

    path: str = "/socket.io/"
    """Where the server answers; sockets-agents.md 1.1."""
    ping_interval: float = 30.0
    """Between two pings; announced to the client (sockets-agents.md 1.1)."""
    ping_timeout: float = 60.0
    """For the pong; the client declares the link dead after interval + timeout (sockets-agents.md 1.1)."""
    max_payload: int = 100 * MIB
    """Largest message or request body of a joined connection; announced as ``maxPayload`` (sockets-agents.md 1.1)."""
    connect_timeout: float = 45.0
    """For the first namespace to be joined; default of the reference server."""
    connect_gap: float = 0.01
    """Between the answer to CONNECT and what follows it; enough for a client to read the answer by itself."""
    upgrade_timeout: float = 10.0
    """For a probing WebSocket to finish the upgrade; default of the reference server."""
    close_timeout: float = 2.0
    """For the peer to answer a WebSocket close frame before the TCP connection is cut."""
    handler_grace: float = 0.3
    """For running handlers to end when the server shuts down, before they are cancelled."""
    unjoined_payload: int = 64 * 1024
    """All bytes that a connection may send before it joined its first namespace: some CONNECT packets with
    credentials.
    """
    max_unjoined_per_address: int = 64
    """Connections of one client address without a namespace (realtime.md, Protocol)."""
    max_connections_per_address: int = 4096
    """Connections of one client address in all (realtime.md, Protocol)."""
    backlog_bytes: int = 8 * MIB
    """Queued for one connection before it is cut; one single larger packet may be among them."""
    backlog_seconds: float = 30.0
    """Without any progress of a backlogged connection before it is cut."""
    waiting_tasks: int = 64
    """Waiting handlers of one connection at a time (design.md, How data flows)."""
    max_attachments: int = 32
    """Binary attachments of one packet; no client of ours sends any (sockets-agents.md 1.1)."""
    max_namespaces: int = 32
    """Namespaces joined by one connection; a browser page joins four (sockets-browsers.md 1.1)."""
