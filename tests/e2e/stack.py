"""Stand up everything a user has, for one test: relay, provider stand-in, published runner, browsers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

import aiohttp

from tests.e2e.feeds import Hub, RunnersFeed
from tests.e2e.peer import Credentials
from tests.e2e.processes import MARK, Process, kill_marked
from tests.e2e.provider import MODEL, Provider
from tests.e2e.relay_process import RelayProcess
from tests.e2e.transcript import JsonObject, as_object, as_objects
from tests.e2e.viewer import Viewer
from tests.e2e.waiting import NotReached

EMAIL: Final = "owner@example.com"
PASSWORD: Final = "Owner-Passw0rd"
_POLL: Final = 0.1


class Stack:
    """Hold one relay with its account, runner and viewers; nothing of it survives the block.

    `folder` is empty and the test's own, `binary` the published client, `settings` the environment of the relay. The
    owner's account is made through the register call, unless `account` is False.
    """

    def __init__(
        self, folder: Path, binary: Path, settings: dict[str, str] | None = None, *, account: bool = True
    ) -> None:
        self.id = uuid.uuid4().hex
        self.folder = folder
        self.binary = binary
        self.relay = RelayProcess(folder, self.id, settings)
        self.provider = Provider()
        self.work = folder / "work"
        self.key = ""
        #: Where published clients look for the relay when something stands between; else its own address.
        self.clients_url: str | None = None
        self.runner: Process | None = None
        self.runner_id = ""
        self._account = account
        self._open = AsyncExitStack()
        self._http: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Answer the relay's address."""
        return self.relay.url

    async def __aenter__(self) -> Self:
        await self._open.__aenter__()
        try:
            self._open.push_async_callback(self._end_processes)
            self.work.mkdir()
            await self._open.enter_async_context(self.provider)
            timeout = aiohttp.ClientTimeout(total=20)
            self._http = await self._open.enter_async_context(aiohttp.ClientSession(self.url, timeout=timeout))
            await self.relay.start()
            if self._account:
                self.key = await self.register()
        except BaseException:
            await self._open.aclose()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._open.aclose()

    async def _end_processes(self) -> None:
        """Kill everything that carries the stack's mark and take leave of our own children."""
        await kill_marked(self.id)
        for process in (self.relay.process, self.runner):
            if process is not None and process.started:
                await process.stop()

    # HTTP

    async def register(self, email: str = EMAIL, password: str = PASSWORD) -> str:
        """Make an account, or prove that it is ours, as `pizza setup` does; answer its new key."""
        owner = {"name": "Owner", "email": email, "password": password}
        return str((await self.post("/api/register", owner, authorised=False))["key"])

    async def request(
        self, method: str, path: str, body: object = None, *, authorised: bool = True
    ) -> tuple[int, object]:
        """Answer status and parsed JSON body of one request, made with the owner's key unless told otherwise."""
        assert self._http is not None
        headers = {"x-api-key": self.key} if authorised else {}
        async with self._http.request(method, path, json=body, headers=headers) as answer:
            text = await answer.text()
            try:
                return answer.status, json.loads(text)
            except ValueError:
                return answer.status, text

    async def get(self, path: str) -> JsonObject:
        """Answer the JSON object behind a path; anything but 200 fails the test."""
        return self._ok(path, *await self.request("GET", path))

    async def post(self, path: str, body: Mapping[str, object], *, authorised: bool = True) -> JsonObject:
        """Post a JSON object; anything but 200 fails the test."""
        return self._ok(path, *await self.request("POST", path, body, authorised=authorised))

    @staticmethod
    def _ok(path: str, status: int, body: object) -> JsonObject:
        assert status == 200, f"{path}: {status} {body}"
        return as_object(body)

    # The runner and its sessions

    def client_env(self, home: Path) -> dict[str, str]:
        """Answer the whole environment of a published client with a home directory of its own."""
        settings = home / ".pizzapi"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "models.json").write_text(json.dumps(self.provider.models_json()))
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TERM": "xterm-256color",
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "PIZZAPI_RELAY_URL": (self.clients_url or self.url).replace("http:", "ws:"),
            "PIZZAPI_API_KEY": self.key,
            MARK: self.id,
        }

    async def start_runner(self, name: str = "e2e-runner") -> str:
        """Start the published runner daemon, wait until the relay lists it, answer its id."""
        env = {**self.client_env(self.folder / "runner-home"), "PIZZAPI_RUNNER_NAME": name}
        self.runner = Process([str(self.binary), "runner"], env, self.work, self.folder / "runner.log")
        self.runner.start()
        self.runner_id = str((await self.until_runner(name))["runnerId"])
        return self.runner_id

    async def runners(self) -> list[JsonObject]:
        """Answer the connected runners."""
        return as_objects((await self.get("/api/runners?format=object")).get("runners"))

    async def until_runner(self, name: str = "e2e-runner", timeout: float = 30.0) -> JsonObject:
        """Wait until a runner of that name is connected and answer its row."""
        async with _within(f"runner {name}", timeout):
            while True:
                for row in await self.runners():
                    if row.get("name") == name:
                        return row
                await asyncio.sleep(_POLL)

    async def spawn(self, prompt: str | None = None, **more: object) -> str:
        """Spawn a session on the runner and wait until its worker has registered; answer its id."""
        body: dict[str, object] = {"runnerId": self.runner_id, "cwd": str(self.work), "model": MODEL, **more}
        if prompt is not None:
            body["prompt"] = prompt
        answer = await self.post("/api/runners/spawn", body)
        assert answer.get("ok") is True, answer
        session_id = str(answer["sessionId"])
        await self.until_live(session_id)
        return session_id

    async def live_sessions(self) -> dict[str, JsonObject]:
        """Answer the live sessions by id."""
        rows = as_objects((await self.get("/api/sessions?includePersisted=0")).get("sessions"))
        return {str(row["sessionId"]): row for row in rows}

    async def history(self) -> dict[str, JsonObject]:
        """Answer the first page of stored sessions by id."""
        rows = as_objects((await self.get("/api/sessions?limit=100")).get("persistedSessions"))
        return {str(row["sessionId"]): row for row in rows}

    async def until_live(self, session_id: str, timeout: float = 30.0) -> JsonObject:
        """Wait until a session has an agent that has sent a heartbeat; answer its row."""
        async with _within(f"session {session_id} live", timeout):
            while True:
                row = (await self.live_sessions()).get(session_id)
                if row is not None and row.get("lastHeartbeatAt"):
                    return row
                await asyncio.sleep(_POLL)

    def worker_pid(self, session_id: str) -> int:
        """Answer the process id of a session's worker, the newest when it was restarted."""
        assert self.runner is not None
        pids = re.findall(rf"session {re.escape(session_id)} worker spawned \(pid=(\d+)\)", self.runner.output())
        assert pids, f"no worker of {session_id} in the runner's output"
        return int(pids[-1])

    @contextlib.contextmanager
    def frozen(self, session_id: str) -> Iterator[None]:
        """Stop a session's worker with SIGSTOP for the length of the block."""
        pid = self.worker_pid(session_id)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    # Browsers

    @property
    def credentials(self) -> Credentials:
        """Answer the owner's key as credentials."""
        return Credentials(key=self.key)

    async def viewer(self, session_id: str | None = None, transports: tuple[str, ...] | None = None) -> Viewer:
        """Open a viewer, on a session if one is given."""
        made = Viewer(self.url, self.credentials)
        made.transports = transports or made.transports
        viewer = await self._open.enter_async_context(made)
        if session_id is not None:
            await viewer.watch(session_id)
        return viewer

    async def hub(self) -> Hub:
        """Open a hub client and wait for its first list."""
        hub = await self._open.enter_async_context(Hub(self.url, self.credentials))
        await hub.until_event("sessions")
        return hub

    async def runners_feed(self) -> RunnersFeed:
        """Open a runner list client and wait for its first list."""
        feed = await self._open.enter_async_context(RunnersFeed(self.url, self.credentials))
        await feed.until_event("runners")
        return feed

    # Reports

    def report(self) -> list[tuple[str, str]]:
        """Answer headings and the end of what relay, runner and agents wrote, for a failed test."""
        sections = [("relay output", self.relay.process.tail())]
        if self.runner is not None:
            sections.append(("runner output", self.runner.tail()))
        lines = [f"{asked.role}: {asked.text[:200]!r} -> {asked.step!r}" for asked in self.provider.asked]
        return [*sections, ("asked of the provider", "\n".join(line[:500] for line in lines))]


@contextlib.asynccontextmanager
async def _within(what: str, timeout: float) -> AsyncIterator[None]:
    """Turn the end of the time into NotReached."""
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError as exc:
        raise NotReached(f"{what}: not within {timeout:g} s") from exc
