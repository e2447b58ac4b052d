"""Describe the answers about the relay itself (rest-account.md 13)."""

from __future__ import annotations

from typing import Literal, TypedDict


class Versions(TypedDict):
    """Name what a web UI compares; `server` is null because no UI knows this server's versions."""

    server: str | None
    socketProtocol: int
    buildTimestamp: str | None


class RelayVersion(TypedDict):
    """Name this server."""

    name: str
    version: str


class HealthReport(TypedDict):
    """Say how the relay is; `uptime` is in seconds, `redis` means that live state is ready."""

    status: Literal["ok", "degraded"]
    redis: bool
    socketio: bool
    uptime: int
    version: Versions
    relay: RelayVersion


class ClientVersion(TypedDict):
    """Name the newest published client, null when it is not known."""

    version: str | None


class Addresses(TypedDict):
    """Name the addresses for other machines, the likeliest first; `local` when none but this one gets in."""

    addresses: list[str]
    local: bool


class Ready(TypedDict):
    """Say that requests can be served."""

    ready: Literal[True]
