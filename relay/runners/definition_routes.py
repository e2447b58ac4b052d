"""Answer the HTTP calls about the skills and agents of a runner (rest-runners.md 5.10, 11.2).

The two are mirror images: the words and the commands differ, statuses and shapes do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relay.http.errors import (
    DEFINITION_CALL_FAILED,
    DEFINITION_MISSING_NAME,
    DEFINITION_NAME_INVALID,
    DEFINITION_NOT_FOUND,
    DEFINITION_NOT_WRITTEN,
    DEFINITION_SCAN_REFUSED,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    ErrorSpec,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.runners import schemas
from relay.runners.door import RunnerDoor
from relay.runners.names import valid_name
from relay.runners.profile import Item
from relay.runners.rpc import Family
from relay.runners.runner import Runner


@dataclass(frozen=True, slots=True)
class Kind:
    """Name one kind of definition: `noun` in paths, commands, fields and texts; `family` of its commands."""

    noun: str
    family: Family

    @property
    def plural(self) -> str:
        """Answer the word for several, as paths and fields have it."""
        return f"{self.noun}s"

    def error(self, spec: ErrorSpec, verb: str = "") -> ErrorSpec:
        """Answer a catalogue entry in the words of this kind."""
        return spec.filled(noun=self.noun, Noun=self.noun.capitalize(), verb=verb)

    @property
    def types(self) -> tuple[type, type]:
        """Answer the types of a list and of a list after a change, for the API document."""
        if self.family is Family.SKILL:
            return schemas.SkillList, schemas.SkillsChanged
        return schemas.AgentList, schemas.AgentsChanged

    def items(self, runner: Runner) -> list[Item]:
        """Answer the runner's cached definitions of this kind."""
        return runner.skills if self.family is Family.SKILL else runner.agents


SKILLS: Final = Kind("skill", Family.SKILL)
AGENTS: Final = Kind("agent", Family.AGENT)
_GATED: Final = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN)


class Definitions:
    """Ask a runner for its definitions of one kind."""

    def __init__(self, kind: Kind, door: RunnerDoor) -> None:
        self.kind = kind
        self._door = door
        self._timeout = door.limits.skill if kind.family is Family.SKILL else door.limits.agent

    async def command(self, runner: Runner, verb: str, payload: Item, *, refusal: ErrorSpec) -> Item:
        """Answer the reply to `<verb>_<noun>`; raises ApiError: `refusal` for `ok: false`, 502 when nothing came."""
        event = f"{verb}_{self.kind.noun}"
        word = "retrieve" if verb == "get" else verb
        return await self._door.demand(
            runner,
            event,
            payload,
            timeout=self._timeout,
            family=self.kind.family,
            refusal=self.kind.error(refusal, word),
            failure=self.kind.error(DEFINITION_CALL_FAILED, word),
        )

    async def rescan(self, runner: Runner) -> list[Item]:
        """Let the runner read its disk again and answer what it found; raises ApiError 500 or 502."""
        reply = await self._door.demand(
            runner,
            f"list_{self.kind.plural}",
            {},
            timeout=self._timeout,
            family=self.kind.family,
            refusal=self.kind.error(DEFINITION_SCAN_REFUSED),
            failure=DEFINITION_CALL_FAILED.filled(verb="refresh", noun=self.kind.plural),
        )
        return self.found(runner, reply)

    def found(self, runner: Runner, reply: Item) -> list[Item]:
        """Answer the list in a reply, which the catalogue has cleaned; without one, the list known before."""
        items = reply.get(self.kind.plural)
        return items if isinstance(items, list) else self.kind.items(runner)


class DefinitionRoutes:
    """Serve the endpoints of one kind."""

    def __init__(self, kind: Kind, door: RunnerDoor) -> None:
        self._kind = kind
        self._door = door
        self._definitions = Definitions(kind, door)

    def table(self) -> list[Route]:
        """Answer the rows of this kind."""
        return [*self._rows_of_all(), *self._rows_of_one()]

    def _rows_of_all(self) -> list[Route]:
        one, many, base = self._kind.noun, self._kind.plural, self._base
        missing, invalid, unwritten, unscanned, failed = self._errors(
            DEFINITION_MISSING_NAME,
            DEFINITION_NAME_INVALID,
            DEFINITION_NOT_WRITTEN,
            DEFINITION_SCAN_REFUSED,
            DEFINITION_CALL_FAILED,
        )
        listed, changed = self._kind.types
        return [
            Route(
                "GET",
                base,
                self.list_known,
                f"List the {many} of a runner",
                errors=_GATED,
                shape=Shape(listed, query=schemas.FormatQuery),
            ),
            Route(
                "POST",
                base,
                self.create,
                f"Create {self._article} {one} on a runner",
                body=Body.LENIENT,
                guard=self._door.gate,
                errors=(*_GATED, missing, invalid, unwritten, failed),
                shape=Shape(changed, schemas.NewDefinition, schemas.FormatQuery),
            ),
            Route(
                "POST",
                f"{base}/refresh",
                self.refresh,
                f"Let a runner read its {many} again",
                errors=(*_GATED, unscanned, failed),
                shape=Shape(changed, query=schemas.FormatQuery),
            ),
        ]

    def _rows_of_one(self) -> list[Route]:
        one, path, article = self._kind.noun, f"{self._base}/{{name}}", self._article
        invalid, absent, unwritten, failed = self._errors(
            DEFINITION_NAME_INVALID, DEFINITION_NOT_FOUND, DEFINITION_NOT_WRITTEN, DEFINITION_CALL_FAILED
        )
        _, changed = self._kind.types
        return [
            Route(
                "GET",
                path,
                self.get,
                f"Read {article} {one} of a runner",
                errors=(*_GATED, invalid, absent, failed),
                shape=Shape(schemas.DefinitionText),
            ),
            Route(
                "PUT",
                path,
                self.update,
                f"Replace the content of {article} {one}",
                body=Body.LENIENT,
                guard=self._door.gate,
                errors=(*_GATED, invalid, unwritten, failed),
                shape=Shape(changed, schemas.DefinitionContent, schemas.FormatQuery),
            ),
            Route(
                "DELETE",
                path,
                self.delete,
                f"Delete {article} {one} of a runner",
                errors=(*_GATED, invalid, absent, failed),
                shape=Shape(changed, query=schemas.FormatQuery),
            ),
        ]

    @property
    def _base(self) -> str:
        return f"/api/runners/{{runnerId}}/{self._kind.plural}"

    @property
    def _article(self) -> str:
        return "an" if self._kind.noun[0] in "aeiou" else "a"

    def _errors(self, *specs: ErrorSpec) -> tuple[ErrorSpec, ...]:
        return tuple(self._kind.error(spec, "write") for spec in specs)

    async def list_known(self, call: Call) -> Json:
        """Answer the cached definitions."""
        return listing(call, self._kind, self._kind.items(self._door.gate(call)))

    async def get(self, call: Call) -> Json:
        """Answer `{name, content}` of one definition."""
        runner = self._door.gate(call)
        name = self._name(call)
        reply = await self._definitions.command(runner, "get", {"name": name}, refusal=DEFINITION_NOT_FOUND)
        return {"name": reply.get("name", name), "content": reply.get("content", "")}

    async def create(self, call: Call) -> Json:
        """Create a definition; the runner refuses names that it finds too loose with 400."""
        runner = self._door.gate(call)
        name = call.body.get("name")
        if not isinstance(name, str) or not name.strip():
            raise self._kind.error(DEFINITION_MISSING_NAME)()
        payload: Item = {"name": self._checked(name.strip()), "content": _content(call)}
        return await self._changed(call, runner, "create", payload, DEFINITION_NOT_WRITTEN)

    async def update(self, call: Call) -> Json:
        """Replace the content of a definition."""
        runner = self._door.gate(call)
        payload: Item = {"name": self._name(call), "content": _content(call)}
        return await self._changed(call, runner, "update", payload, DEFINITION_NOT_WRITTEN)

    async def delete(self, call: Call) -> Json:
        """Delete a definition; one that is not there is 404."""
        runner = self._door.gate(call)
        return await self._changed(call, runner, "delete", {"name": self._name(call)}, DEFINITION_NOT_FOUND)

    async def refresh(self, call: Call) -> Json:
        """Let the runner read its disk again."""
        runner = self._door.gate(call)
        return {"ok": True, **listing(call, self._kind, await self._definitions.rescan(runner))}

    async def _changed(self, call: Call, runner: Runner, verb: str, payload: Item, refusal: ErrorSpec) -> Json:
        reply = await self._definitions.command(runner, verb, payload, refusal=refusal)
        return {"ok": True, **listing(call, self._kind, self._definitions.found(runner, reply))}

    def _name(self, call: Call) -> str:
        return self._checked(call.params["name"])

    def _checked(self, name: str) -> str:
        if not valid_name(name):
            raise self._kind.error(DEFINITION_NAME_INVALID)()
        return name


def listing(call: Call, kind: Kind, items: list[Item]) -> Item:
    """Answer a list in both forms: objects and `<noun>Names`; under `?format=names` both are names (11.2)."""
    names = [item.get("name") for item in items]
    wants_names = call.request.query_string and call.query.get("format") == "names"
    return {kind.plural: names if wants_names else items, f"{kind.noun}Names": names}


def _content(call: Call) -> str:
    content = call.body.get("content")
    return content if isinstance(content, str) else ""
