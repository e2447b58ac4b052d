"""Let the operator's commands reach the running relay: a Unix socket in the data directory, one JSON line each way.

Whoever may open the socket (0600, in a 0700 directory) may manage the users.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from relay import jsontext

log = logging.getLogger(__name__)

#: Does one verb and answers its result; an exception's text is the error that the command shows.
Handler = Callable[[Mapping[str, object]], Awaitable[Mapping[str, object]]]

SOCKET_NAME: Final = "control.sock"
#: Room for a path in `sockaddr_un` is 108 bytes on Linux and 104 elsewhere, with the final NUL.
_LONGEST_PATH: Final = 103
#: One request is a verb, an e-mail, a name and a password.
_LONGEST_LINE: Final = 65_536
#: An answer lists every user.
_LONGEST_ANSWER: Final = 16_777_216
#: A command that is connected has its line ready; its verb may take a few password hashes.
_READ_TIMEOUT: Final = 10.0
_WORK_TIMEOUT: Final = 30.0
_CONNECTIONS: Final = 8


class ControlError(Exception):
    """Say in one line what the relay answered, or why it could not be asked."""


class NoRelay(ControlError):
    """Say that no relay listens on this data directory."""


class ControlServer:
    """Serve the control socket of one data directory; the caller holds the database, so no other relay does."""

    def __init__(
        self, path: Path, handlers: Mapping[str, Handler], *, refusals: tuple[type[Exception], ...] = ()
    ) -> None:
        """`refusals` are exceptions of the handlers whose text is meant for the operator."""
        self._path = path
        self._handlers = dict(handlers)
        self._refusals = refusals
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._directory: str | None = None

    async def start(self) -> None:
        """Listen; a socket file that a killed relay left is replaced. Where there can be none, the log says so.

        Where the path is too long for a socket, it lies in a directory of its own under the temporary one and a link
        stands in its place. Systems without Unix sockets get none.
        """
        if not hasattr(socket, "AF_UNIX"):
            log.info("this system has no Unix sockets; `relay user` works only while the relay is stopped")
            return
        try:
            await self._listen()
        except OSError as error:
            # Some file systems hold no sockets; a relay without this one still does all the rest.
            log.warning(
                "no control socket; `relay user` works only while the relay is stopped", extra={"reason": str(error)}
            )

    async def _listen(self) -> None:
        self._remove()
        real = self._path
        if len(os.fsencode(self._path)) > _LONGEST_PATH:
            self._directory = tempfile.mkdtemp(prefix="relay-")
            real = Path(self._directory) / SOCKET_NAME
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(real))
            real.chmod(0o600)
            if real != self._path:
                self._path.symlink_to(real)
            listener.setblocking(False)
            self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=_LONGEST_LINE)
        except BaseException:
            listener.close()
            self._remove()
            raise

    async def close(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is None:
            return
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        self._server = None
        self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            mode = self._path.lstat().st_mode
            if stat.S_ISSOCK(mode) or stat.S_ISLNK(mode):
                self._path.unlink()
        if self._directory is not None:
            with contextlib.suppress(OSError):
                (Path(self._directory) / SOCKET_NAME).unlink()
            with contextlib.suppress(OSError):
                Path(self._directory).rmdir()
            self._directory = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._tasks) >= _CONNECTIONS:
            writer.close()
            return
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, TimeoutError, ValueError):
            log.debug("control connection broke off", exc_info=True)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_READ_TIMEOUT):
            line = await reader.readline()
        if not line.endswith(b"\n"):
            return
        async with asyncio.timeout(_WORK_TIMEOUT):
            answer = await self._answer(line)
        writer.write(jsontext.dumps(answer) + b"\n")
        async with asyncio.timeout(_READ_TIMEOUT):
            await writer.drain()

    async def _answer(self, line: bytes) -> dict[str, object]:
        try:
            request = jsontext.loads(line)
        except ValueError:
            return {"ok": False, "error": "the request is not JSON"}
        verb = request.get("verb") if isinstance(request, dict) else None
        handler = self._handlers.get(verb) if isinstance(verb, str) else None
        if handler is None or not isinstance(request, dict):
            return {"ok": False, "error": "the relay does not know this request"}
        try:
            return {"ok": True, "result": await handler(request)}
        except self._refusals as error:
            return {"ok": False, "error": str(error)}
        except Exception:
            log.exception("control request failed", extra={"verb": verb})
            return {"ok": False, "error": "the relay failed, see its log"}


async def ask_relay(path: Path, request: Mapping[str, object]) -> dict[str, object]:
    """Ask the relay that listens at `path` and answer its result.

    Raises NoRelay when none does, ControlError with the relay's own words when it refuses or cannot be understood.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise NoRelay("this system has no Unix sockets")
    try:
        reader, writer = await asyncio.open_unix_connection(_address(path), limit=_LONGEST_ANSWER)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
        raise NoRelay(f"no relay listens at {path}") from error
    except OSError as error:
        raise ControlError(f"cannot reach the relay at {path}: {error.strerror}") from error
    try:
        writer.write(jsontext.dumps(request) + b"\n")
        async with asyncio.timeout(_WORK_TIMEOUT + _READ_TIMEOUT):
            await writer.drain()
            line = await reader.readline()
    except (OSError, TimeoutError, ValueError) as error:
        raise ControlError("the relay did not answer") from error
    finally:
        writer.close()
    return _result(line)


def _address(path: Path) -> str:
    """Follow the link that stands in the place of a socket with too long a path."""
    target = os.readlink(path) if path.is_symlink() else str(path)
    if len(os.fsencode(target)) > _LONGEST_PATH:
        raise FileNotFoundError(target)
    return target


def _result(line: bytes) -> dict[str, object]:
    try:
        answer = jsontext.loads(line)
    except ValueError as error:
        raise ControlError("the relay did not answer") from error
    if not isinstance(answer, dict):
        raise ControlError("the relay answered something else than expected")
    result = answer.get("result")
    if answer.get("ok") is not True or not isinstance(result, dict):
        raise ControlError(str(answer.get("error") or "the relay refused"))
    return result
