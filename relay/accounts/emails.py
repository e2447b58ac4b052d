"""Judge e-mail addresses: the rule of register and the stricter one of the auth library (rest-account.md 2.2, 4.5)."""

from __future__ import annotations

import re
from typing import Final

_DOMAIN_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_LIBRARY_LOCAL: Final = re.compile(r"[A-Za-z0-9_'+.-]*[A-Za-z0-9_+-]")
_LIBRARY_DOMAIN: Final = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}")
_MAX_BYTES: Final = 254
_MAX_LOCAL_BYTES: Final = 64
_MAX_DOMAIN: Final = 253
_MAX_LABEL: Final = 63


def normalize(email: str) -> str:
    """Answer the form that is stored and looked up: lower case."""
    return email.lower()


def is_registrable(email: str) -> bool:
    """Apply rest-account.md 4.5."""
    if len(email.encode("utf-8", "surrogatepass")) > _MAX_BYTES or any("\ud800" <= char <= "\udfff" for char in email):
        return False
    local, at, domain = email.rpartition("@")
    if not at or not local or len(local.encode()) > _MAX_LOCAL_BYTES or re.search(r"[\s@\x00]", local):
        return False
    labels = domain.split(".")
    if len(domain) > _MAX_DOMAIN or len(labels) < 2 or len(labels[-1]) < 2:
        return False
    return all(len(label) <= _MAX_LABEL and _DOMAIN_LABEL.fullmatch(label) for label in labels)


def is_library_email(email: str) -> bool:
    """Apply the rule that sign-up validates `body.email` with: ASCII, no blanks, no double or outer dots."""
    local, at, domain = email.partition("@")
    if not at or local.startswith(".") or ".." in email:
        return False
    return bool(_LIBRARY_LOCAL.fullmatch(local) and _LIBRARY_DOMAIN.fullmatch(domain))


def is_sign_in_email(email: str) -> bool:
    """Accept what either rule lets in, so that an account made by register can always sign in."""
    return is_library_email(email) or is_registrable(email)
