"""Encrypt messages for browsers (RFC 8291); the only place that knows pywebpush.

It is imported at first use, and with what it brings along that takes a third of a second: call from a thread.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

#: An uncompressed P-256 point and the authentication secret (RFC 8291 3.1, 3.2).
_POINT: Final = 65
_SECRET: Final = 16


class UnusableKeys(ValueError):
    """Say that a subscription's keys are none, so that no message can ever be encrypted for it."""


def encrypt(message: bytes, p256dh: str, auth: str) -> bytes:
    """Answer the body of a push request in `aes128gcm`; raises UnusableKeys.

    `p256dh` and `auth` are the subscription's keys in base64url.
    """
    if len(_decoded(p256dh)) != _POINT or len(_decoded(auth)) != _SECRET:
        raise UnusableKeys("the keys have the wrong length")
    from pywebpush import WebPusher

    # The endpoint is asked for and not used: the request goes out elsewhere.
    pusher = WebPusher({"endpoint": "", "keys": {"p256dh": p256dh, "auth": auth}})
    try:
        body: bytes = pusher.encode(message)["body"]
    except ValueError as error:
        raise UnusableKeys("the public key is no point of the curve") from error
    return body


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise UnusableKeys("the keys are not base64") from error
