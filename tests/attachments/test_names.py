"""Names and types of attachments (rest-account.md 9.1, 9.3, 9.5)."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.attachments.names import (
    SAFE_TYPES,
    ascii_name,
    disposition,
    extracted_name,
    image_type,
    percent_name,
    served_type,
)


@pytest.mark.parametrize("kind", sorted(SAFE_TYPES))
def test_safe_types_are_shown_in_place(kind: str) -> None:
    assert served_type(f"{kind.upper()}; charset=x") == kind
    assert disposition("a.x", kind).startswith("inline; ")


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html", "application/json", "text/markdown", "", "x"])
def test_everything_else_is_a_download_of_bytes(kind: str) -> None:
    assert served_type(kind) == "application/octet-stream"
    assert disposition("a", served_type(kind)).startswith("attachment; ")


@pytest.mark.parametrize(
    ("mime", "extension"),
    [("image/png", "png"), ("image/jpeg", "jpeg"), ("image/svg+xml", "bin"), ("application/octet-stream", "bin")],
)
def test_extracted_images_have_a_short_safe_name(mime: str, extension: str) -> None:
    assert extracted_name("abc", mime) == f"extracted-abc.{extension}"


def test_image_types_are_kept_and_others_are_bytes() -> None:
    assert image_type("image/PNG") == "image/png"
    for bad in ("text/html", "image/", "image/a b", "image/a/../b", "image/png\n", None, 5, "image/" + "x" * 200):
        assert image_type(bad) == "application/octet-stream"


def test_names_are_encoded_as_the_contract_says() -> None:
    name = 'Bild "1"\\ä\n(b)!*.png'
    assert ascii_name(name) == "Bild _1____(b)!*.png"
    assert percent_name("a'(b)*!~ ä.png") == "a%27%28b%29%2A!~%20%C3%A4.png"


@given(st.text(max_size=60))
def test_every_name_gives_a_header_and_survives(name: str) -> None:
    header = disposition(name, "image/png")
    assert header.isascii()
    assert not any(ord(char) < 32 or ord(char) == 127 for char in header)
    plain = header.partition('filename="')[2].partition('"; filename*=')[0]
    assert len(plain) == len(name)
    assert '"' not in plain
    assert unquote(percent_name(name)) == name.encode("utf-8", "replace").decode()
