"""Describe the bodies of `/api/settings/*` (rest-account.md 7)."""

from __future__ import annotations

from typing import Literal, TypedDict


class HiddenModelsChoice(TypedDict, total=False):
    """List models to hide as `provider/id`; what is no text is left out, and no list at all hides none."""

    hiddenModels: list[str]


class HiddenModelsList(TypedDict):
    """List hidden models as `provider/id`."""

    hiddenModels: list[str]


class HiddenModelsSaved(HiddenModelsList):
    """Answer what was kept."""

    ok: Literal[True]


class SubagentModelChoice(TypedDict, total=False):
    """Name a model as `provider/id`; null and anything that is no text choose none."""

    model: str | None


class SubagentModelAnswer(TypedDict):
    """Name the model of the caller's subagents."""

    model: str | None


class SubagentModelSaved(SubagentModelAnswer):
    """Answer what was kept."""

    ok: Literal[True]
