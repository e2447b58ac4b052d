"""Make the runner's terminal library load on a C library older than it was built for.

The library names GLIBC_2.39 for symbols that it looks for and can do without, but a need is strict unless it is marked
weak (System V ABI, *Symbol Versioning*; `VER_FLG_WEAK`), and an older loader then refuses the whole library.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: ELF-64, little-endian: the only kind that the client is published in for Linux.
_MAGIC: Final = b"\x7fELF\x02\x01"
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_STRTAB, _DT_VERNEED, _DT_VERNEEDNUM = 5, 0x6FFFFFFE, 0x6FFFFFFF
_VER_FLG_WEAK: Final = 2
_VERNEED: Final = struct.Struct("<HHIII")
_VERNAUX: Final = struct.Struct("<IHHII")
_GLIBC: Final = re.compile(r"GLIBC_(\d+)\.(\d+)")


class NotElf(Exception):
    """Say that a file is no ELF library of the kind that is understood here."""


def loadable(library: Path, folder: Path, glibc: tuple[int, int] | None = None) -> Path:
    """Answer a library that loads here: the given one, or a copy in `folder` that asks for less.

    `glibc` is the version to load on, by default the running one; without a GNU C library nothing is changed. Raises
    NotElf.
    """
    version = glibc or _running_glibc()
    if version is None:
        return library
    data = bytearray(library.read_bytes())
    weakened = 0
    for at, name in version_needs(bytes(data)):
        wanted = _GLIBC.fullmatch(name)
        if wanted is not None and (int(wanted[1]), int(wanted[2])) > version:
            flags_at = at + 4
            (flags,) = struct.unpack_from("<H", data, flags_at)
            struct.pack_into("<H", data, flags_at, flags | _VER_FLG_WEAK)
            weakened += 1
    if not weakened:
        return library
    copy = folder / library.name
    copy.write_bytes(data)
    return copy


def version_needs(data: bytes) -> Iterator[tuple[int, str]]:
    """Answer the file offset and the name of every version that an ELF library needs of others; raises NotElf."""
    image = _Image(data)
    dynamic = image.dynamic()
    if _DT_VERNEED not in dynamic:
        return
    strings = image.offset(dynamic[_DT_STRTAB])
    need = image.offset(dynamic[_DT_VERNEED])
    for _ in range(dynamic[_DT_VERNEEDNUM]):
        _version, count, _file, first, next_need = _VERNEED.unpack_from(data, need)
        entry = need + first
        for _ in range(count):
            _hash, _flags, _index, name, next_entry = _VERNAUX.unpack_from(data, entry)
            start = strings + name
            yield entry, data[start : data.index(0, start)].decode()
            entry += next_entry
        need += next_need


class _Image:
    """Read the program headers, which is what the loader goes by."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(_MAGIC):
            raise NotElf("not a 64-bit little-endian ELF file")
        self._data = data
        (table,) = struct.unpack_from("<Q", data, 0x20)
        size, count = struct.unpack_from("<HH", data, 0x36)
        #: Type, flags, offset, virtual address, physical address, size in the file, size in memory, alignment.
        self._segments = [struct.unpack_from("<IIQQQQQQ", data, table + number * size) for number in range(count)]

    def offset(self, address: int) -> int:
        """Answer where in the file stands what is loaded at a virtual address."""
        for kind, _flags, offset, start, _physical, size, _memory, _align in self._segments:
            if kind == _PT_LOAD and start <= address < start + size:
                return int(offset + address - start)
        raise NotElf(f"nothing is loaded at {address:#x}")

    def dynamic(self) -> dict[int, int]:
        """Answer the entries of the dynamic section by tag; of a tag that occurs more than once, the last."""
        for kind, _flags, offset, _start, _physical, size, _memory, _align in self._segments:
            if kind == _PT_DYNAMIC:
                return dict(struct.iter_unpack("<qQ", self._data[offset : offset + size]))
        raise NotElf("no dynamic section")


def _running_glibc() -> tuple[int, int] | None:
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError, AttributeError):
        return None
    found = re.fullmatch(r"glibc (\d+)\.(\d+).*", text)
    return (int(found[1]), int(found[2])) if found else None
