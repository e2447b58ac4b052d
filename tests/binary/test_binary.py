"""The single executable file does what the installed package does, on a machine without Python."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from relay.webui.serving import DIST
from tests.binary.smoke import smoke
from tests.e2e.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-a")]


async def test_the_installed_package_does_the_main_job(bare_stack: Stack) -> None:
    await smoke(bare_stack, page=(DIST / "index.html").exists())


@pytest.mark.slow(gate="tests/binary/test_binary.py::test_the_installed_package_does_the_main_job")
@pytest.mark.timeout(1200)
async def test_the_single_file_does_the_main_job(
    tmp_path: Path, client_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = await asyncio.to_thread(_build, tmp_path / "built")
    # Nothing of this environment may help it.
    alone = {"PATH": "/nowhere", "HOME": str(tmp_path)}
    version = subprocess.run([built, "--version"], env=alone, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"relay, version \S+\n", version.stdout)
    users = subprocess.run([built, "user", "list", "--data-dir", tmp_path / "none"], env=alone, capture_output=True)
    assert users.returncode == 1
    monkeypatch.setenv("RELAY_E2E_COMMAND", f"{built} serve --host 127.0.0.1 --port {{port}} --data-dir {{data_dir}}")
    async with Stack(tmp_path, client_binary) as stack:
        await smoke(stack, page=(DIST / "index.html").exists())
        listed = subprocess.run(
            [built, "user", "list", "--json", "--data-dir", stack.relay.data_dir],
            env=alone,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "owner@example.com" in listed.stdout
        await stack.relay.terminate()
        assert stack.relay.process.returncode == 0
        assert stack.relay.tracebacks() == ""


def _build(output: Path) -> Path:
    """Build the file, or take the one that RELAY_BINARY names; answer where it is."""
    named = os.environ.get("RELAY_BINARY")
    if named:
        return Path(named)
    command = [sys.executable, str(ROOT / "deploy" / "binary" / "build.py"), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "needs glibc" in done.stdout
    return output / "relay"
