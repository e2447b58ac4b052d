"""The log: one line an event, with its fields, whatever strangers send."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from aiohttp.http_exceptions import BadStatusLine

from relay.cli import logs
from relay.http.request_id import request_id

log = logging.getLogger("relay.test")


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Give the test runner its log back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("asyncio", "aiosqlite", "aiohttp"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def _written(style: str, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    logs.configure(style, level, stream)
    return stream


def test_json_is_one_object_a_line() -> None:
    stream = _written("json")
    token = request_id.set("abc-1")
    log.info("runner %s", "registered", extra={"runner_id": "r1", "count": 3, "who": ("a",)})
    request_id.reset(token)
    try:
        raise LookupError("line\nbreak")
    except LookupError:
        log.exception("failed")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "info",
        "logger": "relay.test",
        "event": "runner registered",
        "request": "abc-1",
        "runner_id": "r1",
        "count": 3,
        "who": "('a',)",
    }
    assert "request" not in second
    assert "LookupError: line\nbreak" in second["traceback"]


def test_a_field_does_not_take_the_place_of_what_every_line_has() -> None:
    stream = _written("json")
    log.info("it ended", extra={"event": "exit", "level": 3})
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["event_"], line["level_"]) == ("it ended", "info", "exit", 3)


def test_text_is_one_line_with_its_fields() -> None:
    stream = _written("text")
    token = request_id.set("abc-1")
    log.warning("runner gone", extra={"runner_id": "r1"})
    request_id.reset(token)
    line = stream.getvalue()
    assert line.endswith(" WARNING relay.test: runner gone request=abc-1 runner_id=r1\n")


@pytest.mark.parametrize("style", ["text", "json"])
def test_nobody_can_forge_a_line(style: str) -> None:
    stream = _written(style)
    log.info("name %s", "x\n2026 INFO forged", extra={"name_sent": "y\r\n\x1b[31mforged", "odd": "\ud800"})
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_the_level_and_the_libraries_are_kept_down() -> None:
    stream = _written("text")
    log.debug("hidden")
    logging.getLogger("aiohttp.client").info("hidden")
    logging.getLogger("asyncio").warning("shown")
    assert [line.split(": ", 1)[1] for line in stream.getvalue().splitlines()] == ["shown"]
    stream = _written("text", "error")
    log.warning("hidden")
    log.error("shown")
    assert stream.getvalue().count("\n") == 1


def test_what_is_no_http_leaves_no_traceback() -> None:
    stream = _written("text")
    server = logging.getLogger("aiohttp.server")
    for error in (BadStatusLine("garbage"), LookupError("ours")):
        try:
            raise error
        except (BadStatusLine, LookupError):
            server.exception("Error handling request from %s", "192.0.2.1")
    assert "garbage" not in stream.getvalue()
    assert "LookupError: ours" in stream.getvalue()
