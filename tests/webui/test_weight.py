"""The page is light: what loads first, style sheets, and all of it (brief 11)."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Final

import brotli
import pytest

pytestmark = pytest.mark.xdist_group("webui")

#: What is on the screen after signing in: the page with its frame, and home and a session with all that is in it.
_FIRST: Final = ("index", "frame", "session")
_FIRST_LIMIT: Final = 150_000
_CSS_LIMIT: Final = 14_000
_WHOLE_LIMIT: Final = 2_000_000


def weight(dist: Path, name: str) -> int:
    """Answer the bytes that travel for a file over https, and to this machine: browsers take brotli there."""
    return len(brotli.compress((dist / name).read_bytes()))


def first_files(dist: Path) -> set[str]:
    """Answer every file that the first screens need, with all that they import."""
    manifest = json.loads((dist / ".vite" / "manifest.json").read_text())
    found: set[str] = {"index.html", "theme.js"}
    waiting, seen = [key for key, entry in manifest.items() if entry.get("name") in _FIRST], set[str]()
    assert len(waiting) == len(_FIRST), waiting
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        entry = manifest[name]
        found |= {entry["file"], *entry.get("css", [])}
        waiting += entry.get("imports", [])
    return found


def test_the_first_load_is_under_150_kb(dist: Path) -> None:
    sizes = {name: weight(dist, name) for name in first_files(dist)}
    assert sum(sizes.values()) < _FIRST_LIMIT, sizes


def test_the_terminal_and_the_highlighter_come_later(dist: Path) -> None:
    scripts = "".join((dist / name).read_text() for name in first_files(dist) if name.endswith(".js"))
    assert "xterm-screen" not in scripts
    assert "hljs-" not in scripts.replace('"hljs-', "")


def test_the_first_style_sheets_are_under_14_kb(dist: Path) -> None:
    sizes = {name: weight(dist, name) for name in first_files(dist) if name.endswith(".css")}
    assert sum(sizes.values()) < _CSS_LIMIT, sizes


def test_the_whole_page_is_under_2_mb(dist: Path) -> None:
    files = [file for file in dist.rglob("*") if file.is_file() and file.suffix not in {".br", ".gz"}]
    assert sum(file.stat().st_size for file in files) < _WHOLE_LIMIT


def test_no_script_is_inline_and_nothing_comes_from_elsewhere(dist: Path) -> None:
    page = (dist / "index.html").read_text()
    assert [text for text in re.findall(r"<script[^>]*>(.*?)</script>", page, re.S) if text.strip()] == []
    assert re.findall(r'(?:src|href)="(?!/)[^"]*"', page) == []
    for script in dist.rglob("*.js"):
        assert not re.search(r"\bnew Function\(|[^.\w]eval\(", script.read_text()), script.name


def test_every_text_file_has_compressed_copies(dist: Path) -> None:
    big = [file for file in dist.rglob("*") if file.suffix in {".js", ".css"} and file.stat().st_size > 1024]
    assert len(big) > 3
    for file in big:
        assert gzip.decompress(file.with_name(file.name + ".gz").read_bytes()) == file.read_bytes()
        assert file.with_name(file.name + ".br").stat().st_size < file.stat().st_size
