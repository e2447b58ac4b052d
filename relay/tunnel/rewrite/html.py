"""Rewrite a page while it streams (tunnel.md 3.2, 3.7; HTML 13.2.5 for the tokens): markup in, markup out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from relay.tunnel.rewrite import rawtext
from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.css import CssRewriter
from relay.tunnel.rewrite.importmap import ImportMapRewriter
from relay.tunnel.rewrite.interceptor import script_source
from relay.tunnel.rewrite.js import JsRewriter
from relay.tunnel.rewrite.kinds import Kind, is_double_byte, is_opaque
from relay.tunnel.rewrite.longtag import LongTag
from relay.tunnel.rewrite.stream import Transform
from relay.tunnel.rewrite.tags import PLAIN, TAG, Tag, TagRewriter

#: A tag longer than this is passed on as it is, so that no more than this is held (3.7).
TAG_CAP: Final = 64 * 1024
_TEXT: Final = re.compile(rb"[^ \t\r\n\f]")
_OPENING: Final = (b"<!--", b"<![CDATA[")
_COMMENT_END: Final = re.compile(rb"--!?>")
_LETTER: Final = re.compile(rb"</?[a-zA-Z]")
_SHORT_NAME: Final = re.compile(rb"</?([a-zA-Z][^ \t\n\r\f/>]{0,15}+)(?=[ \t\n\r\f/>])")
_MAPS: Final = frozenset((b"importmap", b"speculationrules"))
#: A frame in a frame may be written in attributes; deeper ones are passed as they are.
_FRAMES: Final = 2
_FOREIGN: Final = frozenset((b"svg", b"math"))


class HtmlRewriter:
    """Rewrite one page, and put the interceptor where 3.7 says; holds at most the tag in hand.

    `markup_only` leaves scripts and styles alone (double-byte charsets). `frames` counts the `srcdoc` around it.
    """

    def __init__(
        self,
        context: RewriteContext,
        *,
        xhtml: bool = False,
        injects: bool = True,
        markup_only: bool = False,
        frames: int = 0,
    ) -> None:
        kind = Kind.XHTML if xhtml else Kind.HTML
        injection = script_source(context, kind) if injects else None
        self._context: Final = context
        self._xhtml: Final = xhtml
        self._frames: Final = frames
        self._tags: Final = TagRewriter(
            context,
            script_hash=injection.policy_hash if injection else None,
            document=self._frame_document if frames < _FRAMES else None,
        )
        self._injects: Final = injects
        self._injection = injection.markup if injection else None
        self._markup_only = markup_only
        self._rooted = False
        self._foreign = 0
        self._buf = b""
        self._pos = self._looked = 0
        self._final = False
        self._out: list[bytes] = []
        self._raw: rawtext.RawText | None = None
        self._sink: Transform | None = None
        self._long: LongTag | None = None
        self._until = b">"
        self._step: Callable[[], bool] = self._text

    def feed(self, data: bytes) -> bytes:
        """Answer the output that is certain after this input."""
        self._buf += data
        while self._pos < len(self._buf) and self._step():
            pass
        self._buf = self._buf[self._pos :]
        self._looked = max(0, self._looked - self._pos)
        self._pos = 0
        done = b"".join(self._out)
        self._out.clear()
        return done

    def finish(self) -> bytes:
        """Answer the rest: an unfinished tag or script as it stands."""
        self._final = True
        rest = self.feed(b"")
        if self._sink is not None:
            rest += self._sink.finish()
        return rest + self._buf

    # -- output ------------------------------------------------------------------------------------------------

    def _pass(self, end: int) -> None:
        """Put out the input up to `end` as it is."""
        self._out.append(self._buf[self._pos : end])
        self._pos = end

    def _inject(self) -> None:
        """Put the interceptor here, once; in XHTML only inside of a root element, or there would be two."""
        if self._injection is None:
            return
        if not self._xhtml or self._rooted:
            self._out.append(self._injection)
        self._injection = None

    # -- markup ------------------------------------------------------------------------------------------------

    def _text(self) -> bool:
        """Pass text up to the next markup, and tell what that is."""
        if self._injection is None:
            plain = PLAIN.match(self._buf, self._pos)
            if plain is not None:
                self._pass(plain.end())
        start = self._buf.find(b"<", self._pos)
        end = len(self._buf) if start < 0 else start
        if self._injection is not None and end > self._pos:
            visible = _TEXT.search(self._buf, self._pos, end)
            if visible is not None:
                self._pass(visible.start())
                self._inject()
        self._pass(end)
        return start >= 0 and self._markup()

    def _markup(self) -> bool:
        """Choose the step for what begins with `<` here; False where more bytes must tell."""
        start = self._pos
        following = self._buf[start : start + 9]
        if _LETTER.match(following):
            self._step = self._tag
            self._looked = start
            return True
        if not self._final and (len(following) < 2 or following == b"</" or self._may_open(following)):
            return False
        if following.startswith(b"<!--"):
            self._pass(start + 4)
            self._step = self._comment_start
        elif following.startswith((b"<!", b"<?", b"</")):
            cdata = following == b"<![CDATA[" and (self._xhtml or self._foreign > 0)
            self._until = b"]]>" if cdata else b">"
            self._pass(start + 2)
            self._step = self._declaration
        else:
            self._inject()
            self._pass(start + 1)
        return True

    def _may_open(self, following: bytes) -> bool:
        """Answer whether these bytes may become the opening of a comment or of CDATA."""
        return any(len(following) < len(opening) and opening.startswith(following) for opening in _OPENING)

    def _declaration(self) -> bool:
        """Pass a doctype, processing instruction, bogus comment or CDATA section up to its end."""
        end = self._buf.find(self._until, self._pos)
        if end < 0:
            self._pass(len(self._buf) if self._final else max(self._pos, len(self._buf) - len(self._until) + 1))
            return False
        self._pass(end + len(self._until))
        self._step = self._text
        return True

    def _comment_start(self) -> bool:
        """See whether a comment is `<!-->` or `<!--->`, which end at once (HTML 13.2.5.43)."""
        head = self._buf[self._pos : self._pos + 2]
        if head == b"-" and not self._final:
            return False
        empty = 1 if head[:1] == b">" else 2 if head == b"->" else 0
        self._pass(self._pos + empty)
        self._step = self._text if empty else self._comment
        return True

    def _comment(self) -> bool:
        """Pass a comment, to its end."""
        found = _COMMENT_END.search(self._buf, self._pos)
        if found is None:
            self._pass(len(self._buf) if self._final else max(self._pos, len(self._buf) - 3))
            return False
        self._pass(found.end())
        self._step = self._text
        return True

    # -- tags --------------------------------------------------------------------------------------------------

    def _tag(self) -> bool:
        """Rewrite a tag when it is complete; one that is too long is passed on in pieces."""
        start = self._pos
        match = None
        if self._buf.find(b">", max(self._looked, start)) >= 0:
            match = TAG.match(self._buf, start)
        self._looked = len(self._buf)
        length = len(self._buf) - start if match is None else match.end() - start
        if length > TAG_CAP:
            return self._begin_long_tag()
        if match is None:
            if self._final:
                self._step = self._verbatim
            return self._final
        name = match[1].lower()
        closing = self._buf[start + 1] == ord("/")
        raw = match[0]
        tag = Tag(raw) if closing else self._tags.rewrite(name, raw)
        self._place_injection(name, tag.output, closing=closing)
        self._pos = match.end()
        self._step = self._text
        self._after_tag(name, tag, closing=closing, empty=raw.endswith(b"/>"))
        return True

    def _place_injection(self, name: bytes, output: bytes, *, closing: bool) -> None:
        """Put out a tag, and the interceptor after `<head>` or before the first tag that cannot precede it."""
        if closing or name not in (b"html", b"head"):
            self._inject()
        self._out.append(output)
        self._rooted = self._rooted or not closing
        if name == b"head" and not closing:
            self._inject()

    def _after_tag(self, name: bytes, tag: Tag, *, closing: bool, empty: bool) -> None:
        """Choose what follows a tag: markup, or the text of a script or style."""
        if name in _FOREIGN:
            self._foreign = max(0, self._foreign + (-1 if closing else 0 if empty else 1))
        elif tag.charset:
            self._heed_charset(tag.charset.decode("latin-1"))
        if closing or name not in rawtext.NAMES or (empty and (self._xhtml or self._foreign > 0)):
            return
        if self._xhtml and name not in (b"script", b"style"):
            return
        self._raw = rawtext.RawText(name)
        self._sink = None if self._markup_only else self._rewriter_of(name, tag.type)
        self._step = self._raw_text

    def _frame_document(self, text: bytes) -> bytes:
        """Answer the document of a `srcdoc`: its URLs are relative to this page, and it runs scripts of its own."""
        inner = HtmlRewriter(self._context, injects=self._injects, frames=self._frames + 1)
        return inner.feed(text) + inner.finish()

    def _heed_charset(self, charset: str) -> None:
        """Leave alone what `<meta>` says is no ASCII; UTF-16 cannot be declared there (HTML 13.2.3.3)."""
        if is_opaque(charset) and not charset.lower().startswith("utf"):
            self._step = self._verbatim
        elif is_double_byte(charset):
            self._markup_only = True

    def _rewriter_of(self, name: bytes, kind: bytes) -> Transform | None:
        """Answer the rewriter for the text of an element; None for what stays as it is, classic scripts above all."""
        if name == b"style":
            return CssRewriter(self._context)
        if name == b"script" and kind == b"module":
            return JsRewriter(self._context)
        return ImportMapRewriter(self._context) if name == b"script" and kind in _MAPS else None

    def _raw_text(self) -> bool:
        """Pass the text of a script or style through its rewriter, up to the end tag."""
        if self._raw is None:
            return False
        end, closes = self._raw.scan(self._buf, self._pos, final=self._final)
        text = self._buf[self._pos : end]
        self._out.append(text if self._sink is None else self._sink.feed(text))
        self._pos = end
        if closes:
            if self._sink is not None:
                self._out.append(self._sink.finish())
            self._raw = self._sink = None
            self._step = self._text
        return closes

    # -- what is not rewritten ---------------------------------------------------------------------------------

    def _begin_long_tag(self) -> bool:
        """Pass a tag that is too long to hold; it opens what it opens all the same."""
        known = _SHORT_NAME.match(self._buf, self._pos)
        name = known[1].lower() if known else b""
        closing = self._buf[self._pos + 1] == ord("/")
        if closing or name not in (b"html", b"head"):
            self._inject()
        self._rooted = self._rooted or not closing
        self._long = LongTag(name, closing=closing)
        self._step = self._long_tag
        return True

    def _long_tag(self) -> bool:
        """Pass the rest of a long tag."""
        if self._long is None:
            return False
        end, done = self._long.scan(self._buf, self._pos)
        self._pass(end)
        if done:
            long, self._long = self._long, None
            if long.name == b"head" and not long.closing:
                self._inject()
            self._step = self._text
            self._after_tag(long.name, Tag(b""), closing=long.closing, empty=False)
        return done

    def _verbatim(self) -> bool:
        """Pass all the rest."""
        self._pass(len(self._buf))
        return False
