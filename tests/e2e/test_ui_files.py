"""Prove the files of a session in Chromium: tree, viewer, line links, pictures, blame, and a narrow screen."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.test_git import git
from tests.e2e.ui import Ui, serious

if TYPE_CHECKING:
    from playwright.async_api import Page

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a"), pytest.mark.timeout(240)]

#: A picture of one pixel.
PNG: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def fill(folder: Path) -> None:
    """Make a repository with a file of every kind."""
    (folder / "src/deep").mkdir(parents=True)
    (folder / "src/deep/retry.py").write_text("".join(f"value_{n} = {n}\n" for n in range(1, 401)))
    (folder / "picture.png").write_bytes(PNG)
    (folder / "blob.bin").write_bytes(b"\0\1\2")
    (folder / "huge.txt").write_text("x" * 79 + "\n" + "line\n" * 200_000)
    git(folder, "init", "--initial-branch=main")
    git(folder, "config", "user.name", "Somebody")
    git(folder, "config", "user.email", "somebody@example.com")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Begin")
    (folder / "src/deep/retry.py").write_text("# changed\n" + (folder / "src/deep/retry.py").read_text())


async def opened(page: Page, name: str) -> None:
    await playwright.expect(page.locator(".file-path")).to_have_text(name)


async def test_files_are_walked_found_linked_by_line_and_shown_for_what_they_are(ui: Ui) -> None:
    fill(ui.stack.work)
    session_id = await ui.stack.spawn()
    page = await ui.window(f"/session/{session_id}/files?wide")
    tree = page.get_by_role("tree", name="Files")
    await tree.get_by_role("treeitem", name="src").click()
    await playwright.expect(tree.get_by_role("treeitem", name="deep")).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowRight")
    retry = tree.get_by_role("treeitem", name="retry.py")
    await playwright.expect(retry).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await playwright.expect(retry).to_be_focused()
    await page.keyboard.press("Enter")
    await opened(page, "src/deep/retry.py")
    await playwright.expect(page.locator(".file-line").first).to_have_text("1# changed")
    await playwright.expect(tree.get_by_role("treeitem", name="retry.py M")).to_be_visible()
    await playwright.expect(page.locator(".file-line .tk-com").first).to_have_text("# changed")
    await page.get_by_role("button", name="Line 12", exact=True).click()
    assert page.url.endswith("/files/src/deep/retry.py%3A12?wide")
    await page.get_by_role("button", name="Blame").click()
    await playwright.expect(page.locator(".file-who").first).to_contain_text("Somebody")
    assert await serious(page) == []

    await page.goto(f"{ui.stack.url}/session/{session_id}/files/src/deep/retry.py:300?wide")
    marked = page.locator(".file-line.on")
    await playwright.expect(marked).to_have_text("300value_299 = 299")
    await playwright.expect(marked).to_be_in_viewport()

    await page.get_by_label("Find a file").fill("pict")
    await page.get_by_role("button", name="picture.png").click()
    await playwright.expect(page.get_by_role("img", name="picture.png")).to_be_visible()
    await page.get_by_label("Find a file").fill("")
    await tree.get_by_role("treeitem", name="blob.bin").click()
    await playwright.expect(page.get_by_text("This file is not text.")).to_be_visible()
    await tree.get_by_role("treeitem", name="huge.txt").click()
    await playwright.expect(page.get_by_role("button", name="Show the other")).to_be_attached()
    await playwright.expect(page.get_by_text("Only the first 512 kB are shown")).to_be_attached()


async def test_a_phone_shows_tree_and_file_one_after_the_other(ui: Ui) -> None:
    fill(ui.stack.work)
    session_id = await ui.stack.spawn()
    page = await ui.window(f"/session/{session_id}/files", "phone")
    tree = page.get_by_role("tree", name="Files")
    await tree.get_by_role("treeitem", name="picture.png").tap()
    await playwright.expect(page.get_by_role("img", name="picture.png")).to_be_visible()
    await playwright.expect(tree).to_be_hidden()
    await page.get_by_role("button", name="Files", exact=True).tap()
    await playwright.expect(tree).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await serious(page) == []
