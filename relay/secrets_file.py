"""Make secrets once and keep them beside the records."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from relay import jsontext

#: The name of the file in the data directory.
FILE_NAME: Final = "secrets.json"
#: What `token_urlsafe` gets for a new secret; 32 bytes are 43 characters of text.
SECRET_BYTES: Final = 32


class SecretsError(Exception):
    """Say that the secrets can't be read or written, in one line."""


def new_secret() -> str:
    """Make 32 random bytes as text."""
    return secrets.token_urlsafe(SECRET_BYTES)


class SecretsFile:
    """Keep named secrets in one JSON file, 0600; only the relay that holds the database writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, name: str, make: Callable[[], str] = new_secret) -> str:
        """Answer the secret `name`, made by `make` at the first time; raises SecretsError."""
        known = self._load()
        value = known.get(name)
        if value is None:
            value = known[name] = make()
            self._save(known)
        return value

    def _load(self) -> dict[str, str]:
        try:
            value = jsontext.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SecretsError(f"cannot read the secrets {self._path}: {error.strerror}") from error
        except ValueError as error:
            raise SecretsError(f"the secrets {self._path} are damaged: {error}") from error
        if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
            raise SecretsError(f"the secrets {self._path} are damaged: not an object of texts")
        return dict(value)

    def _save(self, values: dict[str, str]) -> None:
        # Written beside and renamed, so that a full disk never leaves half a file in place of the old one.
        draft = self._path.with_name(self._path.name + ".new")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(jsontext.dumps(values) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise SecretsError(f"cannot write the secrets {self._path}: {error.strerror}") from error
