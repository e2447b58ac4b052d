"""Serve Engine.IO 4 and Socket.IO 5 on aiohttp; knows nothing about what travels over it (realtime.md)."""

from relay.realtime.config import RealtimeConfig
from relay.realtime.errors import AckTimeout, Drop, Refuse, SocketGone
from relay.realtime.handshake import Handshake
from relay.realtime.namespace import (
    Authenticator,
    ConnectHandler,
    DisconnectHandler,
    EventHandler,
    FallbackHandler,
    Namespace,
    RawHandler,
)
from relay.realtime.packet import Packet
from relay.realtime.room import Room
from relay.realtime.server import Realtime
from relay.realtime.socket import Ack, Socket

__all__ = [
    "Ack",
    "AckTimeout",
    "Authenticator",
    "ConnectHandler",
    "DisconnectHandler",
    "Drop",
    "EventHandler",
    "FallbackHandler",
    "Handshake",
    "Namespace",
    "Packet",
    "RawHandler",
    "Realtime",
    "RealtimeConfig",
    "Refuse",
    "Room",
    "Socket",
    "SocketGone",
]
