"""Show large snapshots to viewers that read slower than agents write (realtime.md, Speed and memory)."""

from __future__ import annotations

from tests.viewers.house import Agent, House, Person, contents, events, kind
from tests.viewers.wire import Joined, Json

#: More than the sockets' buffers and the backlog take together.
ROUNDS = 20


class TestSlowSnapshots:
    """A viewer that cannot take every whole snapshot gets tails, is not cut, and misses nothing."""

    @staticmethod
    def messages(total: int) -> list[dict[str, object]]:
        """Make a transcript whose last 50 messages are small, so that tails need next to no room."""
        pads = ["x" * 2_000 if number < total - 50 else "" for number in range(total)]
        return [{"role": "user", "content": f"m{number}", "pad": pad} for number, pad in enumerate(pads)]

    async def watched(self, house: House, ann: Person, agent: Agent) -> Joined:
        await agent.active(1)
        viewer = await house.viewer(ann)
        await viewer.emit("switch_session", {"sessionId": "s1", "generation": 4})
        await viewer.take("event")
        viewer.wire.reading.clear()
        return viewer

    @staticmethod
    def numbered(viewer: Joined) -> list[Json]:
        return [body for body in events(viewer) if "seq" in body]

    async def test_whole_snapshots_that_do_not_fit_are_sent_as_tails(self, house: House, ann: Person) -> None:
        agent = await house.agent(ann)
        slow = await self.watched(house, ann, agent)
        for index in range(ROUNDS):
            await agent.send({"type": "session_active", "state": {"n": index, "messages": self.messages(1500)}})
            await agent.send({"type": "turn_end", "n": index})
        slow.wire.reading.set()
        await slow.take(
            "event", lambda body: kind(body) == "turn_end" and body["event"] == {"type": "turn_end", "n": ROUNDS - 1}
        )
        assert not slow.wire.closed.is_set()
        got = self.numbered(slow)
        assert [body["seq"] for body in got] == list(range(2, 2 + 2 * ROUNDS))
        assert [kind(body) for body in got] == ["session_active", "turn_end"] * ROUNDS
        shown = got[::2]
        lengths = [len(contents(body)) for body in shown]
        assert set(lengths) == {1500, 50}
        for body, length in zip(shown, lengths, strict=True):
            assert contents(body)[-1] == "m1499"
            direct = {"deltaReplay": True, "generation": 4} if length == 50 else {}
            assert {key: body[key] for key in ("deltaReplay", "generation") if key in body} == direct

    async def test_a_stream_that_does_not_fit_is_left_out_and_ends_as_a_tail(self, house: House, ann: Person) -> None:
        agent = await house.agent(ann)
        slow = await self.watched(house, ann, agent)
        messages = self.messages(3000)
        for index in range(ROUNDS):
            stream = {"snapshotId": f"c{index}", "totalChunks": 2}
            await agent.send({"type": "session_active", "state": {"chunked": True, **stream}})
            for part in range(2):
                half = messages[part * 1500 : part * 1500 + 1500]
                body = {"type": "session_messages_chunk", **stream, "chunkIndex": part, "final": part == 1}
                await agent.send({**body, "messages": half})
        slow.wire.reading.set()
        await slow.take("event", lambda body: body.get("seq") == 1 + ROUNDS)
        assert not slow.wire.closed.is_set()
        got = self.numbered(slow)
        assert [body["seq"] for body in got] == list(range(2, 2 + ROUNDS))
        tails = [body for body in got if kind(body) == "session_active"]
        assert tails
        assert all(contents(body) == [f"m{n}" for n in range(2950, 3000)] for body in tails)
        headers = [body for body in events(slow) if kind(body) == "session_active" and "seq" not in body][1:]
        parts = [body for body in events(slow) if kind(body) == "session_messages_chunk"]
        assert len(parts) == 2 * len(headers) == 2 * (ROUNDS - len(tails))
