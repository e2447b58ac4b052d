"""Prove the changes of a session in Chromium: staged, read side by side, committed, pushed, and looked up again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_git import git
from tests.e2e.ui import Ui, serious

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(240)]


def repository(folder: Path, bare: Path) -> Path:
    """Make a repository with a remote and three changed files."""
    folder.mkdir()
    git(folder, "init", "--bare", "--initial-branch=main", str(bare))
    git(folder, "init", "--initial-branch=main")
    git(folder, "config", "user.name", "Somebody")
    git(folder, "config", "user.email", "somebody@example.com")
    git(folder, "remote", "add", "origin", str(bare))
    (folder / "src").mkdir()
    (folder / "src/poem.py").write_text("def poem():\n    one = 1\n    two = 2\n    return one\n")
    (folder / "notes.md").write_text("# Notes\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Begin")
    git(folder, "push", "-u", "origin", "main")
    git(folder, "branch", "other")
    (folder / "src/poem.py").write_text("def poem():\n    one = 1\n    two = 22\n    return one + two\n")
    (folder / "notes.md").write_text("# Notes\n\nMore.\n")
    (folder / "fresh.txt").write_text("a\nb\n")
    return folder


def side(page: Page, name: str) -> Locator:
    """Answer one of the two lists."""
    return page.get_by_role("region", name=name, exact=True)


async def test_a_commit_is_made_and_pushed_from_the_browser(ui: Ui) -> None:
    folder = repository(ui.stack.work / "project", ui.stack.folder / "remote.git")
    session_id = await ui.stack.spawn(cwd=str(folder))
    page = await ui.window(f"/session/{session_id}/changes/src/poem.py?wide")
    rest, staged = side(page, "Not staged"), side(page, "Staged")
    await playwright.expect(rest.locator(".chg-file")).to_have_text(["notes.md +2", "poem.py src+2−2", "fresh.txt +2"])
    lines = page.locator(".diff-line")
    await playwright.expect(page.locator(".diff-del")).to_have_text(["3−removed    two = 2", "4−removed    return one"])
    await playwright.expect(page.get_by_role("heading", name="Lines 1 to 4")).to_be_visible()
    await playwright.expect(lines.locator(".tk-key").first).to_have_text("def")
    await page.get_by_text("Split", exact=True).click()
    await playwright.expect(page.locator(".diff-pair")).to_have_count(4)
    assert await serious(page) == []

    await rest.get_by_role("checkbox", name="Stage src/poem.py").click()
    await playwright.expect(staged.locator(".chg-file")).to_have_text(["poem.py src+2−2"])
    await rest.get_by_role("checkbox", name="Stage fresh.txt").click()
    await playwright.expect(staged.locator(".chg-file")).to_have_count(2)
    await staged.get_by_role("checkbox", name="Unstage fresh.txt").click()
    await playwright.expect(staged.locator(".chg-file")).to_have_count(1)
    await page.get_by_role("button", name="Suggest a message").click()
    message = page.get_by_label("Commit message")
    await playwright.expect(message).not_to_have_value("")
    await message.fill("")
    await page.get_by_role("button", name="Commit 1 file").click()
    await playwright.expect(page.get_by_text("A commit needs a message.")).to_be_visible()
    await message.fill("Count to twenty-two")
    await page.keyboard.press("ControlOrMeta+Enter")
    await playwright.expect(staged).to_have_count(0)
    assert git(folder, "log", "--format=%s", "-1").strip() == "Count to twenty-two"
    assert git(folder, "show", "--name-only", "--format=", "HEAD").split() == ["src/poem.py"]

    await page.get_by_role("button", name="Push 1").click()
    await playwright.expect(page.get_by_role("button", name="Push", exact=True)).to_be_disabled()
    assert git(ui.stack.folder / "remote.git", "log", "--format=%s", "-1", "main").strip() == "Count to twenty-two"

    await rest.get_by_role("button", name="notes.md").click()
    await page.get_by_role("button", name="Discard…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Discard changes").click()
    await playwright.expect(rest.locator(".chg-file")).to_have_text(["fresh.txt +2"])
    assert (folder / "notes.md").read_text() == "# Notes\n"

    await page.get_by_role("button", name="Branch main").click()
    await page.get_by_role("menuitem", name="History").click()
    commits = page.locator(".chg-subject")
    await playwright.expect(commits).to_have_text(["Count to twenty-two", "Begin"])
    await playwright.expect(page.locator(".diff-add").last).to_contain_text("return one + two")
    await page.get_by_role("button", name="Begin").click()
    await playwright.expect(page.locator(".chg-file-head")).to_have_text(["notes.md +1 −0", "src/poem.py +4 −0"])
    await page.get_by_role("button", name="Changes", exact=True).click()
    await page.get_by_role("button", name="Branch main").click()
    await page.get_by_role("menuitemradio", name="other").click()
    await playwright.expect(page.get_by_role("button", name="Branch other")).to_be_visible()
    assert git(folder, "branch", "--show-current").strip() == "other"


async def test_a_phone_reads_one_file_after_the_other_and_a_clean_folder_says_so(ui: Ui) -> None:
    folder = repository(ui.stack.work / "project", ui.stack.folder / "remote.git")
    session_id = await ui.stack.spawn(cwd=str(folder))
    page = await ui.window(f"/session/{session_id}/changes", "phone", dark=True)
    await side(page, "Not staged").get_by_role("button", name="poem.py").tap()
    await playwright.expect(page.locator(".diff-add").first).to_contain_text("two = 22")
    await playwright.expect(page.get_by_label("Commit message")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.get_by_role("button", name="Files", exact=True).tap()
    await playwright.expect(page.get_by_label("Commit message")).to_be_visible()
    assert await serious(page) == []
    git(folder, "stash", "--include-untracked")
    await page.reload()
    await playwright.expect(page.get_by_text("No changes in this folder.")).to_be_visible()
