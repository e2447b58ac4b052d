"""Reading forms piece by piece, against the published conformance suite and by hand."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import multipart_form_data_conformance
import pytest

from relay.attachments.form import Form, FormError, Part, boundary_of
from tests.attachments.forms import BOUNDARY, form, part

CASES = sorted(path.parent for path in Path(multipart_form_data_conformance.get_tests_dir()).glob("*/*/test.json"))
#: Where we differ from the suite, which calls itself an unverified alpha, and why.
DIFFERENT = {
    "026-filename-with-backslash": "browsers send a backslash as it is, so it is not an escape (WHATWG HTML)",
    "061-lf-only-lenient": "RFC 2046 has CRLF; no client of ours sends bare LF",
    "062-mixed-endings": "RFC 2046 has CRLF; no client of ours sends bare LF",
    "104-large-file-reference": "the case states the size and a checksum, not the body",
    "204-invalid-content-disposition": "a part without a name is no file of ours and is passed over, as upstream does",
}


@dataclass(frozen=True)
class Whole:
    """One part with its body."""

    head: Part
    body: bytes


def read(boundary: bytes, raw: bytes, step: int) -> list[Whole]:
    """Feed a body in pieces of `step` bytes."""
    reader = Form(boundary, 100)
    found: list[Whole] = []
    head: Part | None = None
    body = b""
    for start in range(0, len(raw), step):
        for event in reader.feed(raw[start : start + step]):
            if isinstance(event, Part):
                head, body = event, b""
            elif event is None:
                assert head is not None
                found.append(Whole(head, body))
                head = None
            else:
                body += event
    reader.finish()
    return found


@pytest.mark.parametrize("step", [1, 7, 10**9])
@pytest.mark.parametrize("case", [path for path in CASES if path.name not in DIFFERENT], ids=lambda path: path.name)
def test_the_conformance_suite(case: Path, step: int) -> None:
    expected = json.loads((case / "test.json").read_text())["expected"]
    boundary = boundary_of(json.loads((case / "headers.json").read_text())["content-type"])
    raw = (case / "input.raw").read_bytes()
    assert boundary is not None
    if not expected["valid"]:
        with pytest.raises(FormError):
            read(boundary, raw, step)
        return
    found = read(boundary, raw, step)
    assert len(found) == len(expected["parts"])
    for whole, wanted in zip(found, expected["parts"], strict=True):
        assert (whole.head.name, whole.head.filename) == (wanted["name"], wanted.get("filename"))
        assert whole.head.content_type == wanted.get("content_type")
        text, binary = wanted.get("body_text"), wanted.get("body_base64")
        assert whole.body == (base64.b64decode(binary) if binary is not None else (text or "").encode())


def test_the_suite_is_there_and_no_deviation_is_stale() -> None:
    names = {path.name for path in CASES}
    assert len(names) >= 55
    assert set(DIFFERENT) <= names


@pytest.mark.parametrize("name", ["061-lf-only-lenient", "062-mixed-endings"])
def test_bare_line_feeds_are_refused(name: str) -> None:
    (case,) = [path for path in CASES if path.name == name]
    boundary = boundary_of(json.loads((case / "headers.json").read_text())["content-type"])
    assert boundary is not None
    with pytest.raises(FormError):
        read(boundary, (case / "input.raw").read_bytes(), 10**9)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; BOUNDARY="a b;c"', b"a b;c"),
        ("multipart/form-data; boundary = abc ", b"abc"),
        ("multipart/form-data; boundary=abc; charset=utf-8", b"abc"),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ('multipart/form-data; boundary=""', None),
        ("multipart/mixed; boundary=abc", None),
        ("application/json", None),
        ("", None),
        (f"multipart/form-data; boundary={'x' * 201}", None),
    ],
)
def test_boundaries(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


def test_too_many_parts_are_refused() -> None:
    reader = Form(BOUNDARY.encode(), 2)
    with pytest.raises(FormError):
        list(reader.feed(form(*(part("files", b"x") for _ in range(3)))))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no form at all",
        form(part("files", b"x"))[:-10],
        part("files", b"x"),
        b"--" + BOUNDARY.encode() + b"\r\nContent-Disposition: attachment; name=x\r\n\r\nx\r\n",
        form(part("files", b"x", filename="n" * 5000)),
        form(b"--" + BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n'),
    ],
)
def test_what_is_no_whole_form_is_an_error(raw: bytes) -> None:
    with pytest.raises(FormError):
        read(BOUNDARY.encode(), raw, 16)
