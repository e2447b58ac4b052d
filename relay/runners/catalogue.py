"""Take in what a runner answers and reports about its skills, agents, plugins, files and models (rest-runners.md 4).

Each reply may finish a request and change the runner's cached lists; the cache changes whether or not anybody waited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from relay.runners.profile import Item, clean_plugins, clean_skills
from relay.runners.rpc import Family, RunnerRpc
from relay.runners.runner import Runner

#: Handle one reply of a runner's registered socket.
ReplyHandler = Callable[[Runner, Item], None]

_FALLBACK_ERROR: Final = "Runner command failed"


class Catalogue:
    """Match replies to requests and keep the lists of each runner current; `updated` is told after every change."""

    def __init__(self, rpc: RunnerRpc, updated: Callable[[Runner], None]) -> None:
        self._rpc = rpc
        self._updated = updated

    def handlers(self) -> Mapping[str, ReplyHandler]:
        """Answer the handler of each reply event (sockets-agents.md 3.1)."""
        return {
            "skills_list": self._skills_list,
            "skill_result": self._skill_result,
            "agents_list": self._agents_list,
            "agent_result": self._agent_result,
            "plugins_list": self._plugins_list,
            "file_result": self._whole,
            "models_list": self._whole,
            "usage_data": self._data,
            "analyze_session_data": self._data,
            "usage_error": self._error,
            "analyze_session_error": self._error,
        }

    def _skills_list(self, runner: Runner, reply: Item) -> None:
        skills = clean_skills(reply.get("skills"))
        runner.set_skills(skills)
        self._resolve(runner, Family.SKILL, reply, {"ok": True, "skills": skills})
        self._updated(runner)

    def _skill_result(self, runner: Runner, reply: Item) -> None:
        result = _result(reply, "skills")
        skills = result.get("skills")
        if isinstance(skills, list):
            runner.set_skills(skills)
        self._resolve(runner, Family.SKILL, reply, result)
        if isinstance(skills, list):
            self._updated(runner)

    def _agents_list(self, runner: Runner, reply: Item) -> None:
        agents = clean_skills(reply.get("agents"))
        runner.set_agents(agents)
        self._resolve(runner, Family.AGENT, reply, {"ok": True, "agents": agents})
        self._updated(runner)

    def _agent_result(self, runner: Runner, reply: Item) -> None:
        result = _result(reply, "agents")
        agents = result.get("agents")
        if isinstance(agents, list):
            runner.set_agents(agents)
        self._resolve(runner, Family.AGENT, reply, result)
        if isinstance(agents, list):
            self._updated(runner)

    def _plugins_list(self, runner: Runner, reply: Item) -> None:
        plugins = reply.get("plugins")
        raw = plugins if isinstance(plugins, list) else []
        # A missing `ok` counts as success.
        succeeded = reply.get("ok") is not False
        result: Item = {"ok": succeeded, "plugins": raw}
        if isinstance(reply.get("message"), str):
            result["message"] = reply["message"]
        # A scan of one working directory is not the runner's list.
        cached = succeeded and not reply.get("scoped")
        if cached:
            runner.set_plugins(clean_plugins(raw))
        self._resolve(runner, Family.GENERIC, reply, result)
        if cached:
            self._updated(runner)

    def _whole(self, runner: Runner, reply: Item) -> None:
        result = {key: value for key, value in reply.items() if key != "requestId"}
        self._resolve(runner, Family.GENERIC, reply, result)

    def _data(self, runner: Runner, reply: Item) -> None:
        data = reply.get("data")
        self._resolve(runner, Family.GENERIC, reply, data if isinstance(data, dict) else {})

    def _error(self, runner: Runner, reply: Item) -> None:
        error = reply.get("error")
        text = error if isinstance(error, str) and error else _FALLBACK_ERROR
        self._rpc.reject(runner.socket, Family.GENERIC, reply.get("requestId"), text)

    def _resolve(self, runner: Runner, family: Family, reply: Item, result: Item) -> None:
        self._rpc.resolve(runner.socket, family, reply.get("requestId"), result)


def _result(reply: Item, listed: str) -> Item:
    """Answer `{ok, message?, <listed>?, content?, name?}` of a skill or agent command, wrong types left out."""
    result: Item = {"ok": bool(reply.get("ok"))}
    for key in ("message", "content", "name"):
        if isinstance(reply.get(key), str):
            result[key] = reply[key]
    if isinstance(reply.get(listed), list):
        result[listed] = clean_skills(reply[listed])
    return result
