"""Read what a caller wants of a new session, and write it for the runner (rest-runners.md 4.3, 5.2, 14.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from relay.http.errors import INVALID_AGENT_NAME, INVALID_EFFORT
from relay.runners.names import valid_name

#: Images of a first prompt (5.2).
MAX_IMAGES: Final = 8
EFFORTS: Final = frozenset({"off", "minimal", "low", "medium", "high", "xhigh", "max"})
_AGENT_FIELDS: Final = ("systemPrompt", "tools", "disallowedTools")


@dataclass(frozen=True, slots=True)
class Model:
    """Name a model; both parts trimmed and not empty."""

    provider: str
    id: str

    def json(self) -> dict[str, object]:
        """Answer the model as it goes to the runner."""
        return {"provider": self.provider, "id": self.id}


@dataclass(frozen=True, slots=True)
class SpawnOrder:
    """Hold what is wanted of a new session; None and empty mean that nothing was said."""

    cwd: str | None = None
    prompt: str | None = None
    image_urls: tuple[str, ...] = ()
    model: Model | None = None
    agent: Mapping[str, str] | None = None
    parent_session_id: str | None = None
    resume_path: str | None = None
    resume_id: str | None = None
    auto_close: bool = False
    effort: str | None = None
    hidden_models: Sequence[str] = ()

    def payload(self, session_id: str) -> dict[str, object]:
        """Answer the body of `new_session`; what is not wanted is absent, never null."""
        body: dict[str, object] = {"sessionId": session_id}
        if self.cwd is not None:
            body["cwd"] = self.cwd
        if self.prompt:
            body["prompt"] = self.prompt
        if self.image_urls:
            body["imageUrls"] = list(self.image_urls)
        if self.model is not None:
            body["model"] = self.model.json()
        if self.hidden_models:
            body["hiddenModels"] = list(self.hidden_models)
        if self.agent is not None:
            body["agent"] = dict(self.agent)
        if self.parent_session_id is not None:
            body["parentSessionId"] = self.parent_session_id
        if self.resume_path is not None:
            body["resumePath"] = self.resume_path
        elif self.resume_id is not None:
            body["resumeId"] = self.resume_id
        if self.auto_close:
            body["autoClose"] = True
        if self.effort is not None:
            body["effort"] = self.effort
        return body


def read_order(body: Mapping[str, object]) -> SpawnOrder:
    """Read the body of a spawn call; wrong-typed optional fields count as absent. The model is read by `read_model`.

    Raises ApiError 400 for an invalid agent name or effort.
    """
    agent = _agent(body.get("agent"))
    images = body.get("imageUrls")
    urls = [url for url in images if isinstance(url, str)] if isinstance(images, list) else []
    return SpawnOrder(
        cwd=_text(body, "cwd"),
        prompt=_text(body, "prompt"),
        image_urls=tuple(urls[:MAX_IMAGES]),
        agent=agent,
        parent_session_id=_text(body, "parentSessionId"),
        resume_path=_text(body, "resumePath"),
        resume_id=_text(body, "resumeId"),
        auto_close=body.get("autoClose") is True,
        effort=_effort(body.get("effort")),
    )


def read_model(value: object) -> Model | str | None:
    """Read a model: `{provider, id}`, or the seed's string, which is split at its first `/`.

    Answers a Model, a bare id that is still to be looked up at the runner, or None for nothing usable.
    """
    if isinstance(value, dict):
        provider, model_id = value.get("provider"), value.get("id")
        if isinstance(provider, str) and isinstance(model_id, str):
            return _model(provider, model_id)
        return None
    if not isinstance(value, str) or not value.strip():
        return None
    provider, slash, model_id = value.partition("/")
    return _model(provider, model_id) if slash else value.strip()


def find_model(models: object, model_id: str) -> Model | None:
    """Answer the first model of a runner's list that has exactly this id."""
    for entry in models if isinstance(models, list) else ():
        if isinstance(entry, dict) and entry.get("id") == model_id and isinstance(entry.get("provider"), str):
            return _model(entry["provider"], model_id)
    return None


def _model(provider: str, model_id: str) -> Model | None:
    provider, model_id = provider.strip(), model_id.strip()
    return Model(provider, model_id) if provider and model_id else None


def _agent(value: object) -> Mapping[str, str] | None:
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(name, str) or not name.strip():
        return None
    if not valid_name(name.strip()):
        raise INVALID_AGENT_NAME()
    kept = {key: text for key in _AGENT_FIELDS if isinstance(text := value.get(key), str)}
    return {"name": name.strip(), **kept}


def _effort(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in EFFORTS:
        raise INVALID_EFFORT()
    return value


def _text(body: Mapping[str, object], key: str) -> str | None:
    value = body.get(key)
    return value if isinstance(value, str) and value else None
