"""Answer `/api/settings/*` (rest-account.md 7)."""

from __future__ import annotations

from relay.http.errors import INVALID_JSON
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.settings.hidden_models import HiddenModels


def routes(hidden_models: HiddenModels) -> list[Route]:
    """Answer the rows of the settings."""

    async def read(call: Call) -> Json:
        return {"hiddenModels": await hidden_models.of(call.user.user_id)}

    async def write(call: Call) -> Json:
        sent = call.body.get("hiddenModels")
        # No column holds a lone surrogate, and no model has one in its name.
        keys = [_storable(key) for key in sent if isinstance(key, str)] if isinstance(sent, list) else []
        await hidden_models.replace(call.user.user_id, keys)
        return {"ok": True, "hiddenModels": keys}

    path = "/api/settings/hidden-models"
    return [
        Route("GET", path, read, "List the caller's hidden models", auth=Auth.SESSION),
        Route(
            "PUT",
            path,
            write,
            "Replace the caller's hidden models",
            auth=Auth.SESSION,
            body=Body.STRICT,
            errors=(INVALID_JSON,),
        ),
    ]


def _storable(key: str) -> str:
    return key.encode("utf-8", "replace").decode("utf-8")
