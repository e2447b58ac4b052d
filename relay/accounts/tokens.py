"""Draw the random texts that accounts hand out, and treat texts the way a browser counts and sends them."""

from __future__ import annotations

import secrets
import string
from typing import Final

ALPHANUMERIC: Final = string.ascii_letters + string.digits

#: Length of row ids and of session tokens (rest-account.md 2.3, 3.1).
TOKEN_LENGTH: Final = 32


def random_text(length: int, alphabet: str = ALPHANUMERIC) -> str:
    """Answer `length` unpredictable characters of `alphabet`."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def new_token() -> str:
    """Answer a row id or session token: 32 characters `[a-zA-Z0-9]`."""
    return random_text(TOKEN_LENGTH)


def utf16_length(text: str) -> int:
    """Count UTF-16 units, which is how upstream measures names and passwords."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def well_formed(text: str) -> str:
    """Replace lone surrogates by U+FFFD, as a browser does: the database stores UTF-8 only."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
