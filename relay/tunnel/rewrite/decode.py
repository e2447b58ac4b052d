"""Undo the content encoding of a service that compresses though nobody asked it to (tunnel.md 3.6)."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final, Protocol

#: Bytes that come out of one step, so that a few compressed bytes cannot become gigabytes at once.
STEP: Final = 64 * 1024


class BrokenEncoding(ValueError):
    """Raised where a body is not what its `Content-Encoding` says, or ends before its end."""


class Decoder(Protocol):
    """Decode one body, piece by piece."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the data decodes to, in pieces of about `STEP` bytes; raises BrokenEncoding."""

    def finish(self) -> None:
        """Raise BrokenEncoding where the end of the body has not come."""


class _Inflate:
    """Decode gzip (several members in a row too, RFC 1952 2.2) and deflate, with or without the zlib head."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._wbits = 31 if gzip else 15
        self._raw_possible = not gzip
        self._stream = zlib.decompressobj(self._wbits)
        self._first = b""
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield decoded pieces."""
        if self._raw_possible and not self._started:
            data = self._choose(self._first + data)
            if not data:
                return
        self._started = self._started or bool(data)
        while data:
            if self._stream.eof:
                # What follows the end of deflate is no data, and zeros may pad gzip (as gzip(1) allows).
                if not self._gzip or not data.strip(b"\0"):
                    return
                self._stream = zlib.decompressobj(self._wbits)
            try:
                piece = self._stream.decompress(data, STEP)
            except zlib.error as error:
                raise BrokenEncoding(str(error)) from error
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if piece:
                yield piece

    def _choose(self, data: bytes) -> bytes:
        """Tell raw deflate from zlib by its first two bytes; answer the data, or nothing while there is one byte."""
        if len(data) < 2:
            self._first = data
            return b""
        if (data[0] & 0x0F) != 8 or int.from_bytes(data[:2], "big") % 31:
            self._stream = zlib.decompressobj(-15)
        return data

    def finish(self) -> None:
        """Refuse a body that was cut; one without any byte is empty."""
        if (self._started or self._first) and not self._stream.eof:
            raise BrokenEncoding("compressed body ended early")


class _Brotli:
    """Decode Brotli with the `brotli` package."""

    def __init__(self, module: ModuleType) -> None:
        self._error: type[Exception] = module.error
        self._stream = module.Decompressor()
        self._any = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield decoded pieces."""
        self._any = self._any or bool(data)
        try:
            piece: bytes = self._stream.process(data, output_buffer_limit=STEP)
            while piece:
                yield piece
                # Output may be left though `can_accept_more_data` says nothing of it (1.2.1): ask until there is none.
                piece = self._stream.process(b"", output_buffer_limit=STEP)
        except self._error as error:
            raise BrokenEncoding(str(error)) from error

    def finish(self) -> None:
        """Refuse a body that was cut."""
        if self._any and not self._stream.is_finished():
            raise BrokenEncoding("compressed body ended early")


class _Zstandard:
    """Decode Zstandard with `compression.zstd` of Python 3.14, or its backport."""

    def __init__(self, module: ModuleType) -> None:
        self._make: Callable[[], Any] = module.ZstdDecompressor
        self._error: type[Exception] = module.ZstdError
        self._stream = self._make()
        self._any = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield decoded pieces; one frame may follow another (RFC 8878 3.1)."""
        self._any = self._any or bool(data)
        try:
            while True:
                if self._stream.eof:
                    data = self._stream.unused_data or data
                    if not data:
                        return
                    self._stream = self._make()
                piece: bytes = self._stream.decompress(data, STEP)
                data = b""
                if piece:
                    yield piece
                elif not self._stream.eof or not self._stream.unused_data:
                    return
        except self._error as error:
            raise BrokenEncoding(str(error)) from error

    def finish(self) -> None:
        """Refuse a body that was cut."""
        if self._any and not self._stream.eof:
            raise BrokenEncoding("compressed body ended early")


def _first_module(*names: str) -> ModuleType | None:
    """Answer the first of these modules that is installed; these packages are optional."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def decoder_for(encoding: str) -> Decoder | None:
    """Answer a decoder for one coding; None where it is unknown, stacked or its package is not installed."""
    coding = encoding.strip().lower()
    if coding in ("gzip", "x-gzip"):
        return _Inflate(gzip=True)
    if coding == "deflate":
        return _Inflate(gzip=False)
    if coding == "br" and (module := _first_module("brotli")) is not None:
        return _Brotli(module)
    if coding == "zstd" and (module := _first_module("compression.zstd", "backports.zstd")) is not None:
        return _Zstandard(module)
    return None


def is_identity(encoding: str) -> bool:
    """Answer whether the body is not encoded at all."""
    return encoding.strip().lower() in ("", "identity")
