"""When the page is built, with which Node, and what happens without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import pytest
from packaging.tags import sys_tags

from tests.webui.workshop import load_hook

hook = load_hook()


class Screen:
    """Stand in for hatchling's terminal."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def display_info(self, message: str) -> None:
        """Say nothing."""

    def display_warning(self, message: str) -> None:
        """Remember a warning."""
        self.warnings.append(message)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a UI of two sources."""
    ui = tmp_path / "repository" / "relay" / "webui"
    (ui / "src").mkdir(parents=True)
    (ui / "index.html").write_text("<!doctype html>")
    (ui / "src" / "main.tsx").write_text("main")
    return tmp_path / "repository"


def ui_of(checkout: Path) -> Path:
    """Answer the UI's folder."""
    return checkout / "relay" / "webui"


def build_by_hand(checkout: Path) -> None:
    """Leave what a build of the present sources leaves."""
    dist = ui_of(checkout) / "dist"
    dist.mkdir()
    (dist / "index.html").write_text("built")
    (dist / hook.STAMP).write_text(hook.source_hash(ui_of(checkout)))


class Hook(Protocol):
    """Describe what hatchling calls."""

    def dependencies(self) -> list[str]:
        """Answer what the build environment needs."""

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Build."""


def make(checkout: Path, screen: Screen) -> Hook:
    """Answer the hook as hatchling makes it."""
    made: Hook = hook.UiBuildHook(str(checkout), {}, None, None, str(checkout), "wheel", screen)
    return made


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        ("v20.19.0", True),
        ("v20.20.2", True),
        ("v22.12.0", True),
        ("v24.1.0\n", True),
        ("v20.18.3", False),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v18.20.0", False),
        ("node", False),
    ],
)
def test_only_a_node_that_vite_takes_is_used(version: str, taken: bool) -> None:
    assert hook.takes(version) is taken


def test_the_page_is_fresh_until_a_source_changes(checkout: Path) -> None:
    assert not hook.is_fresh(ui_of(checkout))
    build_by_hand(checkout)
    assert hook.is_fresh(ui_of(checkout))
    (ui_of(checkout) / "src" / "main.test.ts").write_text("a test is no source")
    assert hook.is_fresh(ui_of(checkout))
    (ui_of(checkout) / "src" / "main.tsx").write_text("main, changed")
    assert not hook.is_fresh(ui_of(checkout))
    (ui_of(checkout) / "src" / "main.tsx").write_text("main")
    assert hook.is_fresh(ui_of(checkout))
    (ui_of(checkout) / "src" / "main.tsx").rename(ui_of(checkout) / "src" / "other.tsx")
    assert not hook.is_fresh(ui_of(checkout))


def test_packages_are_fetched_again_when_the_lock_file_names_another_version(tmp_path: Path) -> None:
    def lock(version: str) -> None:
        named = {
            "": {},
            "node_modules/vite": {"version": version},
            "node_modules/vitest": {"version": "4", "dev": True},
        }
        (tmp_path / "package-lock.json").write_text(json.dumps({"packages": named}))

    lock("8.0.0")
    assert not hook.has_packages(tmp_path)
    present = tmp_path / "node_modules" / ".package-lock.json"
    present.parent.mkdir()
    present.write_text(json.dumps({"packages": {"node_modules/vite": {"version": "8.0.0"}}}))
    assert hook.has_packages(tmp_path)
    lock("8.0.1")
    assert not hook.has_packages(tmp_path)


@pytest.mark.usefixtures("no_node")
def test_node_is_asked_for_only_where_it_comes_ready_made(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = make(checkout, Screen()).dependencies()
    ready_made = {tag.platform for tag in sys_tags()} & hook.NODE_PLATFORMS
    assert asked == ([hook.NODE_PACKAGE] if ready_made else [])
    monkeypatch.setattr(hook, "sys_tags", lambda: ())
    assert make(checkout, Screen()).dependencies() == []


@pytest.mark.usefixtures("no_node")
def test_node_is_not_asked_for_when_the_page_is_fresh(checkout: Path) -> None:
    build_by_hand(checkout)
    assert make(checkout, Screen()).dependencies() == []


@pytest.mark.usefixtures("no_node")
def test_an_editable_install_without_node_goes_on_and_says_so(checkout: Path) -> None:
    screen = Screen()
    make(checkout, screen).initialize("editable", {})
    (warning,) = screen.warnings
    assert warning.startswith("The relay is installed without its web UI: there is no Node 20.19 or later")
    assert not (ui_of(checkout) / "dist").exists()


@pytest.mark.usefixtures("no_node")
def test_a_wheel_without_the_page_is_refused(checkout: Path) -> None:
    with pytest.raises(RuntimeError, match=r"The web UI cannot be built: there is no Node 20\.19 or later"):
        make(checkout, Screen()).initialize("standard", {})


@pytest.mark.usefixtures("no_node")
def test_a_wheel_of_a_source_distribution_needs_no_node(checkout: Path) -> None:
    build_by_hand(checkout)
    screen = Screen()
    make(checkout, screen).initialize("standard", {})
    assert screen.warnings == []
