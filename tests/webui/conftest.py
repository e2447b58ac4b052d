"""The page and the packages, built once per test process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.webui.workshop import copy_repository, hatch, packages


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the built page, a wheel and a source distribution in `out`."""
    modules = packages(development=False)
    root = copy_repository(tmp_path_factory.mktemp("built") / "relay")
    (root / "relay" / "webui" / "node_modules").symlink_to(modules)
    done = hatch(root, "sdist", "wheel")
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture(scope="session")
def dist(built: Path) -> Path:
    """The built page."""
    return built / "relay" / "webui" / "dist"


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    """The built wheel."""
    (found,) = (built / "out").glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(built: Path) -> Path:
    """The built source distribution."""
    (found,) = (built / "out").glob("*.tar.gz")
    return found


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Node, where hatchling and Python are all there is."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    with pytest.raises(FileNotFoundError):
        subprocess.run(["node", "--version"], check=False)
