"""What is in the packages, and the page that comes out of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from relay.webui.serving import HOW_TO_GET_IT
from tests.webui.page import fetch_page, serving_package
from tests.webui.workshop import UI, copy_repository, hatch

pytestmark = pytest.mark.xdist_group("webui")


def test_the_wheel_carries_the_page_and_nothing_that_it_is_made_from(wheel: Path, dist: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name.removeprefix("relay/webui/") for name in archive.namelist() if name.startswith("relay/webui/")]
    page = {f"dist/{file.relative_to(dist).as_posix()}" for file in dist.rglob("*") if file.is_file()}
    code = {name.name for name in UI.glob("*.py") if name.name != "build_hook.py"}
    assert set(names) == page | code
    assert {"dist/index.html", "dist/sources.sha256"} <= page


def test_the_source_distribution_carries_the_page_and_its_sources(sdist: Path, dist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert not [name for name in names if "node_modules" in name]
    page = {f"relay/webui/dist/{file.relative_to(dist).as_posix()}" for file in dist.rglob("*") if file.is_file()}
    sources = {f"relay/webui/{name}" for name in ("package-lock.json", ".npmrc", "build_hook.py", "src/main.tsx")}
    assert page | sources <= set(names)


@pytest.mark.usefixtures("no_node")
def test_a_wheel_is_built_from_the_source_distribution_without_node(sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = (path for path in tmp_path.iterdir() if (path / "pyproject.toml").exists())
    done = hatch(root, "wheel")
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (root / "out").glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        assert "relay/webui/dist/index.html" in archive.namelist()


async def test_the_page_is_served_from_the_wheel(wheel: Path, dist: Path, tmp_path: Path) -> None:
    home = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(home)
    async with serving_package(home, tmp_path) as url:
        page = await fetch_page(url)
        assert page.status == 200
        assert page.text == (dist / "index.html").read_text()
        for asset in page.assets:
            answer = await fetch_page(url, asset)
            assert (answer.status, answer.text) == (200, (dist / asset.lstrip("/")).read_text())


async def test_a_source_tree_that_was_not_built_says_how_to_get_the_page(tmp_path: Path) -> None:
    root = copy_repository(tmp_path / "relay")
    async with serving_package(root, tmp_path) as url:
        page = await fetch_page(url)
        assert (page.status, page.text) == (404, HOW_TO_GET_IT)


@pytest.mark.slow(gate="tests/webui/test_package.py::test_the_page_is_served_from_the_wheel")
@pytest.mark.timeout(900)
async def test_an_install_with_an_empty_path_into_an_empty_environment_gets_the_page(tmp_path: Path) -> None:
    root = copy_repository(tmp_path / "relay")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {"PATH": ""}
    command = [str(python), "-m", "pip", "install", "-v", "-e", str(root)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    async with serving_package(root, tmp_path, python=python) as url:
        page = await fetch_page(url)
    assert page.status == 200, done.stdout[-4000:]
    assert '<div id="app">' in page.text


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((UI / "package-lock.json").read_text())
    assert not [path for path, entry in lock["packages"].items() if "resolved" in entry]
    assert "omit-lockfile-registry-resolved=true" in (UI / ".npmrc").read_text().splitlines()
