"""Write the log: events with their fields, as text for people or one JSON object a line for machines."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Final, TextIO

from aiohttp.http_exceptions import HttpProcessingError

from relay import jsontext
from relay.clock import iso
from relay.http.request_id import request_id

#: What every record has; everything else is a field of the event.
_STANDARD: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "taskName",
    "request_id",
}


def configure(style: str, level: str, stream: TextIO | None = None) -> None:
    """Send the log to `stream` (standard error) in `style` "text" or "json", from `level` on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    handler.addFilter(_note_request)
    handler.addFilter(_not_a_strangers_noise)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    if level != "debug":
        # The libraries tell at "info" what only their authors want to know.
        for name in ("asyncio", "aiosqlite", "aiohttp"):
            logging.getLogger(name).setLevel(logging.WARNING)


class JsonFormatter(logging.Formatter):
    """Write one object a line: time, level, logger, event, the request's id, the fields, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": iso(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if request := getattr(record, "request_id", ""):
            line["request"] = request
        # A field never takes the place of what every line has.
        line |= {f"{name}_" if name in line else name: _plain(value) for name, value in fields_of(record).items()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return jsontext.dumps(line).decode()


class TextFormatter(logging.Formatter):
    """Write one line a record (and the traceback below it): time, level, logger, event, fields."""

    def format(self, record: logging.LogRecord) -> str:
        parts = [
            iso(record.created * 1000),
            f"{record.levelname:<7}",
            f"{record.name}: {_one_line(record.getMessage())}",
        ]
        if request := getattr(record, "request_id", ""):
            parts.append(f"request={request}")
        parts += [f"{name}={_one_line(_plain(value))}" for name, value in fields_of(record).items()]
        line = " ".join(parts)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def fields_of(record: logging.LogRecord) -> Mapping[str, object]:
    """Answer the fields that came with the event, in their order."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _one_line(value: object) -> str:
    # What a stranger sent must not be able to forge a line of the log.
    text = str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _note_request(record: logging.LogRecord) -> bool:
    record.request_id = request_id.get()
    return True


def _not_a_strangers_noise(record: logging.LogRecord) -> bool:
    """Drop aiohttp's tracebacks about what is no HTTP at all: anybody can send that, and it is answered with 400."""
    return not (
        record.name == "aiohttp.server"
        and record.exc_info is not None
        and isinstance(record.exc_info[1], HttpProcessingError)
    )
