"""Prove that the patched terminal library asks for no more than this machine has, and changes nothing else."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from pathlib import Path

import pytest

from tests.e2e.pty_library import NotElf, loadable, version_needs

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]


def version(name: str) -> tuple[int, int]:
    """Read the first two numbers of GLIBC_2.2.5."""
    major, minor, *_patch = name.removeprefix("GLIBC_").split(".")
    return int(major), int(minor)


@pytest.fixture
def library(client_binary: Path) -> Path:
    found = sorted(client_binary.parent.glob("librust_pty*.so"))
    if not found:
        pytest.skip("the client of this platform has no such library")
    return found[0]


def test_only_the_flags_of_needs_that_are_too_new_change(library: Path, tmp_path: Path) -> None:
    before = library.read_bytes()
    needs = dict(version_needs(before))
    newest = max(version(name) for name in needs.values() if name.startswith("GLIBC_"))
    assert loadable(library, tmp_path, newest) == library
    copy = loadable(library, tmp_path, (newest[0], newest[1] - 1))
    assert copy.parent == tmp_path
    after = copy.read_bytes()
    changed = {at for at in range(len(before)) if before[at] != after[at]}
    strict = "GLIBC_" + ".".join(map(str, newest))
    expected = {at + 4 for at, name in needs.items() if name == strict}
    assert changed == expected
    assert all(struct.unpack_from("<H", after, at)[0] & 2 for at in changed)
    assert dict(version_needs(after)) == needs


@pytest.mark.skipif(sys.platform != "linux", reason="loads a Linux library")
def test_it_loads_here(library: Path, tmp_path: Path) -> None:
    assert ctypes.CDLL(os.fspath(loadable(library, tmp_path)))


@pytest.mark.parametrize("data", [b"", b"MZ", b"\x7fELF\x01\x01", b"#!/bin/sh\n"])
def test_what_is_no_library_is_refused(data: bytes, tmp_path: Path) -> None:
    odd = tmp_path / "odd.so"
    odd.write_bytes(data)
    with pytest.raises(NotElf):
        loadable(odd, tmp_path, (2, 36))
