"""Drive the REST calls about a runner against the published one: what they say is what is on its disk."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.processes import Process
from tests.e2e.provider import MODEL, Say, bash
from tests.e2e.stack import Stack
from tests.e2e.transcript import JsonObject, as_object, as_objects
from tests.e2e.viewer import Viewer
from tests.e2e.waiting import NotReached, poll

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b")]

SKILL = "---\nname: deploy\ndescription: Ship it\n---\n# Deploy\n"
AGENT = "---\nname: reviewer\ndescription: Reads\n---\n# Reviewer\n"


def home(stack: Stack) -> Path:
    """Answer the runner's settings directory."""
    return stack.folder / "runner-home" / ".pizzapi"


async def ask(stack: Stack, method: str, path: str, body: object = None) -> tuple[int, JsonObject]:
    """Call one endpoint below the runner's."""
    status, answer = await stack.request(method, f"/api/runners/{stack.runner_id}/{path}", body)
    return status, as_object(answer)


async def good(stack: Stack, method: str, path: str, body: object = None) -> JsonObject:
    """The same, where anything but 200 fails the test."""
    status, answer = await ask(stack, method, path, body)
    assert status == 200, (path, answer)
    return answer


@pytest.mark.parametrize(
    ("noun", "name", "content", "file"),
    [("skill", "deploy", SKILL, "skills/deploy/SKILL.md"), ("agent", "reviewer", AGENT, "agents/reviewer.md")],
    ids=["skill", "agent"],
)
async def test_definitions_are_files_on_the_runner(stack: Stack, noun: str, name: str, content: str, file: str) -> None:
    many, names, path = f"{noun}s", f"{noun}Names", home(stack) / file
    feed = await stack.runners_feed()
    assert await good(stack, "GET", many) == {many: [], names: []}
    created = await good(stack, "POST", many, {"name": name, "content": content})
    [entry] = as_objects(created[many])
    assert (entry["name"], entry["filePath"], created[names]) == (name, str(path), [name])
    assert path.read_text() == content
    await feed.changed.until(
        lambda: as_objects(feed.runners[stack.runner_id].get(many)) == [entry], f"the {noun} in the feed", 10
    )
    assert await good(stack, "GET", f"{many}/{name}") == {"name": name, "content": content}
    await good(stack, "PUT", f"{many}/{name}", {"content": content + "more\n"})
    assert path.read_text() == content + "more\n"
    path.write_text(content.replace("description: ", "description: Now "))
    refreshed = await good(stack, "POST", f"{many}/refresh")
    [again] = as_objects(refreshed[many])
    assert again["description"] == f"Now {entry['description']}"
    assert (await good(stack, "GET", f"{many}?format=names"))[many] == [name]
    assert (await good(stack, "DELETE", f"{many}/{name}"))[many] == []
    assert not path.exists()
    assert (await ask(stack, "DELETE", f"{many}/{name}"))[0] == 404
    assert (await ask(stack, "GET", f"{many}/{name}"))[0] == 404
    assert (await ask(stack, "POST", many, {"name": "Not.Loose", "content": content}))[0] == 400


async def test_files_are_listed_browsed_searched_and_read(stack: Stack) -> None:
    work = stack.work
    (work / "src").mkdir()
    (work / "src" / "Button.tsx").write_text("héllo\n")
    (work / "all.bin").write_bytes(bytes(range(256)))
    (work / "long.txt").write_text("x" * 600_000)
    subprocess.run(["git", "init", "-q"], cwd=work, check=True)
    listed = {
        entry["name"]: entry for entry in as_objects((await good(stack, "POST", "files", {"path": str(work)}))["files"])
    }
    assert {name: entry["type"] for name, entry in listed.items()} == {
        "src": "directory",
        "all.bin": "file",
        "long.txt": "file",
    }
    assert listed["all.bin"]["size"] == 256
    browsed = await good(stack, "GET", f"browse?path={quote(str(work))}")
    assert browsed == {"directories": [{"name": "src", "path": str(work / "src")}]}
    found = await good(stack, "POST", "search-files", {"cwd": str(work), "query": "button"})
    assert found["paths"] == ["src/Button.tsx"]
    assert [entry["path"] for entry in as_objects(found["files"])] == [str(work / "src" / "Button.tsx")]
    text = await good(stack, "POST", "read-file", {"path": str(work / "src" / "Button.tsx")})
    assert text == {"ok": True, "content": "héllo\n", "size": 7, "truncated": False}
    raw = await good(stack, "POST", "read-file", {"path": str(work / "all.bin"), "encoding": "base64"})
    assert base64.b64decode(str(raw["content"])) == bytes(range(256))
    cut = await good(stack, "POST", "read-file", {"path": str(work / "long.txt")})
    assert (cut["truncated"], cut["size"], len(str(cut["content"]))) == (True, 600_000, 524_288)
    refused = await good(stack, "POST", "read-file", {"path": str(work / "long.txt"), "rejectTruncated": True})
    assert refused == {"ok": True, "size": 600_000, "truncated": True}
    status, missing = await ask(stack, "POST", "read-file", {"path": str(work / "no")})
    assert (status, "ENOENT" in str(missing["error"])) == (500, True)


async def test_nothing_outside_the_roots_is_shown_by_relay_or_runner(bare_stack: Stack) -> None:
    stack = bare_stack
    secret = stack.folder / "secret.txt"
    secret.write_text("not for you")
    env = {
        **stack.client_env(stack.folder / "runner-home"),
        "PIZZAPI_RUNNER_NAME": "rooted",
        "PIZZAPI_WORKSPACE_ROOTS": str(stack.work),
    }
    stack.runner = Process([str(stack.binary), "runner"], env, stack.work, stack.folder / "runner.log")
    stack.runner.start()
    row = await stack.until_runner("rooted")
    stack.runner_id = str(row["runnerId"])
    assert row["roots"] == [str(stack.work)]
    for path in (str(secret), f"{stack.work}/../secret.txt", f"{stack.work}-not"):
        status, answer = await ask(stack, "POST", "read-file", {"path": path})
        assert (status, answer) == (400, {"error": f"Runner cannot access path: {path}"})
    # The relay cannot see a link; the runner can.
    (stack.work / "link.txt").symlink_to(secret)
    status, answer = await ask(stack, "POST", "read-file", {"path": str(stack.work / "link.txt")})
    assert (status, answer) == (500, {"error": "Path outside allowed roots"})
    assert (await ask(stack, "GET", f"plugins?cwd={quote(str(stack.folder))}"))[0] == 403
    assert (await ask(stack, "GET", "browse"))[0] == 400
    assert (await good(stack, "GET", f"plugins?cwd={quote(str(stack.work))}"))["plugins"] == []


async def test_plugins_of_a_directory_are_found_there(stack: Stack) -> None:
    plugin = stack.work / ".claude" / "plugins" / "hello"
    (plugin / ".claude-plugin").mkdir(parents=True)
    (plugin / ".claude-plugin" / "plugin.json").write_text(json.dumps({"name": "hello", "description": "Says it"}))
    (plugin / "commands").mkdir()
    (plugin / "commands" / "hi.md").write_text("---\ndescription: hi\n---\nSay hi")
    assert (await good(stack, "POST", "plugins/refresh")) == {"ok": True, "plugins": []}
    [found] = as_objects((await good(stack, "GET", f"plugins?cwd={quote(str(stack.work))}"))["plugins"])
    assert (found["name"], found["path"], found["rootPath"]) == ("hello", str(plugin), str(plugin))
    assert (await good(stack, "GET", "plugins")) == {"plugins": []}


async def test_the_sandbox_is_read_and_changed(stack: Stack) -> None:
    wanted = {
        "mode": "basic",
        "filesystem": {"denyRead": ["/etc/shadow"], "allowWrite": ["/tmp"], "denyWrite": []},
        "network": None,
    }
    saved = await good(stack, "PUT", "sandbox-config", wanted)
    assert saved["saved"] is True
    status = await good(stack, "GET", "sandbox-status")
    assert status["rawConfig"] == wanted
    lists = as_object(status["filesystem"])
    resolved = as_object(as_object(as_object(status["config"])["srtConfig"])["filesystem"])
    assert lists == {key: resolved[key] for key in ("denyRead", "allowWrite", "denyWrite")}
    denied = lists["denyRead"]
    assert isinstance(denied, list)
    assert "/etc/shadow" in denied
    assert set(as_object(status["network"])) == {"allowedDomains", "deniedDomains"}
    assert json.loads((home(stack) / "config.json").read_text())["sandbox"] == wanted
    assert (await ask(stack, "PUT", "sandbox-config", {"mode": "odd"}))[0] == 400


async def test_settings_are_written_and_come_back_masked(stack: Stack) -> None:
    await good(stack, "PUT", "settings", {"section": "agentsMd", "value": "# Rules"})
    assert (home(stack) / "AGENTS.md").read_text() == "# Rules"
    server = {"tools": {"command": "tools", "env": {"API_TOKEN": "sk-secret"}}}
    saved = await good(stack, "PUT", "settings", {"section": "mcpServers", "value": server})
    assert saved["saved"] is True
    assert json.loads((home(stack) / "config.json").read_text())["mcpServers"] == server
    read = await good(stack, "GET", "settings")
    assert read["agentsMd"] == "# Rules"
    assert "tools" in as_object(as_object(read["config"])["mcpServers"])
    assert "sk-secret" not in json.dumps([read, saved])
    await good(stack, "PUT", "settings", {"section": "goal", "value": None})
    status, refused = await ask(stack, "PUT", "settings", {"section": "providerOverrides", "value": 5})
    assert (status, "Invalid provider overrides" in str(refused["error"])) == (502, True)
    assert "sk-secret" not in stack.relay.process.output()


async def test_a_provider_is_signed_in_at_with_a_key_that_shows_up_nowhere(stack: Stack) -> None:
    providers = {entry["id"]: entry for entry in as_objects((await good(stack, "GET", "providers"))["providers"])}
    assert providers["anthropic"]["configured"] is False
    begun = await good(stack, "POST", "providers/login", {"providerId": "anthropic", "authType": "api_key"})
    step = as_object(begun["step"])
    assert step["state"] == "prompt"
    status = await good(stack, "GET", f"providers/login/status?loginId={step['loginId']}")
    # The prompt was handed out already; what is left to be told is that the sign-in waits.
    assert as_object(status["step"])["state"] == "waiting"
    secret = "sk-ant-of-the-test"
    done = await good(stack, "POST", "providers/login/submit", {"loginId": step["loginId"], "value": secret})
    assert as_object(done["step"])["state"] == "done"
    providers = {entry["id"]: entry for entry in as_objects((await good(stack, "GET", "providers"))["providers"])}
    assert providers["anthropic"]["configured"] is True
    assert secret not in stack.relay.process.output()
    assert secret not in json.dumps(done)
    again = await good(stack, "POST", "providers/login", {"providerId": "openai", "authType": "api_key"})
    login_id = as_object(again["step"])["loginId"]
    await good(stack, "POST", "providers/login/cancel", {"loginId": login_id})
    ended = await good(stack, "GET", f"providers/login/status?loginId={login_id}")
    assert as_object(ended["step"]) == {"state": "error", "message": "Cancelled"}
    status_of_none, _ = await ask(stack, "GET", "providers/login/status?loginId=none")
    assert status_of_none == 502
    assert (await ask(stack, "POST", "providers/login", {"providerId": "nobody"}))[0] == 502


async def test_a_package_is_installed_listed_and_removed(stack: Stack) -> None:
    package = stack.folder / "hello-package"
    (package / "skills" / "hello").mkdir(parents=True)
    (package / "package.json").write_text(
        json.dumps({"name": "hello", "version": "1.0.0", "pi": {"skills": ["./skills"]}})
    )
    (package / "skills" / "hello" / "SKILL.md").write_text("---\nname: hello\ndescription: Hi\n---\nSay hi")
    assert (await good(stack, "GET", "packages"))["packages"] == []
    await good(stack, "POST", "packages/install", {"source": str(package)})
    [listed] = as_objects((await good(stack, "GET", "packages"))["packages"])
    assert listed["installedPath"] == str(package)
    assert (await good(stack, "POST", "packages/update", {}))["ok"] is True
    await good(stack, "POST", "packages/remove", {"source": str(package)})
    assert (await good(stack, "GET", "packages"))["packages"] == []
    status, refused = await ask(stack, "POST", "packages/remove", {"source": str(package)})
    assert (status, refused["ok"], "not found" in str(refused["error"])) == (502, False, True)
    status, refused = await ask(stack, "POST", "packages/install", {"source": str(stack.folder / "nowhere")})
    assert (status, refused["ok"]) == (502, False)


async def test_a_service_is_switched_off_and_on(stack: Stack) -> None:
    async def until_disabled(expected: list[str]) -> None:
        async with asyncio.timeout(15):
            while (await good(stack, "GET", "services"))["disabledServiceIds"] != expected:
                await asyncio.sleep(0.1)

    feed = await stack.runners_feed()
    await feed.changed.until(lambda: "git" in str(feed.runners[stack.runner_id].get("serviceIds")), "its services", 15)
    switched = await good(stack, "PUT", "services/git/enabled", {"enabled": False})
    assert switched == {"ok": True, "serviceId": "git", "enabled": False, "disabledServiceIds": ["git"]}
    await until_disabled(["git"])
    assert "git" in str((await good(stack, "GET", "services"))["serviceIds"])
    await good(stack, "PUT", "services/git/enabled", {"enabled": True})
    await until_disabled([])
    assert (await ask(stack, "PUT", "services/no/enabled", {"enabled": True}))[0] == 404


async def usage(stack: Stack, wanted: str) -> JsonObject:
    """Read the usage of a range; the runner scans its transcripts once before it knows any."""
    async with asyncio.timeout(20):
        while True:
            status, answer = await ask(stack, "GET", f"usage?range={wanted}")
            if status == 200:
                return answer
            assert "not available yet" in str(answer), answer
            await asyncio.sleep(0.2)


async def test_usage_and_analysis_know_the_session_that_ran(stack: Stack) -> None:
    session_id = await stack.spawn()
    viewer = await stack.viewer(session_id)
    assert await viewer.tell("hello")
    await viewer.until_said("You said: hello")
    await viewer.until_idle()
    analysis = await good(stack, "GET", f"analysis/{session_id}")
    assert as_object(analysis["activeModel"])["id"] == MODEL["id"]
    assert (await ask(stack, "GET", "analysis/no-such-session"))[0] == 404
    for wanted in ("7d", "30d", "90d", "all"):
        figures = await usage(stack, wanted)
        summary = as_object(figures["summary"])
        assert figures["totalInputTokens"] == summary["totalInputTokens"]
        assert figures["totalCostUsd"] == summary["totalCost"]
        assert isinstance(figures["daily"], list)
    assert (await ask(stack, "GET", "usage?range=1d"))[0] == 400


def results(viewer: Viewer, prefix: str) -> list[Mapping[str, object]]:
    """Answer the results of commands whose id begins so."""
    return [each for each in viewer.events("exec_result") if str(each.get("id")).startswith(prefix)]


async def test_a_live_session_is_steered_with_the_key(stack: Stack) -> None:
    held = asyncio.Event()
    stack.provider.plan("^be slow", Say("one two three", gate=held, before=1))
    session_id = await stack.spawn()
    path = f"/api/sessions/{session_id}/"
    viewer = await stack.viewer(session_id)
    await viewer.begin("be slow")
    await viewer.until_said("one")
    assert await stack.post(path + "abort", {}) == {"ok": True}
    await viewer.until(lambda: results(viewer, "abort_") != [], "the result of the abort")
    await viewer.until_idle()
    assert viewer.transcript.messages()[-1].get("stopReason") == "aborted"
    held.set()
    assert await stack.post(path + "thinking", {"level": "low"}) == {"ok": True, "level": "low"}
    await viewer.until(lambda: results(viewer, "think_") != [], "the result of the thinking level")
    assert results(viewer, "think_")[0]["ok"] is True
    model = {"provider": MODEL["provider"], "modelId": MODEL["id"]}
    assert await stack.post(path + "model", model) == {"ok": True, **model}

    def switched() -> bool:
        events = [as_object(payload.get("event")) for payload in viewer.events("event")]
        return any(event.get("type") == "model_set_result" and event.get("ok") is True for event in events)

    await viewer.until(switched, "the model to be set")


async def test_the_model_for_subagents_reaches_running_and_new_agents(stack: Stack) -> None:
    # The client hands its choice on to everything that it starts.
    stack.provider.plan("^which", bash('echo "chosen: ${PIZZAPI_SUBAGENT_MODEL:-none}"'), Say("told"))
    first = await stack.viewer(await stack.spawn())
    assert await stack.request("PUT", "/api/settings/subagent-model", {"model": "standin/parrot-2"}) == (
        200,
        {"ok": True, "model": "standin/parrot-2"},
    )
    second = await stack.viewer(await stack.spawn())
    for viewer in (first, second):
        assert await viewer.tell("which model")
        await viewer.until_said("told")
    assert stack.provider.count("chosen: standin/parrot-2") == 2
    assert (await stack.request("PUT", "/api/settings/subagent-model", {"model": None}))[0] == 200
    assert await second.tell("which now")
    await second.until_idle(runs=2)
    assert stack.provider.count("chosen: none") == 1


async def test_reloads_reach_the_sessions_of_the_runner(stack: Stack) -> None:
    session_id = await stack.spawn()
    await good(stack, "POST", "skills", {"name": "deploy", "content": SKILL})
    reloaded = await good(stack, "POST", "skills/reload")
    assert (reloaded["reloaded"], reloaded["sessionIds"], reloaded["skillNames"]) == (1, [session_id], ["deploy"])
    runner = stack.runner
    assert runner is not None
    await poll(lambda: "skills reloaded" in runner.output(), "the agent to reload its skills", 20)
    await stack.until_live(session_id)
    viewer = await stack.viewer(session_id)
    mcp = await good(stack, "POST", "mcp/reload")
    assert (mcp["reloaded"], mcp["sessionIds"]) == (1, [session_id])
    await viewer.until(lambda: bool(viewer.events("exec_result")), "the result of the MCP reload")


async def test_a_runner_that_is_gone_is_listed_as_away_and_forgotten(stack: Stack) -> None:
    path = f"/api/runners/{stack.runner_id}"
    assert (await stack.request("DELETE", path))[0] == 409
    runner = stack.runner
    assert runner is not None
    assert await stack.post("/api/runners/stop", {"runnerId": stack.runner_id}) == {"ok": True}
    await runner.ended(20)
    try:
        async with asyncio.timeout(10):
            while await stack.runners():
                await asyncio.sleep(0.05)
    except TimeoutError as late:
        raise NotReached("the runner to be gone") from late
    [away] = as_objects((await stack.request("GET", "/api/runners?all=1"))[1])
    assert (away["id"], away["connected"], away["name"], away["version"]) == (
        stack.runner_id,
        False,
        "e2e-runner",
        "0.52.0",
    )
    assert await stack.request("DELETE", path) == (200, {"ok": True, "runnerId": stack.runner_id})
    assert (await stack.request("GET", "/api/runners?all=1")) == (200, [])
    # The machine is as new: it registers again under the id that it kept.
    assert await stack.start_runner() == away["id"]
