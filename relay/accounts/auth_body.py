"""Read the bodies of `/api/auth/*` (rest-account.md 2.1)."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from relay import jsontext
from relay.accounts.auth_errors import denied
from relay.accounts.validation import type_name
from relay.http import body as bodies

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
#: Bytes of a body (rest-account.md 12.4), and the fields of a form.
_LIMIT: Final = 1_048_576
_MAX_FIELDS: Final = 64
#: A content type that is echoed is cut here.
_SHOWN: Final = 100


async def read_fields(request: web.Request, *, form: bool) -> dict[str, object]:
    """Read a JSON object, or a form where one is allowed.

    Raises AuthError: 415 for another content type or none, 400 for broken JSON and for JSON that is no object;
    ApiError 413 for a body that is too large.
    """
    sent = request.headers.get("Content-Type", "")
    kind = sent.partition(";")[0].strip().lower()
    allowed = (_FORM, _JSON) if form else (_JSON,)
    if kind not in allowed:
        listed = ", ".join(allowed)
        problem = f'Content-Type "{sent[:_SHOWN]}" is not allowed' if sent else "Content-Type is required"
        raise denied(415, f"{problem}. Allowed types: {listed}", code="UNSUPPORTED_MEDIA_TYPE")
    text = await bodies.read(request, _LIMIT)
    if kind == _FORM:
        return _form(text)
    try:
        value = jsontext.loads(text)
    except ValueError as error:
        raise denied(400, "Invalid JSON body", code="INVALID_JSON") from error
    if not isinstance(value, dict):
        complaint = f"[body] Invalid input: expected object, received {type_name(value)}"
        raise denied(400, complaint, code="VALIDATION_ERROR")
    return value


def _form(text: bytes) -> dict[str, object]:
    try:
        pairs = parse_qsl(text.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise denied(400, "Invalid form body", code="INVALID_FORM") from error
    return dict(pairs)
