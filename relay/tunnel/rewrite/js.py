"""Rewrite the addresses in a script while it streams (tunnel.md 3.3, 3.7; ECMAScript 12 for the tokens).

Addresses in literals get the prefix. The argument of a dynamic import that is computed goes through a guard at run
time, or hot updates of Vite would leave the tunnel; no interceptor can see those, `import` being no function.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.js_words import opens_import, regex_follows, url_follows
from relay.tunnel.rewrite.scanner import Scanner

#: Code without templates, comments, strings that may be addresses, and slashes that may begin a regular expression.
#: A string is no address after an operator and a space, nor after any byte but `(`, `m`, `t`, white space or `/`, nor
#: after a `(` that none of the words with an address can precede.
_PLAIN: Final = re.compile(
    rb"""(?x)(?:
        [^'"`/]++
        | (?<=[0-9\]]) / (?=[^*/])
        | (?: (?<![(mt\s/]) | (?<=[=,:+?&|\[{;>][ ]) | (?<=[^\sLrst/]\() )
          (?: "(?:[^"\\\n\r]++|\\[^\r])*+" | '(?:[^'\\\n\r]++|\\[^\r])*+' )
    )*+"""
)
_PLAIN_NESTED: Final = re.compile(rb"""[^'"`/()\[\]{},]*+""")
_SPACE: Final = re.compile(rb"\s*+")
_IN_STRING: Final = {byte: re.compile(rb"[\\\n\r" + bytes([byte]) + rb"]") for byte in b"\"'"}
_IN_TEMPLATE: Final = re.compile(rb"[`\\$]")
_IN_REGEX: Final = re.compile(rb"[/\\\[\n\r]")
_IN_CLASS: Final = re.compile(rb"[\]\\\n\r]")
_END_OF_URL: Final = {**_IN_STRING, ord("`"): _IN_TEMPLATE}
_LINE_END: Final = re.compile(rb"[\n\r]")
_IMPORT: Final = b"import"
_IMPORT_CALL: Final = re.compile(rb"import\s{0,64}+\(")
_IMPORT_BEGUN: Final = re.compile(rb"import\s{0,63}+\Z")
_WORD_BYTE: Final = re.compile(rb"[\w$.\x80-\xff]")
#: A computed argument longer than this is let through as it is, so that no more than this is held.
HOLD: Final = 4096
#: Templates in templates beyond this are no code that people or tools write; the rest passes as it is.
_NESTING: Final = 256


@dataclass(slots=True)
class _Frame:
    """Count brackets inside of `${…}`, or of `import(…)`: then `opening` and `closing` are places in the output."""

    is_import: bool
    start: int = 0
    depth: int = 0
    literal: bool = False
    opening: int = -1
    closing: int = -1


class JsRewriter(Scanner):
    """Rewrite one script or module; holds a URL's first bytes, or a computed import of up to 4 KiB."""

    def __init__(self, context: RewriteContext) -> None:
        super().__init__(context, self._code)
        self._quote = 0
        self._in_class = False
        self._frames: list[_Frame] = []
        self._import: _Frame | None = None
        self._import_at = -1
        self._offset = 0
        prefix = context.prefix
        self._guard: Final = (
            f'(globalThis.__pizzapiTunnelUrl||(u=>(u=String(u),/^\\/(?![\\/\\\\])/.test(u)&&!(u+"/").startsWith("{prefix}/")'
            f'?"{prefix}"+u:u)))('
        ).encode("ascii")

    def _take(self) -> bytes:
        """Answer the output, but what an import may still change."""
        held = self._import
        if held is None:
            return super()._take()
        if self._offset + self._pos - held.start > HOLD:
            self._import = None
            return super()._take()
        done = b"".join(self._out[: held.opening])
        del self._out[: held.opening]
        held.closing -= held.opening if held.closing >= 0 else 0
        held.opening = 0
        return done

    def _forget(self) -> None:
        """Keep count of where the buffer stands in the stream."""
        self._offset += self._pos - 2
        self._import_at = -1
        super()._forget()

    def _end(self) -> None:
        """Guard an import that is the last thing, and let go of one that never ends."""
        if self._step == self._after_import:
            self._after_import()
        self._import = None

    # -- code ---------------------------------------------------------------------------------------------------

    def _code(self) -> bool:
        """Pass plain code, and stop at what needs a decision."""
        if self._import_at < self._pos:
            found_at = self._buf.find(_IMPORT, self._pos)
            self._import_at = len(self._buf) if found_at < 0 else found_at
        stop = self._import_at
        plain = (_PLAIN_NESTED if self._frames else _PLAIN).match(self._buf, self._pos, stop)
        self._pos = here = plain.end() if plain else self._pos
        if here == stop:
            return self._at_import(here) if stop < len(self._buf) else self._at_end()
        byte = self._buf[here]
        if byte == ord("/"):
            return self._slash(here)
        self._pos += 1
        if byte in b"\"'`":
            self._begin_string(byte, here)
        else:
            self._bracket(byte, here)
        return True

    def _at_end(self) -> bool:
        """Hold back what may be the beginning of `import`."""
        if not self._final:
            for length in range(min(len(_IMPORT) - 1, self._pos - self._sent), 0, -1):
                if self._buf.endswith(_IMPORT[:length]):
                    self._pos -= length
                    break
        return False

    def _at_import(self, here: int) -> bool:
        """Begin `import(`, or pass the word."""
        if _WORD_BYTE.match(self._buf, here - 1) is None:
            call = _IMPORT_CALL.match(self._buf, here)
            if call is not None:
                self._pos = call.end()
                if self._import is None or self._offset + self._pos - self._import.start > HOLD:
                    self._begin_import()
                elif self._frames[-1].is_import:
                    self._frames[-1].depth += 1
                return True
            if not self._final and _IMPORT_BEGUN.match(self._buf, here):
                return False
        self._pos = here + len(_IMPORT)
        return True

    def _begin_import(self) -> None:
        """Open the frame of a dynamic import, right after its parenthesis."""
        self._splice(self._pos, 0, b"")
        self._import = _Frame(is_import=True, start=self._offset + self._pos, opening=len(self._out) - 1)
        self._frames.append(self._import)

    def _slash(self, here: int) -> bool:
        """Begin a comment or a regular expression, or pass a division."""
        if here + 1 == len(self._buf) and not self._final:
            return False
        following = self._buf[here + 1 : here + 2]
        self._pos = here + 1
        if following in (b"/", b"*"):
            self._pos = here + 2
            self._stand_in(here, b" ")
            self._step = self._line_comment if following == b"/" else self._block_comment
        elif regex_follows(self._before(here)):
            self._stand_in(here, b"]")
            self._in_class = False
            self._step = self._regex
        return True

    def _begin_string(self, byte: int, here: int) -> None:
        """Begin a string or a template, which may be an address."""
        before = self._before(here)
        self._quote = byte
        if url_follows(before):
            self._step = self._url
        else:
            self._step = self._template if byte == ord("`") else self._string

    def _bracket(self, byte: int, here: int) -> None:
        """Count brackets in frames; the last one ends the frame."""
        frame = self._frames[-1]
        if frame.is_import:
            if byte in b"([{":
                frame.depth += 1
            elif byte == ord(",") and not frame.depth:
                self._close_argument(frame, here)
            elif byte in b")]}":
                frame.depth -= 1
                if frame.depth < 0:
                    self._close_argument(frame, here)
                    self._frames.pop()
                    self._step = self._after_import
        elif byte == ord("{"):
            frame.depth += 1
        elif byte == ord("}"):
            frame.depth -= 1
            if frame.depth < 0:
                self._frames.pop()
                self._step = self._template

    # -- dynamic imports ----------------------------------------------------------------------------------------

    def _close_argument(self, frame: _Frame, here: int) -> None:
        """Mark the end of the address argument of an import."""
        if frame is not self._import or frame.closing >= 0:
            return
        if opens_import(self._before(here)):
            frame.literal = True
        self._splice(here, 0, b"")
        frame.closing = len(self._out) - 1

    def _after_import(self) -> bool:
        """Guard the argument, unless a body follows: then `import` was the name of a method."""
        frame = self._import
        found = _SPACE.match(self._buf, self._pos)
        self._pos = found.end() if found else self._pos
        if self._pos == len(self._buf) and not self._final:
            return False
        self._step = self._code
        self._import = None
        if frame is None or frame.literal or self._offset + self._pos - frame.start > HOLD:
            return True
        if self._buf[self._pos : self._pos + 1] != b"{":
            self._out[frame.opening] += self._guard
            self._out[frame.closing] += b")"
        return True

    # -- other tokens -------------------------------------------------------------------------------------------

    def _url(self) -> bool:
        """Rewrite an address; what follows its head is an ordinary string or template."""
        first = self._buf[self._pos : self._pos + 1]
        computed = self._quote == ord("`") and first == b"$"
        if not self._decide_url(_END_OF_URL[self._quote]):
            return False
        if self._frames and self._frames[-1] is self._import and not self._frames[-1].depth and not computed:
            self._frames[-1].literal = True
        self._step = self._template if self._quote == ord("`") else self._string
        return True

    def _string(self) -> bool:
        """Pass a string, to its end or, as it is broken then, to the end of its line."""
        return self._past(_IN_STRING[self._quote].search(self._buf, self._pos), self._code)

    def _template(self) -> bool:
        """Pass a template up to its end or to the next `${`."""
        found = _IN_TEMPLATE.search(self._buf, self._pos)
        if found is None or found[0] != b"$":
            return self._past(found, self._code)
        if found.end() == len(self._buf) and not self._final:
            self._pos = found.start()
            return False
        self._pos = found.end()
        if self._buf[self._pos : self._pos + 1] == b"{":
            self._pos += 1
            self._frames.append(_Frame(is_import=False))
            self._step = self._code if len(self._frames) < _NESTING else self._verbatim
        return True

    def _regex(self) -> bool:
        """Pass a regular expression; a slash in a class is part of it, a line end shows that it was none."""
        found = (_IN_CLASS if self._in_class else _IN_REGEX).search(self._buf, self._pos)
        if found is not None and found[0] in (b"[", b"]"):
            self._in_class = found[0] == b"["
            self._pos = found.end()
            going_on = True
        else:
            going_on = self._past(found, self._code)
        self._run = self._pos
        return going_on

    def _line_comment(self) -> bool:
        """Pass a comment up to the end of its line."""
        found = _LINE_END.search(self._buf, self._pos)
        self._pos = self._run = len(self._buf) if found is None else found.start()
        self._step = self._line_comment if found is None else self._code
        return found is not None

    def _block_comment(self) -> bool:
        """Pass a comment, to its end."""
        end = self._buf.find(b"*/", self._pos)
        if end < 0:
            self._pos = self._run = max(self._pos, len(self._buf) - self._buf.endswith(b"*"))
            return False
        self._pos = self._run = end + 2
        self._step = self._code
        return True

    def _verbatim(self) -> bool:
        """Pass all the rest."""
        self._pos = len(self._buf)
        return False
