"""Build the web UI in a copy of the repository, so that no test changes the checkout that others read."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
UI: Final = ROOT / "relay" / "webui"
#: What a package is built from, besides `relay`.
_AROUND: Final = ("pyproject.toml", "README.md", "LICENSE", "config.example.toml", ".gitignore")
_NPM_TIMEOUT: Final = 600.0


def load_hook() -> ModuleType:
    """Answer the build hook's module, loaded by its path as hatchling does."""
    spec = importlib.util.spec_from_file_location("relay_build_hook", UI / "build_hook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def copy_repository(target: Path) -> Path:
    """Copy what a package is built from, without anything that was built; answer `target`."""
    ignore = shutil.ignore_patterns("__pycache__", "node_modules", "dist", "dist.new", "dist.old")
    shutil.copytree(ROOT / "relay", target / "relay", ignore=ignore)
    for name in _AROUND:
        shutil.copy(ROOT / name, target / name)
    (target / "tests").mkdir()
    return target


def require_node() -> tuple[str, str]:
    """Answer node and npm of this machine; skips without one that Vite takes, unless RELAY_E2E=require."""
    hook = load_hook()
    node = hook.find_node()
    if node is None or len(node.npm) != 1:
        reason = "no Node 20.19 or later on PATH"
        if os.environ.get("RELAY_E2E") == "require":
            pytest.fail(reason)
        pytest.skip(reason)
    return str(node.node), node.npm[0]


def packages(*, development: bool) -> Path:
    """Answer the checkout's `node_modules`; with `development` it has the compiler and the test runner as well."""
    _node, npm = require_node()
    hook = load_hook()
    modules = UI / "node_modules"
    with (UI / ".npm.lock").open("w") as guard:
        # Two test processes come at once; the second finds what the first installed.
        fcntl.flock(guard, fcntl.LOCK_EX)
        missing = not hook.has_packages(UI) or (development and not (modules / "vitest").is_dir())
        if missing:
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=UI, capture_output=True, text=True, timeout=_NPM_TIMEOUT, check=False)
            assert done.returncode == 0, done.stderr[-2000:]
    return modules


def hatch(root: Path, *targets: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Build packages of `root` into its `out` with the build backend; answer how that ended."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(root / "out")]
    for target in targets:
        command += ["-t", target]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | (env or {})
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)
