"""Build the relay as one executable file that needs no Python (docs/binary.md).

    python deploy/binary/build.py [--source .] [--output dist] [--folder]

Everything happens in an environment of its own: the relay is installed as its users install it, so the file holds what
the wheel holds, the web UI and the migrations included. Needs a Python with a shared library (Debian's, pyenv with
--enable-shared) and pip's package index.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENTRY = Path(__file__).with_name("relay_main.py")
PYINSTALLER = "pyinstaller>=6.11,<7"
#: Parts of libraries that no relay uses and PyInstaller would take along.
UNUSED = ("tkinter", "unittest", "pydoc", "test", "pip", "setuptools", "lib2to3")


def main() -> int:
    """Build what the command line says; print where it is and which glibc it needs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default=str(ROOT), help="a checkout or a wheel")
    parser.add_argument("--output", default="dist", help="where the result goes")
    parser.add_argument("--folder", action="store_true", help="a folder with the program in it, which starts sooner")
    arguments = parser.parse_args()
    output = Path(arguments.output).resolve()
    with tempfile.TemporaryDirectory(prefix="relay-binary-") as scratch:
        python = environment(Path(scratch), arguments.source)
        layout = "--onedir" if arguments.folder else "--onefile"
        built = bundle(python, Path(scratch), output, layout)
        # The folder shows what a single file has inside.
        inside = built if arguments.folder else bundle(python, Path(scratch), Path(scratch) / "inside", "--onedir")
        print(f"built {built}: {size(built) / 1e6:.0f} MB, needs glibc {newest_glibc(inside)} or later")
    return 0


def environment(scratch: Path, source: str) -> Path:
    """Install the relay and PyInstaller into a fresh environment; answer its Python."""
    venv.create(scratch / "venv", with_pip=True)
    python = scratch / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", PYINSTALLER, source], check=True, cwd=scratch)
    return python


def bundle(python: Path, scratch: Path, output: Path, layout: str) -> Path:
    """Let PyInstaller collect the program; answer the file or folder."""
    command: list[str | Path] = [
        *(python, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN", layout, "--name", "relay"),
        # Commands are imported by name, and data files by whoever needs them.
        *("--collect-submodules", "relay", "--collect-data", "relay"),
        *(word for name in UNUSED for word in ("--exclude-module", name)),
        *("--strip", "--distpath", output, "--workpath", scratch / "work", "--specpath", scratch, ENTRY),
    ]
    subprocess.run(command, check=True, cwd=scratch)
    return output / "relay"


def newest_glibc(folder: Path) -> str:
    """Answer the newest glibc version that any library of a folder asks for by its symbols."""
    versions = set()
    for file in folder.rglob("*"):
        if file.is_file() and file.read_bytes()[:4] == b"\x7fELF":
            versions |= {
                (int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", file.read_bytes())
            }
    major, minor = max(versions)
    return f"{major}.{minor}"


def size(path: Path) -> int:
    """Answer the bytes of a file, or of all files of a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file() and not file.is_symlink())


if __name__ == "__main__":
    sys.exit(main())
