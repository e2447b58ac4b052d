"""Name what can go wrong between the server and one of its sockets."""

from __future__ import annotations


class Refuse(Exception):
    """Raise from an authenticator to answer CONNECT_ERROR ``{"message": ..., "data"?: ...}``; the client does not
    retry.
    """

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Drop(Exception):
    """Raise from an authenticator to close the transport without a packet: a transient failure that the client
    retries.
    """


class AckTimeout(Exception):
    """Say that a client did not acknowledge a call in time."""


class SocketGone(Exception):
    """Say that a socket disconnected before it acknowledged a call, or had done so before the call."""


class CodecError(ValueError):
    """Say that bytes from a peer are no valid packet; the connection that sent them is closed."""
