"""Take over what a PizzaPi server signs with, so that its cookies and push subscriptions stay valid."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.config import Settings
from relay.operator.errors import OperatorError
from relay.secrets_file import SecretsFile

#: Where PizzaPi's compose file keeps a generated secret, beside its database (rest-account.md 3.4).
BESIDE: Final = "better-auth-secret"
#: Names in our secrets file.
AUTH: Final = "auth"
VAPID: Final = "vapid"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Hold the secret of the cookies and the private VAPID key, empty where they are not known."""

    auth: str = ""
    vapid: str = ""


def find(settings: Settings, auth_db: Path, file: Path | None) -> Secrets:
    """Look in the settings (`BETTER_AUTH_SECRET`, `VAPID_PRIVATE_KEY`), then in `file` or beside the database.

    `file` is the secret as text, or the configuration of `pizza web`, which has both. Raises OperatorError.
    """
    found = _read(file) if file is not None else _beside(auth_db)
    return Secrets(settings.auth.secret or found.auth, settings.push.vapid_private_key or found.vapid)


def keep(secrets_file: SecretsFile, secrets: Secrets) -> Secrets:
    """Keep secrets that are known beside our records, unless there are some; answer those that now count."""
    return Secrets(
        secrets_file.get(AUTH, lambda: secrets.auth) if secrets.auth else "",
        secrets_file.get(VAPID, lambda: secrets.vapid) if secrets.vapid else "",
    )


def _beside(auth_db: Path) -> Secrets:
    file = auth_db.parent / BESIDE
    return _read(file) if file.is_file() else Secrets()


def _read(file: Path) -> Secrets:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise OperatorError(f"cannot read the secret in {file}: {error}") from error
    if not text.startswith("{"):
        return Secrets(auth=text)
    try:
        document = json.loads(text)
    except ValueError as error:
        raise OperatorError(f"{file} is not JSON: {error}") from error
    vapid = document.get("vapid")
    private = vapid.get("privateKey") if isinstance(vapid, dict) else None
    auth = document.get("betterAuthSecret")
    return Secrets(auth if isinstance(auth, str) else "", private if isinstance(private, str) else "")
