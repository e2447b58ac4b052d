"""The container image and compose file pass their linters, and name what the relay really has; no engine runs here."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from relay.config_load import OPTIONS
from tests.cli.relay_process import running

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
CONTAINERFILE, COMPOSE = DEPLOY / "Containerfile", DEPLOY / "compose.yaml"


def lint(*command: str) -> None:
    """Run a linter of the test environment; its complaints fail the test."""
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def instructions() -> list[tuple[str, str]]:
    """Answer the instructions of the Containerfile, continued lines joined."""
    text = "\n".join(line for line in CONTAINERFILE.read_text().splitlines() if not line.startswith("#"))
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


def final_stage() -> list[tuple[str, str]]:
    found = instructions()
    return found[max(at for at, (word, _) in enumerate(found) if word == "FROM") :]


def test_the_containerfile_passes_hadolint() -> None:
    lint("hadolint", "--failure-threshold", "style", str(CONTAINERFILE))


def test_the_compose_file_follows_the_compose_specification() -> None:
    lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE))


def test_the_compose_file_passes_the_security_linter() -> None:
    lint("compose-lint", "check", "--fail-on", "low", str(COMPOSE))


def test_nothing_but_the_relay_is_in_it() -> None:
    assert len([word for word, _ in instructions() if word == "FROM"]) == 2
    assert re.findall(r"^  (\w+):$", COMPOSE.read_text(), re.MULTILINE) == ["relay", "data"]


def test_it_runs_without_rights() -> None:
    users = [rest for word, rest in final_stage() if word == "USER"]
    assert users == ["10001"]
    assert 'user: "10001"' in COMPOSE.read_text()
    # Nothing after it may write as root again.
    assert "RUN" not in [word for word, _ in final_stage()[final_stage().index(("USER", "10001")) :]]


def test_every_setting_in_it_is_one_of_the_relays() -> None:
    named = set(re.findall(r"\bRELAY_[A-Z_]+\b", CONTAINERFILE.read_text() + COMPOSE.read_text()))
    assert len(named) >= 5
    assert named <= {option.env for option in OPTIONS.values()}


def health_check() -> list[str]:
    (rest,) = [rest for word, rest in final_stage() if word == "HEALTHCHECK"]
    command = json.loads(rest.partition("CMD ")[2])
    assert isinstance(command, list)
    return [str(word) for word in command]


async def test_the_health_check_tells_a_relay_that_works_from_one_that_does_not(tmp_path: Path) -> None:
    program, *arguments = health_check()
    assert program == "python"

    async def check(port: int) -> int:
        words = [argument.replace(":7492", f":{port}") for argument in arguments]
        child = await asyncio.create_subprocess_exec(sys.executable, *words, stderr=asyncio.subprocess.DEVNULL)
        return await asyncio.wait_for(child.wait(), 30)

    async with running(tmp_path, "--port", "0", "--data-dir", "data") as process:
        assert await check(process.port) == 0
        await process.stop()
        assert await check(process.port) != 0


@pytest.mark.parametrize("name", ["tests", ".git", "**/node_modules"])
def test_what_the_image_does_not_need_stays_out_of_the_build(name: str) -> None:
    assert name in (DEPLOY.parent / ".dockerignore").read_text().splitlines()
