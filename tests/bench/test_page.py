"""Prove that the work of frames is read from a trace as it was spent."""

from __future__ import annotations

from tests.bench.page import frames


def event(name: str, ts: float, tid: int = 1, **more: object) -> dict[str, object]:
    return {"name": name, "pid": 7, "tid": tid, "ts": ts, **more}


def task(ts: float, own: float, tid: int = 1) -> dict[str, object]:
    return event("RunTask", ts, tid, ph="X", dur=own * 3, tdur=own)


def test_each_frame_counts_what_ran_from_its_callbacks_to_the_next() -> None:
    found = frames(
        [
            event("thread_name", 0, args={"name": "CrRendererMain"}),
            event("thread_name", 0, tid=2, args={"name": "Compositor"}),
            task(1_000, 9_000),
            # The task of the callbacks begins just before them; two callbacks are one frame.
            task(99_800, 4_000),
            event("FireAnimationFrame", 100_000),
            event("FireAnimationFrame", 100_900),
            task(105_000, 2_000),
            task(106_000, 50_000, tid=2),
            task(116_300, 1_500),
            event("FireAnimationFrame", 116_600),
            event("FireAnimationFrame", 133_000),
            task(140_000, 7_000),
        ]
    )
    assert found == [6.0, 1.5]


def test_a_trace_without_frames_has_no_work() -> None:
    assert frames([event("thread_name", 0, args={"name": "CrRendererMain"}), task(10, 5)]) == []
