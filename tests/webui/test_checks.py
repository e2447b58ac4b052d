"""The compiler and the UI's own tests."""

from __future__ import annotations

import subprocess

import pytest

from tests.webui.workshop import UI, packages, require_node

pytestmark = [pytest.mark.xdist_group("webui"), pytest.mark.timeout(600)]


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of `node_modules` in the UI's folder."""
    node, _npm = require_node()
    command = [node, str(packages(development=True) / script), *arguments]
    return subprocess.run(command, cwd=UI, capture_output=True, text=True, timeout=500, check=False)


def test_the_ui_has_no_type_errors() -> None:
    done = run("typescript/bin/tsc", "--noEmit")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tests_of_the_ui_pass() -> None:
    done = run("vitest/vitest.mjs", "run", "--maxWorkers=1")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
