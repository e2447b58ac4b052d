"""Work on a real repository through the git service of the published runner (sockets-browsers.md 6.5)."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from tests.e2e.stack import Stack
from tests.e2e.transcript import JsonObject, as_object, as_objects
from tests.e2e.viewer import Viewer
from tests.e2e.waiting import NotReached

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a")]

EVENT = "service_message"
#: The page waits so long for a diff (sockets-browsers.md 6.5).
_PATIENCE = 15.0
_POLL = 0.3


def git(folder: Path, *arguments: str) -> str:
    """Run git beside the runner, with an identity and nobody's configuration; answer what it printed."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Repository:
    """A session that works in a repository, a browser that watches it, and the repository that it pushes to."""

    stack: Stack
    folder: Path
    bare: Path
    session_id: str
    viewer: Viewer
    _numbers: count[int] = field(default_factory=itertools.count)

    async def ask(self, kind: str, **payload: object) -> JsonObject:
        """Send a request and answer the payload of its answer, as the page matches it."""
        request_id = f"git-{next(self._numbers)}"
        body = {"cwd": str(self.folder), **payload}
        envelope = {"serviceId": "git", "type": kind, "requestId": request_id, "sessionId": "not mine", "payload": body}
        await self.viewer.emit(EVENT, envelope)

        def answers() -> list[JsonObject]:
            return [event for event in self.viewer.events(EVENT) if event.get("requestId") == request_id]

        await self.viewer.changed.until(lambda: bool(answers()), f"the answer to {kind}", _PATIENCE)
        [answer] = answers()
        assert answer["serviceId"] == "git"
        assert answer["sessionId"] == self.session_id
        assert answer["type"] == f"{kind}_result"
        return as_object(answer["payload"])

    async def done(self, kind: str, **payload: object) -> JsonObject:
        """Send a request that must succeed."""
        answer = await self.ask(kind, **payload)
        assert answer["ok"] is True, answer
        return answer

    async def until_changed(self, expected: dict[str, str]) -> None:
        """Wait until paths and two-letter statuses are these; the service keeps a status for 2.5 s."""
        shown: object = None
        try:
            async with asyncio.timeout(_PATIENCE):
                while shown != expected:
                    status = await self.done("git_status")
                    shown = {str(change["path"]): str(change["status"]) for change in as_objects(status["changes"])}
                    await asyncio.sleep(_POLL)
        except TimeoutError as exc:
            raise NotReached(f"changes {expected}: not within {_PATIENCE:g} s; state: {shown}") from exc


@pytest.fixture
async def repository(stack: Stack) -> Repository:
    folder, bare = stack.work / "project", stack.folder / "remote.git"
    folder.mkdir()
    git(stack.folder, "init", "--bare", "--initial-branch=main", str(bare))
    git(folder, "init", "--initial-branch=main")
    git(folder, "config", "user.name", "Somebody")
    git(folder, "config", "user.email", "somebody@example.com")
    git(folder, "remote", "add", "origin", str(bare))
    (folder / "poem.txt").write_text("one\ntwo\nthree\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Begin")
    git(folder, "push", "-u", "origin", "main")
    session_id = await stack.spawn(cwd=str(folder))
    return Repository(stack, folder, bare, session_id, await stack.viewer(session_id))


async def test_a_change_goes_from_the_browser_to_the_bare_repository(repository: Repository) -> None:
    folder, bare = repository.folder, repository.bare
    status = await repository.done("git_status")
    assert (status["branch"], status["changes"], status["ahead"], status["behind"]) == ("main", [], 0, 0)
    assert status["hasUpstream"] is True
    assert os.path.realpath(str(status["repoRoot"])) == os.path.realpath(folder)

    (folder / "poem.txt").write_text("one\nTWO ÄÖ\nthree\n")
    (folder / "new.txt").write_text("new\n")
    await repository.until_changed({"poem.txt": " M", "new.txt": "??"})
    diff = str((await repository.done("git_diff", path="poem.txt", staged=False))["diff"])
    assert "-two\n" in diff
    assert "+TWO ÄÖ\n" in diff

    await repository.done("git_stage", paths=["poem.txt"])
    await repository.until_changed({"poem.txt": "M ", "new.txt": "??"})
    assert str((await repository.done("git_diff", path="poem.txt", staged=False))["diff"]).strip() == ""
    assert "+TWO ÄÖ\n" in str((await repository.done("git_diff", path="poem.txt", staged=True))["diff"])
    await repository.done("git_unstage", paths=["poem.txt"])
    await repository.until_changed({"poem.txt": " M", "new.txt": "??"})
    await repository.done("git_stage", all=True)
    await repository.until_changed({"poem.txt": "M ", "new.txt": "A "})

    await repository.done("git_commit", message="Change the poem\n\nAnd add a file.")
    assert git(folder, "log", "-1", "--format=%B").strip() == "Change the poem\n\nAnd add a file."
    assert git(folder, "log", "-1", "--format=%an").strip() == "Somebody"
    await repository.until_changed({})
    assert (await repository.done("git_status"))["ahead"] == 1
    await repository.done("git_push")
    assert git(bare, "rev-parse", "main") == git(folder, "rev-parse", "HEAD")
    assert (await repository.done("git_status"))["ahead"] == 0


async def test_branches_are_listed_checked_out_and_pushed_with_an_upstream(repository: Repository) -> None:
    folder, bare = repository.folder, repository.bare
    git(folder, "branch", "topic")
    git(folder, "push", "origin", "main:elsewhere")
    git(folder, "fetch", "origin")
    listed = await repository.done("git_branches")
    assert listed["currentBranch"] == "main"
    branches = {str(branch["name"]): branch for branch in as_objects(listed["branches"])}
    assert branches["main"]["isCurrent"] is True
    assert branches["topic"]["isRemote"] is False
    # The service lists remote branches with an option that git has since 2.42, and none with an older one.
    if tuple(map(int, git(folder, "version").split()[2].split(".")[:2])) >= (2, 42):
        assert branches["origin/elsewhere"]["isRemote"] is True

    assert (await repository.done("git_checkout", branch="topic"))["branch"] == "topic"
    assert git(folder, "branch", "--show-current").strip() == "topic"
    (folder / "topic.txt").write_text("topic\n")
    await repository.done("git_stage", all=True)
    await repository.done("git_commit", message="Topic")
    refused = await repository.ask("git_push")
    assert (refused["ok"], refused["noUpstream"]) == (False, True)
    await repository.done("git_push", setUpstream=True)
    assert git(bare, "rev-parse", "topic") == git(folder, "rev-parse", "HEAD")
    assert (await repository.done("git_status"))["hasUpstream"] is True

    await repository.done("git_checkout", branch="origin/elsewhere", isRemote=True)
    assert git(folder, "branch", "--show-current").strip() == "elsewhere"
    full = await repository.done("git_full_status")
    assert full["currentBranch"] == "elsewhere"
    assert as_object(full["status"])["changes"] == []


async def test_what_fails_says_why(repository: Repository) -> None:
    outside = repository.stack.folder
    for kind, payload in (
        ("git_checkout", {"branch": "no-such-branch"}),
        ("git_commit", {"message": "nothing is staged"}),
        ("git_status", {"cwd": str(outside / "nowhere")}),
    ):
        answer = await repository.ask(kind, **payload)
        assert answer["ok"] is False, kind
        assert isinstance(answer["message"], str)
        assert answer["message"]


async def test_a_session_reaches_its_own_repository_only_and_its_answers_nobody_else(repository: Repository) -> None:
    stack = repository.stack
    other = stack.work / "other"
    other.mkdir()
    git(other, "init", "--initial-branch=main")
    (other / "secret.txt").write_text("secret\n")
    refused = await repository.ask("git_stage", cwd=str(other), all=True)
    assert refused["ok"] is False
    assert git(other, "status", "--porcelain") == "?? secret.txt\n"

    second_id = await stack.spawn(cwd=str(other))
    second, neighbour = await stack.viewer(second_id), await stack.viewer(repository.session_id)
    await repository.done("git_status")
    # All viewers of the session see the answer, and those of another session none.
    await neighbour.until_event(EVENT)
    there = Repository(stack, other, repository.bare, second_id, second)
    await there.until_changed({"secret.txt": "??"})
    assert {event["sessionId"] for event in second.events(EVENT)} == {second_id}
    assert second_id not in {event["sessionId"] for event in repository.viewer.events(EVENT)}


async def test_a_commit_behind_the_browsers_back_is_pushed_to_it(repository: Repository) -> None:
    await repository.done("git_status")

    def pushed() -> list[JsonObject]:
        events = [event for event in repository.viewer.events(EVENT) if not event.get("requestId")]
        return [event for event in events if event["type"] in ("git_status_result", "git_repo_changed")]

    (repository.folder / "poem.txt").write_text("changed\n")
    # The service says nowhere when it began to watch, so the repository changes until it notices.
    async with asyncio.timeout(20):
        while not pushed():
            git(repository.folder, "commit", "--allow-empty", "-am", "From a shell")
            await asyncio.sleep(0.5)
    assert {event["sessionId"] for event in pushed()} == {repository.session_id}
    assert (await repository.done("git_status"))["ahead"] != 0
