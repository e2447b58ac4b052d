"""Say where a response belongs: the prefix that its URLs get and the facts about its request (tunnel.md 3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Mode = Literal["path", "token"]

#: `encodeURIComponent` leaves these as they are; in a string, a `url()` or an attribute they would end it.
_UNSAFE: Final = {ord(char): f"%{ord(char):02X}" for char in "'()*!\"<>`\\& \t\r\n"}

#: What may follow the prefix where a URL is prefixed already: without this test port 300 accepts port 3000 (T15).
BOUNDARY: Final = b"/?#"

#: Documents; a page part that a script fetches gets no `<base>` and no script (3.6). None: no Fetch Metadata sent.
_DOCUMENTS: Final = frozenset({None, "document", "iframe", "frame", "embed", "object"})


@dataclass(frozen=True, slots=True)
class RewriteContext:
    """Hold what the rewriting of one response needs to know.

    `prefix` is the base path of 2.1 without a trailing slash (`/api/tunnel/runner/r1/5173`); characters that could end
    a string are percent-encoded here. `request_path` is the path that the service saw, without a query, and empty where
    the browser asked for the bare prefix (then relative URLs need a `<base>`). `relay_hosts` are the values of `Host`,
    lower-case, under which the relay itself is reached: `Location` may name them. `fetch_dest` is `Sec-Fetch-Dest`.
    """

    prefix: str
    port: int
    request_path: str
    mode: Mode
    relay_hosts: frozenset[str] = frozenset()
    fetch_dest: str | None = None
    base: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Make the prefix safe to stand in any string; raises ValueError where it is not an ASCII path."""
        safe = self.prefix.translate(_UNSAFE)
        if not safe.startswith("/") or safe.endswith("/") or not safe.isascii() or not safe.isprintable():
            raise ValueError("prefix must be an absolute ASCII path without a slash at its end")
        object.__setattr__(self, "prefix", safe)
        object.__setattr__(self, "base", safe.encode("ascii"))

    @property
    def wants_script(self) -> bool:
        """Answer whether a page of this request is a document, which gets the interceptor."""
        return self.fetch_dest in _DOCUMENTS

    def sibling(self, port: int) -> bytes:
        """Answer the prefix of another port of the runner; a token opens one port, so there it is our own (3.1)."""
        if self.mode == "token" or port == self.port:
            return self.base
        head, _, _ = self.base.rpartition(b"/")
        return head + b"/%d" % port
