"""Sign, read and write the session cookie in upstream's format (rest-account.md 2.3)."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Final
from urllib.parse import quote, unquote

SESSION_TOKEN: Final = "better-auth.session_token"  # noqa: S105 - the name of a cookie
SESSION_DATA: Final = "better-auth.session_data"
DONT_REMEMBER: Final = "better-auth.dont_remember"
_SECURE_PREFIX: Final = "__Secure-"

#: Seconds a browser keeps the cookie, and a session lives without a visit.
MAX_AGE: Final = 604_800
#: Standard base64 of 32 bytes.
_SIGNATURE_LENGTH: Final = 44
#: A signed 32-character token has 77 characters, 83 when encoded; imported ones are no longer than this.
_MAX_VALUE: Final = 512


def _signature(secret: bytes, text: str) -> str:
    return b64encode(hmac.digest(secret, text.encode("utf-8", "replace"), "sha256")).decode("ascii")


def sign(secret: bytes, text: str) -> str:
    """Answer the cookie value: percent-encoded `text.signature`."""
    return quote(f"{text}.{_signature(secret, text)}", safe="")


def unsign(secret: bytes, value: str) -> str | None:
    """Answer the signed text of a cookie value, encoded or not, or None when the signature is not ours."""
    if len(value) > _MAX_VALUE:
        return None
    text, dot, signature = (unquote(value) if "%" in value else value).rpartition(".")
    if not dot or len(signature) != _SIGNATURE_LENGTH or not signature.endswith("=") or not signature.isascii():
        return None
    return text if hmac.compare_digest(signature, _signature(secret, text)) else None


def read(header: str, name: str) -> list[str]:
    """Answer the values of a cookie in a `Cookie` header, those under the `__Secure-` name first."""
    secure: list[str] = []
    plain: list[str] = []
    for pair in header.split(";"):
        key, equals, value = pair.strip().partition("=")
        if equals and key == name:
            plain.append(value.strip('"'))
        elif equals and key.startswith(_SECURE_PREFIX) and key[len(_SECURE_PREFIX) :] == name:
            secure.append(value.strip('"'))
    return secure + plain


def read_signed(secret: bytes, header: str, name: str) -> str | None:
    """Answer the first text under `name` that carries our signature."""
    for value in read(header, name):
        text = unsign(secret, value)
        if text is not None:
            return text
    return None


def set_cookie(name: str, value: str, *, secure: bool, max_age: int | None) -> str:
    """Answer a `Set-Cookie` value, attribute for attribute as upstream writes it."""
    prefix = _SECURE_PREFIX if secure else ""
    age = "" if max_age is None else f" Max-Age={max_age};"
    return f"{prefix}{name}={value};{age} Path=/; HttpOnly;{' Secure;' if secure else ''} SameSite=Lax"


def clearing_cookies(*, secure: bool) -> list[str]:
    """Answer the three `Set-Cookie` values of a sign-out."""
    return [set_cookie(name, "", secure=secure, max_age=0) for name in (SESSION_TOKEN, SESSION_DATA, DONT_REMEMBER)]
