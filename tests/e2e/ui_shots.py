"""Draw every page of the web UI, light and dark, on desktop, tablet and phone: `python -m tests.e2e.ui_shots FOLDER`.

By hand, to lay the pictures beside the mock-ups. Words after the folder choose pages by the beginning of their names;
`--sizes phone` and `--themes dark` draw less. Names are `{page}-{size}-{theme}.png`.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from tests.e2e.client import published_client
from tests.e2e.provider import Call, Refuse, Say, Step, ask_user, bash
from tests.e2e.shells import ShellStack
from tests.e2e.stack import Stack
from tests.e2e.ui import Size, Ui, browsing

if TYPE_CHECKING:
    from playwright.async_api import Page

#: A page gets so long, in milliseconds, to fetch what it shows and to come to rest.
_SETTLE: Final = 1200
_STORY: Final = """The cap was taken **after** the jitter, so a full second could be added to the longest delay. Now:

```python
delay = min(cap, base * 2**attempt)
half = delay / 2
return half + random.uniform(0, half)
```

* The test that was red is green.
* `CHANGELOG.md` says what changed.

| case | before | after |
|---|---|---|
| third try | 9.4 s | 8 s |
| tenth try | 61 s | 60 s |

I am running the whole suite once more to be sure that nothing else depends on the old order of these steps, because \
two callers pass a cap of their own and """


@dataclass(frozen=True, slots=True)
class Shot:
    """Name a picture, the address, and what to do before it is taken."""

    name: str
    path: str
    act: Callable[[Page], Awaitable[object]] | None = None
    signed_in: bool = True


def repository(folder: Path) -> Path:
    """Make a git repository with a commit, a branch and changes."""
    source = folder / "src" / "fetchkit"
    source.mkdir(parents=True)
    retry = source / "retry.py"
    retry.write_text('"""Try again."""\n\nimport random\n\n\ndef backoff(attempt, base=1.0, cap=60.0):\n'
                     "    delay = min(cap, base * 2**attempt)\n    return delay + random.uniform(0, 1)\n")  # fmt: skip
    (source / "client.py").write_text("from fetchkit.retry import backoff\n")
    (folder / "README.md").write_text("# fetchkit\n\nFetches, and tries again.\n")
    for line in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "commit", "-q", "-m", "Fetch, and try again"),
        ("checkout", "-q", "-b", "fix/backoff"),
    ):
        subprocess.run(["git", *line], cwd=folder, check=True)
    old, new = "return delay + random.uniform(0, 1)", "half = delay / 2\n    return half + random.uniform(0, half)"
    retry.write_text(retry.read_text().replace(old, new))
    (folder / "CHANGELOG.md").write_text("# Changes\n\n* The jitter stays below the cap.\n")
    subprocess.run(["git", "add", "src"], cwd=folder, check=True)
    return folder


async def furnish(stack: Stack) -> dict[str, str]:
    """Start sessions in every state; answer their ids by short names."""
    fetchkit = repository(stack.work / "fetchkit")
    ledger = repository(stack.work / "ledger")
    never = asyncio.Event()
    todo = [
        {"id": number, "text": text, "status": status}
        for number, (text, status) in enumerate(
            [("Find the red test", "done"), ("Read the retry module", "done"), ("Move the cap", "in_progress"),
             ("Run the suite", "pending"), ("Write the changelog", "pending")], 1)
    ]  # fmt: skip
    plans: dict[str, tuple[Path, str, tuple[Step, ...]]] = {
        "plan": (fetchkit, "Split the parser into two passes", (
            Call("plan_mode", {"title": "Split the parser into two passes", "steps": [
                {"title": "Collect names first", "description": "parser/names.py, new"},
                {"title": "Resolve in a second pass", "description": "parser/resolve.py, new"},
                {"title": "Keep the old entry point", "description": "parser/__init__.py"}]}), Say("Fine."))),
        "done": (fetchkit, "Add --json to every CLI command", (
            Say("All 14 commands take `--json` now, and the docs list the fields. The suite passes."),)),
        "failed": (fetchkit, "Publish 0.9 to the test index", (Refuse(400, "the index refused the token"),)),
        "ended": (ledger, "Make the import faster", (Say("It takes 2 s now instead of 9 s."),)),
        "question": (ledger, "Move the settings from YAML to TOML", (
            bash("ls -1"),
            ask_user("Should the old YAML files still load for one release?", "Yes, with a warning",
                     "No, convert on start", "No, and fail with a hint"), Say("Fine."))),
        "stream": (fetchkit, "The backoff test is red on main, find out why and mend it", (
            Call("update_todo", {"todos": todo}),
            Call("read", {"path": "src/fetchkit/retry.py"}),
            Call("read", {"path": "README.md"}),
            bash("git log --oneline; echo 'FAILED tests/test_retry.py::test_cap'; exit 1"),
            Call("edit", {"path": "README.md", "oldText": "Fetches, and", "newText": "Fetches, then"}),
            Say(_STORY, gate=never, before=60))),
    }  # fmt: skip
    found: dict[str, str] = {}
    for name, (cwd, prompt, steps) in plans.items():
        stack.provider.plan(prompt[:24], *steps)
        found[name] = await stack.spawn(prompt, cwd=str(cwd))
    async with asyncio.timeout(60):
        while not stack.provider.heard("The backoff test"):
            await asyncio.sleep(0.2)
    viewer = await stack.viewer(found["ended"])
    await viewer.until_said("It takes 2 s now")
    await viewer.execute("end_session")
    return found


async def _type(page: Page, keys: str) -> None:
    for key in keys.split():
        await page.keyboard.press(key)


def shots(ids: dict[str, str], runner: str) -> list[Shot]:
    """Answer every picture that is to be taken."""
    stream = f"/session/{ids['stream']}"

    async def palette(page: Page) -> None:
        await page.keyboard.press("ControlOrMeta+k")
        await page.keyboard.type("back")

    return [
        Shot("sign-in", "/sign-in", signed_in=False),
        Shot("home", "/"),
        Shot("home-ended", "/?show=ended"),
        Shot("new-session", "/new"),
        Shot("palette", "/", palette),
        Shot("shortcuts", "/", lambda page: page.keyboard.press("?")),
        Shot("session", stream),
        Shot("session-done", f"/session/{ids['done']}"),
        Shot("session-failed", f"/session/{ids['failed']}"),
        Shot("question", f"/session/{ids['question']}"),
        Shot("plan", f"/session/{ids['plan']}"),
        Shot("overview", f"{stream}/overview"),
        Shot("changes", f"{stream}/changes/src/fetchkit/retry.py"),
        Shot("changes-wide", f"{stream}/changes/src/fetchkit/retry.py?wide"),
        Shot("files-wide", f"{stream}/files/src/fetchkit/retry.py?wide&beside=terminal"),
        Shot("files", f"{stream}/files/src/fetchkit/retry.py"),
        Shot("terminal", f"{stream}/terminal", _open_terminal),
        Shot("preview", f"{stream}/preview"),
        Shot("connect", "/connect"),
        Shot("link", f"/link/{'0' * 64}"),
        Shot("runners", "/runners"),
        Shot("runner", f"/runner/{runner}/overview"),
        Shot("runner-usage", f"/runner/{runner}/usage"),
        Shot("runner-models", f"/runner/{runner}/models"),
        Shot("usage", "/usage"),
        *(Shot(f"settings-{part}", f"/settings/{part}") for part in
          ("appearance", "notifications", "keys", "devices", "account", "relay", "about")),
        Shot("not-found", "/nothing/here"),
    ]  # fmt: skip


async def _open_terminal(page: Page) -> None:
    button = page.get_by_role("button", name="Open a terminal")
    if await button.count() > 0:
        await button.first.click()
        await page.wait_for_timeout(1500)


async def draw(ui: Ui, shot: Shot, size: Size, theme: str, folder: Path) -> None:
    """Take one picture."""
    context = await ui.context(size, signed_in=shot.signed_in, dark=theme == "dark")
    try:
        page = await ui.window(shot.path, size, context=context)
        await page.wait_for_timeout(_SETTLE)
        if shot.act is not None:
            await shot.act(page)
            await page.wait_for_timeout(400)
        await page.screenshot(path=folder / f"{shot.name}-{size}-{theme}.png")
    finally:
        await context.close()


async def main() -> None:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pages", nargs="*")
    parser.add_argument("--sizes", nargs="+", default=get_args(Size), choices=get_args(Size))
    parser.add_argument("--themes", nargs="+", default=["light", "dark"], choices=["light", "dark"])
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        async with ShellStack(Path(scratch), published_client()) as stack:
            runner = await stack.start_runner(name="studio")
            ids = await furnish(stack)
            async with browsing(stack) as ui:
                for shot in shots(ids, runner):
                    if wanted.pages and not shot.name.startswith(tuple(wanted.pages)):
                        continue
                    for size in wanted.sizes:
                        for theme in wanted.themes:
                            await draw(ui, shot, size, theme, wanted.folder)
                    print(shot.name, flush=True)
                for error in ui.errors:
                    print("console:", error)
                ui.errors.clear()


if __name__ == "__main__":
    asyncio.run(main())
