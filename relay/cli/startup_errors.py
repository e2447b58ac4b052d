"""Turn what can go wrong at the start into one line each."""

from __future__ import annotations

from relay.config import ConfigError
from relay.http.listener import ListenError
from relay.operator.errors import OperatorError
from relay.secrets_file import SecretsError
from relay.storage import NewerDatabase, StorageError


def explain(error: BaseException) -> str | None:
    """Answer one line for an error of the operator's or the machine's making, None for a bug of ours."""
    if isinstance(error, ConfigError | ListenError | OperatorError | SecretsError | StorageError | NewerDatabase):
        return str(error)
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        return f"cannot use{where}: {error.strerror or error}" if where else f"{error.strerror or error}"
    return None
