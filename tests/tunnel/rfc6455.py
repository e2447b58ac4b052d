"""List the cases of RFC 6455 that every leg of a bridged socket is put through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.tunnel.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Piece, close


@dataclass(frozen=True, slots=True)
class Right:
    """Send frames that make messages and pongs: strings are texts, bytes binary messages."""

    frames: tuple[Piece, ...]
    messages: tuple[str | bytes, ...]
    pongs: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Wrong:
    """Send frames that must fail the connection with a code, after so many messages."""

    frames: tuple[Piece, ...]
    code: int
    messages: tuple[str | bytes, ...] = ()


def _fragments(kind: int, *payloads: bytes) -> tuple[Piece, ...]:
    last = len(payloads) - 1
    return tuple(
        Piece(kind if index == 0 else CONTINUATION, payload, fin=index == last)
        for index, payload in enumerate(payloads)
    )


_UMLAUTS: Final = "κόσμε 🙂"
_BYTES: Final = _UMLAUTS.encode()
_SIZES: Final = (0, 1, 125, 126, 127, 65535, 65536, 300_000)

RIGHT: Final = {
    **{f"a text of {size} bytes": Right((Piece(TEXT, b"x" * size),), ("x" * size,)) for size in _SIZES},
    **{f"{size} bytes": Right((Piece(BINARY, b"\xfe" * size),), (b"\xfe" * size,)) for size in _SIZES},
    "every byte value": Right((Piece(BINARY, bytes(range(256))),), (bytes(range(256)),)),
    "a text beyond the basic plane": Right((Piece(TEXT, _BYTES),), (_UMLAUTS,)),
    "the last characters of each length": Right(
        (Piece(TEXT, "\x00\x7f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff".encode()),),
        ("\x00\x7f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff",),
    ),
    "two fragments": Right(_fragments(TEXT, b"ab", b"cd"), ("abcd",)),
    "two binary fragments": Right(_fragments(BINARY, b"\x00", b"\xff"), (b"\x00\xff",)),
    "a fragment for each byte, characters cut in two": Right(
        _fragments(TEXT, *(_BYTES[at : at + 1] for at in range(len(_BYTES)))), (_UMLAUTS,)
    ),
    "empty fragments first, between and last": Right(_fragments(TEXT, b"", b"ab", b"", b"cd", b""), ("abcd",)),
    "nothing but empty fragments": Right(_fragments(TEXT, b"", b"", b""), ("",)),
    "fragments of different sizes": Right(
        _fragments(BINARY, b"a" * 125, b"b" * 126, b"c" * 70_000, b"d"),
        (b"a" * 125 + b"b" * 126 + b"c" * 70_000 + b"d",),
    ),
    "a message after a message": Right((Piece(TEXT, b"a"), Piece(BINARY, b"b"), Piece(TEXT, b"c")), ("a", b"b", "c")),
    "a ping": Right((Piece(PING, b"p"), Piece(TEXT, b"end")), ("end",), (b"p",)),
    "an empty ping": Right((Piece(PING), Piece(TEXT, b"end")), ("end",), (b"",)),
    "a ping of 125 bytes, no text": Right(
        (Piece(PING, b"\xfe" * 125), Piece(TEXT, b"end")), ("end",), (b"\xfe" * 125,)
    ),
    "ten pings, answered in order": Right(
        (*(Piece(PING, b"%d" % number) for number in range(10)), Piece(TEXT, b"end")),
        ("end",),
        tuple(b"%d" % number for number in range(10)),
    ),
    "a ping between fragments": Right(
        (Piece(TEXT, b"ab", fin=False), Piece(PING, b"p"), Piece(CONTINUATION, b"cd")), ("abcd",), (b"p",)
    ),
    "pings between all fragments": Right(
        (
            Piece(TEXT, _BYTES[:3], fin=False),
            Piece(PING, b"1"),
            Piece(CONTINUATION, _BYTES[3:6], fin=False),
            Piece(PING, b"2"),
            Piece(PONG, b"nobody asked"),
            Piece(CONTINUATION, _BYTES[6:]),
        ),
        (_UMLAUTS,),
        (b"1", b"2"),
    ),
    "pongs that nobody asked for": Right((Piece(PONG, b"x"), Piece(PONG), Piece(TEXT, b"end")), ("end",)),
}

#: Bytes that are no UTF-8: a stray continuation, a broken sequence, a cut one, an overlong one, a surrogate, too much.
_NO_UTF8: Final = {
    "a stray continuation": b"a\x80b",
    "a broken sequence": b"\xce\xba\xe1\xbd\x41",
    "a cut character": _BYTES[:-1],
    "an overlong slash": b"\xc0\xaf",
    "an overlong zero": b"\xe0\x80\x80",
    "a surrogate": b"\xed\xa0\x80",
    "a character above U+10FFFF": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "0xFF": b"\xff",
}

WRONG: Final = {
    **{f"text with {name}": Wrong((Piece(TEXT, data),), 1007) for name, data in _NO_UTF8.items()},
    "bad text in fragments": Wrong(_fragments(TEXT, b"\xce\xba\xed", b"\xa0\x80"), 1007),
    "bad text after good": Wrong((Piece(TEXT, b"good"), Piece(TEXT, b"\xff")), 1007, ("good",)),
    **{f"reserved bits {bits:03b} on a text": Wrong((Piece(TEXT, b"a", rsv=bits),), 1002) for bits in range(1, 8)},
    "reserved bits on a continuation": Wrong((Piece(TEXT, b"a", fin=False), Piece(CONTINUATION, b"b", rsv=2)), 1002),
    "reserved bits on a ping": Wrong((Piece(PING, b"a", rsv=1),), 1002),
    "reserved bits on a close": Wrong((Piece(CLOSE, b"\x03\xe8", rsv=4),), 1002),
    **{f"opcode {code:X}": Wrong((Piece(code, b"a"),), 1002) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "an unknown opcode after a message": Wrong((Piece(TEXT, b"good"), Piece(3)), 1002, ("good",)),
    "a fragmented ping": Wrong((Piece(PING, b"a", fin=False), Piece(CONTINUATION, b"b")), 1002),
    "a fragmented close": Wrong((Piece(CLOSE, b"\x03\xe8", fin=False),), 1002),
    "a ping of 126 bytes": Wrong((Piece(PING, b"p" * 126),), 1002),
    "a pong of 126 bytes": Wrong((Piece(PONG, b"p" * 126),), 1002),
    "a close of 126 bytes": Wrong((Piece(CLOSE, b"\x03\xe8" + b"p" * 124),), 1002),
    "a continuation of nothing": Wrong((Piece(CONTINUATION, b"a"),), 1002),
    "an unfinished continuation of nothing": Wrong((Piece(CONTINUATION, b"a", fin=False),), 1002),
    "a continuation after the end": Wrong((*_fragments(TEXT, b"a", b"b"), Piece(CONTINUATION, b"c")), 1002, ("ab",)),
    "a text inside a text": Wrong((Piece(TEXT, b"a", fin=False), Piece(TEXT, b"b")), 1002),
    "a fragment inside a message": Wrong((Piece(TEXT, b"a", fin=False), Piece(BINARY, b"b", fin=False)), 1002),
    "a close of one byte": Wrong((Piece(CLOSE, b"\x03"),), 1002),
    **{
        f"close code {code}": Wrong((close(code),), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999)
    },
    "a close with a bad reason": Wrong((close(1000, b"\xff"),), 1007),
}

#: Codes that an application or a proxy may give.
CLOSES: Final = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
