"""Listen, serve an application, and stop it within a given time whatever its handlers do."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

log = logging.getLogger(__name__)

#: Room for the reconnects of a whole relay's clients after a restart.
BACKLOG: Final = 1024
#: Longest request line and longest header; upstream's runtime stops at 16 KiB in all.
HEADER_BYTES: Final = 16_384


class ListenError(Exception):
    """Say in one line why nothing can be served: port in use, address unknown, certificate unreadable."""


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """Say where to listen; an empty host means loopback, `everywhere` all interfaces, port 0 a free port."""

    host: str = ""
    port: int = 0
    everywhere: bool = False
    tls_cert: Path | None = None
    #: None: the key is in the file of the certificate.
    tls_key: Path | None = None


@dataclass(frozen=True, slots=True)
class StopLimits:
    """Share out the time of a shutdown, in seconds; together under the 3 s of sockets-agents.md 4.4."""

    #: Tunnels have 2 s of it (relay/tunnel/link.py).
    close: float = 2.4
    #: aiohttp waits this long for handlers to end, and once more for them to obey their cancellation.
    handlers: float = 0.1


class Listener:
    """Bind first, serve later: a port in use shows before a long migration, and nobody is answered too early."""

    def __init__(self, options: ListenOptions, limits: StopLimits | None = None) -> None:
        """Bind the sockets and read the certificate; raises ListenError."""
        self._limits = limits or StopLimits()
        self._options = options
        self._tls = _tls_context(options) if options.tls_cert or options.tls_key else None
        self._sockets = _bind(options)
        self._runner: web.AppRunner | None = None

    @property
    def scheme(self) -> str:
        """Answer "https" when the listener has a certificate, else "http"."""
        return "http" if self._tls is None else "https"

    @property
    def port(self) -> int:
        """Answer the port of the first socket."""
        return int(self._sockets[0].getsockname()[1])

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Answer the bound addresses with their ports, IPv4 first."""
        return [(str(bound.getsockname()[0]), int(bound.getsockname()[1])) for bound in self._sockets]

    def reload_certificate(self) -> bool:
        """Read the certificate again, for connections that come from now on; open ones live on.

        What cannot be used is logged and changes nothing. Answer whether the files were taken.
        """
        if self._tls is None:
            return False
        try:
            # A context of its own first: half a change to the one in use would break every new connection.
            _tls_context(self._options)
            _load_pair(self._tls, self._options)
        except ListenError as error:
            log.error("the certificate stays as it was", extra={"reason": str(error)})
            return False
        log.info("certificate read again", extra={"file": str(self._options.tls_cert)})
        return True

    async def start(self, app: web.Application) -> None:
        """Begin to accept connections for `app`; raises ListenError when somebody else took the port meanwhile."""
        self._runner = web.AppRunner(
            app,
            handler_cancellation=True,
            access_log=None,
            # A decompressed body would no longer fit its headers when it is passed on (tunnel.md 6.4 T8).
            auto_decompress=False,
            # Longer than a proxy in front keeps its idle connections, so that it is not we who close one in use.
            keepalive_timeout=180.0,
            lingering_time=5.0,
            # What browsers send at most: tunnelled apps share a host's cookies and keep state in their URLs.
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
            shutdown_timeout=self._limits.handlers,
        )
        await self._runner.setup()
        try:
            for bound in self._sockets:
                await web.SockSite(self._runner, bound, ssl_context=self._tls, backlog=BACKLOG).start()
        except OSError as error:
            await self._runner.cleanup()
            raise _listen_error(error, self.addresses[0][0], self.port) from error

    async def stop(self, close: Callable[[], Awaitable[None]]) -> bool:
        """Stop accepting, await `close` (the application's own end), then close every transport.

        Answer whether `close` finished in its time; what it raises is logged.
        """
        if self._runner is not None:
            for site in list(self._runner.sites):
                await site.stop()
        finished = True
        try:
            async with asyncio.timeout(self._limits.close):
                await close()
        except TimeoutError:
            log.error("closing the application took too long and was broken off")
            finished = False
        except Exception:
            log.exception("closing the application failed")
            finished = False
        if self._runner is not None:
            await self._runner.cleanup()
        self.release()
        return finished

    def release(self) -> None:
        """Close the sockets."""
        for bound in self._sockets:
            bound.close()


def _tls_context(options: ListenOptions) -> ssl.SSLContext:
    if options.tls_cert is None:
        raise ListenError("a TLS key needs a certificate: set tls_cert as well")
    for file in filter(None, (options.tls_cert, options.tls_key)):
        try:
            with file.open("rb"):
                pass
        except OSError as error:
            raise ListenError(f"cannot read {file}: {error.strerror}") from error
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _load_pair(context, options)
    return context


def _load_pair(context: ssl.SSLContext, options: ListenOptions) -> None:
    pair = f"{options.tls_cert} and {options.tls_key}" if options.tls_key else f"{options.tls_cert}"

    def refuse_password() -> str:
        # OpenSSL would ask on the terminal, which a service does not have.
        raise ListenError(f"the key of {pair} is protected by a password")

    try:
        context.load_cert_chain(str(options.tls_cert), options.tls_key, password=refuse_password)
    except ssl.SSLError as error:
        raise ListenError(f"cannot use {pair} for TLS: {error.reason or error}") from error
    except OSError as error:
        raise ListenError(f"cannot read {pair}: {error.strerror}") from error


def _bind(options: ListenOptions) -> list[socket.socket]:
    if options.everywhere:
        return _bind_pair("0.0.0.0", "::", options.port)  # noqa: S104  # this is what the option asks for
    if not options.host:
        return _bind_pair("127.0.0.1", "::1", options.port)
    try:
        found = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except (OSError, UnicodeError) as error:
        raise ListenError(f"cannot listen on {options.host}: {getattr(error, 'strerror', None) or error}") from error
    bound: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((family, str(entry[0])) for family, _, _, _, entry in found):
            bound.append(_bind_one(family, address, bound[0].getsockname()[1] if bound else options.port))
    except OSError as error:
        for opened in bound:
            opened.close()
        raise _listen_error(error, options.host, options.port) from error
    return bound


def _bind_pair(v4: str, v6: str, port: int) -> list[socket.socket]:
    """Bind the IPv4 address, and the IPv6 one if this machine has IPv6 and the port is free there too."""
    try:
        first = _bind_one(socket.AF_INET, v4, port)
    except OSError as error:
        raise _listen_error(error, v4, port) from error
    bound = [first]
    with contextlib.suppress(OSError):
        bound.append(_bind_one(socket.AF_INET6, v6, first.getsockname()[1]))
    return bound


def _bind_one(family: int, address: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # Without it a restart has to wait for the connections of the last run to time out.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
        bound.setblocking(False)
    except BaseException:
        bound.close()
        raise
    return bound


def _listen_error(error: OSError, address: str, port: int) -> ListenError:
    if error.errno == errno.EADDRINUSE:
        return ListenError(f"port {port} on {address} is in use")
    if error.errno == errno.EACCES:
        return ListenError(f"not allowed to listen on port {port} of {address}")
    return ListenError(f"cannot listen on {address} port {port}: {error.strerror}")
