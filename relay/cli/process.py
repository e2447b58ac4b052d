"""Run the one coroutine of a server process: event loop, signals, and an end that can't be held up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Final

log = logging.getLogger(__name__)

#: The whole way out, from the signal to the end of the process (sockets-agents.md 4.4).
EXIT_WITHIN: Final = 3.0
#: Kept back from it for what the interpreter does itself.
_MARGIN: Final = 0.2
#: Files a process may have open: sockets mostly. More is taken when the system gives more.
_OPEN_FILES: Final = 65536


class Stop:
    """Tell the server to stop at the first signal, and end the process at the second one or when time is over."""

    def __init__(self, exit_within: float = EXIT_WITHIN) -> None:
        self._exit_within = exit_within
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        self._asked = False

    def install(self) -> None:
        """Take SIGTERM and SIGINT.

        Plain handlers and not the loop's: they run even while a callback holds the loop.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._received)

    async def wait(self) -> None:
        """Return when the server has to stop."""
        self._loop = asyncio.get_running_loop()
        if self._asked:
            return
        await self._event.wait()

    def leave(self, code: int) -> None:
        """End the process here if a signal has asked for it: everything is closed.

        What the interpreter does at its own end, module by module, can take a second on a busy machine.
        """
        if self._asked:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code)

    def _received(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            # No flush: the signal may have come in the middle of one, and a second one is an error.
            os._exit(128 + number)
        self._asked = True
        watchdog = threading.Timer(self._exit_within - _MARGIN, _overran)
        watchdog.daemon = True
        watchdog.start()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)


def on_hangup(reload: Callable[[], object] | None) -> None:
    """Call `reload` in the running loop at each SIGHUP; without one the signal ends the process, as by default."""
    if reload is None or not hasattr(signal, "SIGHUP"):
        return
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)


def run(main: Callable[[Stop], Coroutine[None, None, int]]) -> int:
    """Run `main` on the fastest event loop there is, and answer its exit code."""
    _raise_file_limit()
    stop = Stop()
    stop.install()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        code = runner.run(main(stop))
        stop.leave(code)
        return code


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None


def _raise_file_limit() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _overran() -> None:
    # Told from yet another thread: whoever holds up the process may hold the log as well.
    words = "the shutdown took too long; leaving without its rest"
    teller = threading.Thread(target=log.error, args=(words,), daemon=True)
    teller.start()
    teller.join(0.1)
    os._exit(1)
