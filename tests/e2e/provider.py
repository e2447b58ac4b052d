"""Stand in for a language-model provider on loopback: a test decides what the agent hears, word by word.

Speaks the streamed form of the chat-completions format, which is what the published client asks a provider of
api `openai-completions` for. A plan is a pattern and a list of steps. The newest user message picks the first plan
whose pattern occurs in it; the number of assistant messages since then picks the step, so that tool results and
restarts of the agent leave the order alone. Without a plan the agent hears its own words.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from aiohttp import web

from tests.e2e.waiting import Signal

MODEL: Final = {"provider": "standin", "id": "parrot-1"}

#: System prompt, tools and a long transcript of the agent come in one body.
_MAX_BODY: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Conversation:
    """Hold the messages that the agent sent, oldest first."""

    messages: tuple[Mapping[str, object], ...]

    def last_user(self) -> tuple[int, str]:
        """Answer the index and text of the newest user message that has words in it, or (-1, "")."""
        for index in range(len(self.messages) - 1, -1, -1):
            message = self.messages[index]
            text = _words_in(message.get("content"))
            if message.get("role") == "user" and text.strip():
                return index, text
        return -1, ""

    def answers_since(self, index: int) -> int:
        """Count the assistant messages behind position `index`."""
        return sum(message.get("role") == "assistant" for message in self.messages[index + 1 :])

    def find(self, pattern: str) -> str:
        """Answer the newest match of the pattern's first group outside the system prompt; raises LookupError."""
        talk = "\n".join(
            _words_in(message.get("content"))
            for message in self.messages
            if message.get("role") not in ("system", "developer")
        )
        found: list[str] = re.findall(pattern, talk)
        if not found:
            raise LookupError(f"nothing in the conversation matches {pattern!r}")
        return found[-1]

    def newest(self) -> tuple[str, str]:
        """Answer role and text of the last message."""
        last = self.messages[-1] if self.messages else {}
        return str(last.get("role", "")), _words_in(last.get("content"))


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with text, one chunk per word, `pace` seconds apart; with `gate`, wait for it after `before` words."""

    text: str
    pace: float = 0.0
    gate: asyncio.Event | None = None
    before: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """Call a tool. The arguments may depend on the conversation."""

    tool: str
    arguments: Mapping[str, object] | Callable[[Conversation], Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an HTTP error."""

    status: int
    message: str


Step = Say | Call | Refuse


@dataclass(frozen=True, slots=True)
class Asked:
    """Remember one request: role and text of its last message, and the step that answered it."""

    role: str
    text: str
    step: Step


def ask_user(question: str, *options: str) -> Call:
    """Answer the step in which the agent asks a person one question."""
    return Call("AskUserQuestion", {"questions": [{"question": question, "options": list(options)}]})


def bash(command: str) -> Call:
    """Answer the step in which the agent runs a command."""
    return Call("bash", {"command": command, "title": "run"})


class Provider:
    """Serve the stand-in on a loopback port of its own, in the loop of the test."""

    def __init__(self) -> None:
        self.asked: deque[Asked] = deque(maxlen=500)
        self.tools: dict[str, object] = {}
        self.changed = Signal()
        self._plans: list[tuple[re.Pattern[str], tuple[Step, ...]]] = []
        self._runner: web.AppRunner | None = None
        self._count = 0
        self.port = 0

    def plan(self, pattern: str, *steps: Step) -> None:
        """Answer user messages in which the pattern occurs with these steps, then with "That is all."."""
        self._plans.append((re.compile(pattern, re.DOTALL), steps))

    def heard(self, pattern: str) -> bool:
        """Answer whether the agent was asked to react to a message in which the pattern occurs."""
        return self.count(pattern) > 0

    def count(self, pattern: str) -> int:
        """Answer how often an agent was asked to react to a message in which the pattern occurs."""
        return sum(re.search(pattern, asked.text, re.DOTALL) is not None for asked in self.asked)

    def models_json(self) -> dict[str, object]:
        """Answer the content of `~/.pizzapi/models.json` that makes an agent use this stand-in."""
        return {
            "providers": {
                MODEL["provider"]: {
                    "baseUrl": f"http://127.0.0.1:{self.port}/v1",
                    "api": "openai-completions",
                    "apiKey": "none",
                    "compat": {"supportsDeveloperRole": False, "supportsReasoningEffort": False},
                    "models": [{"id": MODEL["id"], "name": "Parrot", "contextWindow": 128000, "maxTokens": 8000}],
                }
            }
        }

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _step_for(self, talk: Conversation) -> Step:
        """Pick the step that answers this conversation."""
        index, text = talk.last_user()
        for pattern, steps in self._plans:
            if pattern.search(text):
                done = talk.answers_since(index)
                return steps[done] if done < len(steps) else Say("That is all.")
        return Say(f"You said: {text[:200]}")

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        talk = Conversation(tuple(body.get("messages", [])))
        for tool in body.get("tools") or []:
            function = tool.get("function", tool)
            self.tools[str(function.get("name"))] = function
        step = self._step_for(talk)
        role, text = talk.newest()
        self.asked.append(Asked(role, text, step))
        self.changed.notify()
        if isinstance(step, Refuse):
            error = {"type": "invalid_request_error", "message": step.message}
            return web.json_response({"error": error}, status=step.status)
        self._count += 1
        answer = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await answer.prepare(request)
        await self._stream(answer, step, talk, f"answer-{self._count}", str(body.get("model")))
        return answer

    async def _stream(
        self, answer: web.StreamResponse, step: Say | Call, talk: Conversation, name: str, model: str
    ) -> None:
        """Write the chunks of one answer, its usage and the end mark."""

        async def chunk(choices: list[dict[str, object]], **more: object) -> None:
            head = {"id": name, "object": "chat.completion.chunk", "created": 1, "model": model, "choices": choices}
            await answer.write(b"data: " + json.dumps({**head, **more}).encode() + b"\n\n")

        def choice(delta: Mapping[str, object], reason: str | None = None) -> list[dict[str, object]]:
            return [{"index": 0, "delta": delta, "finish_reason": reason}]

        await chunk(choice({"role": "assistant", "content": ""}))
        written = 0
        if isinstance(step, Call):
            arguments = step.arguments(talk) if callable(step.arguments) else step.arguments
            call = {"name": step.tool, "arguments": json.dumps(dict(arguments))}
            whole = {"index": 0, "id": f"call_{name}", "type": "function", "function": call}
            await chunk(choice({"tool_calls": [whole]}))
            await chunk(choice({}, "tool_calls"))
        else:
            for written, word in enumerate(_paced_words(step.text)):
                if step.gate is not None and written == step.before:
                    await step.gate.wait()
                await chunk(choice({"content": word}))
                if step.pace:
                    await asyncio.sleep(step.pace)
            await chunk(choice({}, "stop"))
        usage = {"prompt_tokens": 10, "completion_tokens": written + 1, "total_tokens": written + 11}
        await chunk([], usage=usage)
        await answer.write(b"data: [DONE]\n\n")
        await answer.write_eof()


def _paced_words(text: str) -> Iterator[str]:
    """Yield the words of a text with the blank that stands before each."""
    for position, word in enumerate(text.split(" ")):
        yield word if position == 0 else f" {word}"


def _words_in(content: object) -> str:
    """Answer all text in a message's content, tool results included."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return _words_in(content.get("text") or content.get("content"))
    if isinstance(content, Iterable):
        return "\n".join(_words_in(part) for part in content)
    return ""
