"""Rewrite import maps and speculation rules: JSON in a script, read whole before it can act (tunnel.md 3.7)."""

from __future__ import annotations

import json
import re
from typing import Final

from relay.tunnel.rewrite.attributes import is_external
from relay.tunnel.rewrite.context import RewriteContext
from relay.tunnel.rewrite.urls import rewrite_url

#: The bound of 3.7; a longer one is passed on as it is.
CAP: Final = 256 * 1024
_STRING: Final = re.compile(rb'"((?:[^"\\]++|\\.)*+)"')


class ImportMapRewriter:
    """Collect one JSON text, and prefix its addresses: in keys as in values, for both are resolved as URLs."""

    def __init__(self, context: RewriteContext) -> None:
        self._context: Final = context
        self._held: bytes | None = b""

    def feed(self, data: bytes) -> bytes:
        """Hold the text, or pass it where it has become too long."""
        if self._held is None:
            return data
        self._held += data
        if len(self._held) <= CAP:
            return b""
        rest, self._held = self._held, None
        return rest

    def finish(self) -> bytes:
        """Answer the rewritten text."""
        if not self._held:
            return b""
        text = self._held
        if b'"integrity"' in text:
            text = self._without_integrity(text)
        return _STRING.sub(self._string, text)

    def _string(self, found: re.Match[bytes]) -> bytes:
        """Answer a JSON string; JSON may write a slash as `\\/`."""
        value = found[1]
        if b"\\/" in value[:16]:
            value = value.replace(b"\\/", b"/")
        changed = rewrite_url(value, self._context)
        return found[0] if changed == value else b'"' + changed + b'"'

    def _without_integrity(self, text: bytes) -> bytes:
        """Answer the map without the hashes of files that are rewritten on their way."""
        try:
            parsed = json.loads(text)
        except ValueError:
            return text
        hashes = parsed.get("integrity") if isinstance(parsed, dict) else None
        if not isinstance(hashes, dict):
            return text
        parsed["integrity"] = {
            url: value for url, value in hashes.items() if is_external(url.encode("utf-8", "replace"), self._context)
        }
        return json.dumps(parsed).replace("</", "<\\/").encode("ascii")
