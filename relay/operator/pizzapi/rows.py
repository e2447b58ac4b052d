"""Turn rows of a PizzaPi database into rows of ours; pure. None stands for a row that can't be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from relay import jsontext
from relay.clock import iso, parse_iso

Row = Mapping[str, object]
Ours = dict[str, object]

#: What a subscriber gets waits for its next turn, unless it was told otherwise (rest-runners.md 8).
_DELIVER_AS: Final = "followUp"


def user(row: Row) -> Ours | None:
    """Answer an account's row; the e-mail in lower case, as we look it up."""
    if not (_text(row, "id") and _text(row, "email") and _time(row, "createdAt")):
        return None
    return {
        "id": row["id"],
        "name": _text(row, "name"),
        "email": _text(row, "email").lower(),
        "email_verified": _flag(row, "emailVerified"),
        "image": _text_or_none(row, "image"),
        "created_at": _time(row, "createdAt"),
        "updated_at": _time(row, "updatedAt") or _time(row, "createdAt"),
    }


def password(row: Row, owner: str, now: str) -> Ours | None:
    """Answer the row of a password; the hash is ours too (rest-account.md 3.2)."""
    if row.get("providerId") != "credential" or not _text(row, "password"):
        return None
    return {
        "user_id": owner,
        "password": row["password"],
        "created_at": _time(row, "createdAt") or now,
        "updated_at": _time(row, "updatedAt") or now,
    }


def cookie_session(row: Row, owner: str) -> Ours | None:
    """Answer a browser's sign-in."""
    if not (_text(row, "id") and _text(row, "token") and _time(row, "expiresAt") and _time(row, "createdAt")):
        return None
    return {
        "id": row["id"],
        "token": row["token"],
        "user_id": owner,
        "expires_at": _time(row, "expiresAt"),
        "created_at": _time(row, "createdAt"),
        "updated_at": _time(row, "updatedAt") or _time(row, "createdAt"),
        "ip_address": _text_or_none(row, "ipAddress"),
        "user_agent": _text_or_none(row, "userAgent"),
    }


def api_key(row: Row, owner: str) -> Ours | None:
    """Answer an API key's row; only the hash of a key is stored (3.3)."""
    if not (_text(row, "id") and _text(row, "key") and _time(row, "createdAt")):
        return None
    return {
        "id": row["id"],
        "name": _text_or_none(row, "name"),
        "start": _text_or_none(row, "start"),
        "prefix": _text_or_none(row, "prefix"),
        "key": row["key"],
        "user_id": owner,
        "enabled": 1 if row.get("enabled") is None else _flag(row, "enabled"),
        "rate_limit_enabled": _flag(row, "rateLimitEnabled"),
        "rate_limit_time_window": _number(row, "rateLimitTimeWindow"),
        "rate_limit_max": _number(row, "rateLimitMax"),
        "request_count": _number(row, "requestCount") or 0,
        "remaining": _number(row, "remaining"),
        "refill_interval": _number(row, "refillInterval"),
        "refill_amount": _number(row, "refillAmount"),
        "last_refill_at": _time(row, "lastRefillAt"),
        "last_request": _time(row, "lastRequest"),
        "expires_at": _time(row, "expiresAt"),
        "created_at": _time(row, "createdAt"),
        "updated_at": _time(row, "updatedAt") or _time(row, "createdAt"),
        "permissions": _text_or_none(row, "permissions"),
        # The library writes the word null where it means nothing (3.1).
        "metadata": None if row.get("metadata") == "null" else _text_or_none(row, "metadata"),
    }


def hidden_model(row: Row, owner: str, now: str) -> Ours | None:
    """Answer the row of a hidden model."""
    if not _text(row, "modelKey"):
        return None
    return {"user_id": owner, "model_key": row["modelKey"], "created_at": _time(row, "createdAt") or now}


def preference(row: Row, owner: str, now: str) -> Ours | None:
    """Answer the row of a preference."""
    if not (_text(row, "key") and _text(row, "value")):
        return None
    return {
        "user_id": owner,
        "key": row["key"],
        "value": row["value"],
        "updated_at": _time(row, "updatedAt") or now,
    }


def push_subscription(row: Row, owner: str, now: str) -> Ours | None:
    """Answer a browser's push subscription; 0 is what nobody chose, so it stays open (8.5)."""
    keys = _object(row, "keys")
    if keys is None or not (_text(row, "id") and _text(row, "endpoint")):
        return None
    p256dh, auth = keys.get("p256dh"), keys.get("auth")
    if not isinstance(p256dh, str) or not isinstance(auth, str):
        return None
    return {
        "id": row["id"],
        "user_id": owner,
        "endpoint": row["endpoint"],
        "p256dh": p256dh,
        "auth": auth,
        "enabled_events": row.get("enabledEvents") if isinstance(row.get("enabledEvents"), str) else "*",
        "suppress_child": 1 if _flag(row, "suppressChildNotifications") else None,
        "created_at": _time(row, "createdAt") or now,
    }


def recent_folder(row: Row, owner: str, now: str) -> Ours | None:
    """Answer the row of a folder that was used on a runner."""
    if not (_text(row, "runnerId") and _text(row, "path")):
        return None
    return {
        "user_id": owner,
        "runner_id": row["runnerId"],
        "path": row["path"],
        "last_used_at": _time(row, "lastUsedAt") or now,
        "usage_count": _number(row, "usageCount") or 1,
    }


def webhook(row: Row, owner: str, now: str) -> Ours | None:
    """Answer a webhook's row; its id and secret stay, so senders notice nothing."""
    if not (_text(row, "id") and _text(row, "secret") and _text(row, "source")):
        return None
    events = _list(row, "eventFilter")
    provider, model = _text(row, "modelProvider"), _text(row, "modelId")
    both = bool(provider and model)
    return {
        "id": row["id"],
        "user_id": owner,
        "name": _text(row, "name"),
        "secret": row["secret"],
        "event_filter": None if events is None else jsontext.dumps(events).decode(),
        "source": row["source"],
        "runner_id": _text_or_none(row, "runnerId"),
        "cwd": _text_or_none(row, "cwd"),
        "prompt": _text_or_none(row, "prompt"),
        "model_provider": provider if both else None,
        "model_id": model if both else None,
        "enabled": 1 if row.get("enabled") is None else _flag(row, "enabled"),
        "created_at": _time(row, "createdAt") or now,
        "updated_at": _time(row, "updatedAt") or now,
    }


def stored_session(row: Row, owner: str, keep_until: str) -> Ours | None:
    """Answer the row of a session; one that ended is kept until `keep_until`, a pinned one for good."""
    if not (_text(row, "id") and _time(row, "startedAt")):
        return None
    ended = _time(row, "endedAt")
    return {
        "id": row["id"],
        "user_id": owner,
        "user_name": _text_or_none(row, "userName"),
        "cwd": _text(row, "cwd"),
        "share_url": _text(row, "shareUrl"),
        "started_at": _time(row, "startedAt"),
        "last_active_at": _time(row, "lastActiveAt") or _time(row, "startedAt"),
        "ended_at": ended,
        "is_ephemeral": 1 if row.get("isEphemeral") is None else _flag(row, "isEphemeral"),
        "expires_at": _time(row, "expiresAt"),
        "keep_until": None if ended is None else keep_until,
        "is_pinned": _flag(row, "isPinned"),
        "runner_id": _text_or_none(row, "runnerId"),
        "runner_name": _text_or_none(row, "runnerName"),
        "session_name": _text_or_none(row, "sessionName"),
        "generation": _text_or_none(row, "generation"),
    }


def session_state(row: Row, now: str) -> Ours | None:
    """Answer the state of a session: the same JSON, as bytes."""
    if _object(row, "state") is None:
        return None
    overlay = _object(row, "snapshotOverlay")
    return {
        "session_id": row["sessionId"],
        "state": _text(row, "state").encode(),
        "overlay": None if overlay is None else jsontext.dumps(overlay),
        "updated_at": _time(row, "updatedAt") or now,
    }


def subscription(row: Row, owner: str, now: str) -> Ours | None:
    """Answer the subscription of a session (rest-runners.md 10.5)."""
    stored = _object(row, "subscriptionJson")
    if stored is None or not (_text(row, "id") and _text(row, "sessionId") and _text(row, "triggerType")):
        return None
    filters = stored.get("filters")
    read = [_filter(one) for one in filters] if isinstance(filters, list) else []
    body = {
        "deliverAs": _DELIVER_AS,
        "params": stored["params"] if isinstance(stored.get("params"), dict) else None,
        "filters": [one for one in read if one is not None],
        "filterMode": "or" if stored.get("filterMode") == "or" else "and",
    }
    return {
        "id": row["id"],
        "user_id": owner,
        "session_id": row["sessionId"],
        "runner_id": _text(row, "runnerId"),
        "trigger_type": row["triggerType"],
        "subscription": jsontext.dumps(body).decode(),
        "created_at": _time(row, "updatedAt") or now,
        "updated_at": _time(row, "updatedAt") or now,
    }


def listener(row: Row, owner: str, now: str) -> Ours | None:
    """Answer the listener of a runner (10.4)."""
    stored = _object(row, "listenerJson")
    if stored is None or not (_text(row, "id") and _text(row, "runnerId") and _text(row, "triggerType")):
        return None
    model = stored.get("model")
    known = isinstance(model, dict) and all(isinstance(model.get(part), str) for part in ("provider", "id"))
    body = {
        "prompt": stored["prompt"] if isinstance(stored.get("prompt"), str) else None,
        "cwd": stored["cwd"] if isinstance(stored.get("cwd"), str) else None,
        "model": model if known else None,
        "params": stored["params"] if isinstance(stored.get("params"), dict) else None,
        "autoClose": stored.get("autoClose") is True,
    }
    return {
        "id": row["id"],
        "user_id": owner,
        "runner_id": row["runnerId"],
        "trigger_type": row["triggerType"],
        "listener": jsontext.dumps(body).decode(),
        "created_at": _time(stored, "createdAt") or _time(row, "updatedAt") or now,
        "updated_at": _time(row, "updatedAt") or now,
    }


def attachment(row: Row, owner: str, uploader: str, kind: str, disk_name: str, size: int) -> Ours | None:
    """Answer the row of a file that was copied; `kind` is `upload` or `extracted`."""
    if not (_text(row, "attachmentId") and _time(row, "createdAt") and _time(row, "expiresAt")):
        return None
    return {
        "attachment_id": row["attachmentId"],
        "kind": kind,
        "owner_user_id": owner,
        "uploader_user_id": uploader,
        "filename": _text(row, "filename") or disk_name,
        "mime_type": _text(row, "mimeType") or "application/octet-stream",
        "size": size,
        "disk_name": disk_name,
        "created_at": _time(row, "createdAt"),
        "expires_at": _time(row, "expiresAt"),
    }


def _filter(value: object) -> list[object] | None:
    """Answer `[field, value, op, case counts]`, as our rows hold a filter (3.6)."""
    if not isinstance(value, dict) or not isinstance(value.get("field"), str):
        return None
    op = "contains" if value.get("op") == "contains" else "eq"
    case = value.get("caseSensitive")
    return [value["field"], value.get("value"), op, case if isinstance(case, bool) else op == "eq"]


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _text_or_none(row: Row, name: str) -> str | None:
    return _text(row, name) or None


def _number(row: Row, name: str) -> int | None:
    value = row.get(name)
    return int(value) if isinstance(value, int | float) else None


def _flag(row: Row, name: str) -> int:
    return 1 if row.get(name) in (1, "1", True) else 0


def _time(row: Row, name: str) -> str | None:
    """Answer a time as our columns hold it, ISO 8601 text in UTC with milliseconds; None for anything that is none."""
    value = row.get(name)
    moment = parse_iso(value) if isinstance(value, str) else None
    return None if moment is None else iso(moment)


def _json(row: Row, name: str) -> object:
    try:
        return jsontext.loads(_text(row, name).encode())
    except ValueError:
        return None


def _object(row: Row, name: str) -> dict[str, object] | None:
    value = _json(row, name)
    return value if isinstance(value, dict) else None


def _list(row: Row, name: str) -> list[object] | None:
    value = _json(row, name)
    return value if isinstance(value, list) else None
