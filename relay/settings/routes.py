"""Answer `/api/settings/*` (rest-account.md 7)."""

from __future__ import annotations

from typing import Final

from relay.http.errors import INVALID_JSON, ErrorSpec
from relay.http.routes import Auth, Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.settings import schemas
from relay.settings.hidden_models import HiddenModels
from relay.settings.subagent_model import InvalidModel, SubagentModel

INVALID_MODEL: Final = ErrorSpec(400, 'Invalid model — expected "provider/id"')


def routes(hidden_models: HiddenModels, subagent_model: SubagentModel) -> list[Route]:
    """Answer the rows of the settings."""
    return [*_hidden_models(hidden_models), *_subagent_model(subagent_model)]


def _hidden_models(hidden_models: HiddenModels) -> list[Route]:

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
        Route(
            "GET",
            path,
            read,
            "List the caller's hidden models",
            auth=Auth.SESSION,
            shape=Shape(schemas.HiddenModelsList),
        ),
        Route(
            "PUT",
            path,
            write,
            "Replace the caller's hidden models",
            auth=Auth.SESSION,
            body=Body.STRICT,
            errors=(INVALID_JSON,),
            shape=Shape(schemas.HiddenModelsSaved, schemas.HiddenModelsChoice),
        ),
    ]


def _subagent_model(subagent_model: SubagentModel) -> list[Route]:
    async def read(call: Call) -> Json:
        return {"model": await subagent_model.of(call.user.user_id)}

    async def write(call: Call) -> Json:
        sent = call.body.get("model")
        try:
            model = await subagent_model.choose(call.user.user_id, _storable(sent) if isinstance(sent, str) else None)
        except InvalidModel as error:
            raise INVALID_MODEL() from error
        return {"ok": True, "model": model}

    path = "/api/settings/subagent-model"
    return [
        Route(
            "GET",
            path,
            read,
            "Tell which model the caller's subagents use",
            auth=Auth.SESSION,
            shape=Shape(schemas.SubagentModelAnswer),
        ),
        Route(
            "PUT",
            path,
            write,
            "Choose the model for the caller's subagents, null for none",
            auth=Auth.SESSION,
            body=Body.STRICT,
            errors=(INVALID_JSON, INVALID_MODEL),
            shape=Shape(schemas.SubagentModelSaved, schemas.SubagentModelChoice),
        ),
    ]


def _storable(key: str) -> str:
    return key.encode("utf-8", "replace").decode("utf-8")
