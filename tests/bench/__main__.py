"""Choose the load: `python -m tests.bench fanout|paced|rest|echo|upload|broadcast|crowd|webhook|tunnel|...`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final

from tests.bench import broadcast, crowd, echo, fanout, page, rest, rewrite, start, target, tunnel, upload, webhook
from tests.bench.report import Report

#: The rows of the table that the relay is measured by.
_ROWS: Final = (("flat", 1024), ("growing", 16 * 1024), ("flat", 100 * 1024))

Load = Callable[[target.Target], Coroutine[object, object, list[Report]]]


def parser() -> argparse.ArgumentParser:
    """Answer the parser of the command line."""
    top = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON object per row")
    common.add_argument("--url", help="measure a server that is running already, such as PizzaPi's own")
    common.add_argument("--pid", type=int, action="append", default=[], help="its process; repeat for its database")
    common.add_argument("--key", help="an API key of it; otherwise the bench registers an account")
    commands = top.add_subparsers(dest="command", required=True)

    flood = commands.add_parser("fanout", parents=[common], help="one agent in a flood, many viewers")
    flood.add_argument("--viewers", type=int, default=10)
    flood.add_argument("--kind", choices=("flat", "growing"), help="measure this row only")
    flood.add_argument("--size", type=int, default=1024, help="bytes of an event; with --kind")
    flood.add_argument("--seconds", type=float, default=5.0)

    pace = commands.add_parser("paced", parents=[common], help="latency at a steady rate")
    pace.add_argument("--sessions", type=int, default=10)
    pace.add_argument("--viewers", type=int, default=3)
    pace.add_argument("--rate", type=float, default=20.0, help="events per second of each session")
    pace.add_argument("--seconds", type=float, default=15.0)

    reads = commands.add_parser("rest", parents=[common], help="reads of the runner and session lists")
    reads.add_argument("--connections", type=int, default=16)
    reads.add_argument("--seconds", type=float, default=5.0)
    reads.add_argument("--stored", type=int, default=1000)

    keys = commands.add_parser("echo", parents=[common], help="keystrokes in terminals until their echo is back")
    keys.add_argument("--terminals", type=int, default=4)
    keys.add_argument("--rate", type=float, default=10.0, help="keystrokes per second in each terminal")
    keys.add_argument("--seconds", type=float, default=10.0)

    files = commands.add_parser("upload", parents=[common], help="large files sent to a session")
    files.add_argument("--megabytes", type=int, default=100)
    files.add_argument("--files", type=int, default=5)

    told = commands.add_parser("broadcast", parents=[common], help="a trigger to many subscribed sessions")
    told.add_argument("--sessions", type=int, default=1000)
    told.add_argument("--rounds", type=int, default=10)
    told.add_argument("--size", type=int, default=1024, help="bytes of the payload")
    told.add_argument("--seconds", type=float, default=3.0, help="of reading histories")

    many = commands.add_parser("crowd", parents=[common], help="many idle connections")
    many.add_argument("--runners", type=int, default=200)
    many.add_argument("--sessions", type=int, default=500)
    many.add_argument("--viewers", type=int, default=1000)
    many.add_argument("--tunnels", type=int, default=200)
    many.add_argument("--hubs", type=int, default=10)
    many.add_argument("--seconds", type=float, default=30.0)

    fires = commands.add_parser("webhook", parents=[common], help="webhooks that the filter drops")
    fires.add_argument("--connections", type=int, default=16)
    fires.add_argument("--seconds", type=float, default=5.0)

    ports = commands.add_parser("tunnel", parents=[common], help="requests to services behind a runner")
    ports.add_argument("--megabytes", type=int, default=256)
    ports.add_argument("--seconds", type=float, default=5.0, help="of small answers")
    ports.add_argument("--slow-rate", type=int, default=20_000_000, help="bytes per second of the slow reader")

    view = commands.add_parser("page", parents=[common], help="the web UI in Chromium while an answer streams")
    view.add_argument("--rate", type=float, default=100.0, help="updates per second")
    view.add_argument("--seconds", type=float, default=10.0)
    view.add_argument("--opens", type=int, default=10, help="times that a session of 5,000 messages is opened")

    pages = commands.add_parser("rewrite", help="the rewriter of tunnelled pages, without a relay")
    pages.add_argument("--json", action="store_true", help="print one JSON object per row")
    pages.add_argument("--megabytes", type=int, default=16)
    pages.add_argument("files", nargs="*", type=Path, help="measure these instead")

    ports.add_argument("--streams", type=int, default=1000, help="event streams at a time, at most 1,024")

    begin = commands.add_parser("start", help="start to /health, memory with nobody connected")
    begin.add_argument("--json", action="store_true", help="print one JSON object per row")
    begin.add_argument("--runs", type=int, default=5)
    return top


def load_of(options: argparse.Namespace) -> Load:
    """Answer the load that the options describe."""

    async def flooded(server: target.Target) -> list[Report]:
        rows = ((options.kind, options.size),) if options.kind else _ROWS
        plans = [fanout.Flood(kind, size, options.viewers, options.seconds) for kind, size in rows]
        return [await fanout.flood(server, plan) for plan in plans]

    async def paced(server: target.Target) -> list[Report]:
        return [
            await fanout.paced(server, fanout.Pace(options.sessions, options.viewers, options.rate, options.seconds))
        ]

    async def read(server: target.Target) -> list[Report]:
        return await rest.rest(server, rest.Reads(options.connections, options.seconds, options.stored))

    async def echoed(server: target.Target) -> list[Report]:
        return [await echo.echo(server, echo.Typing(options.terminals, options.rate, options.seconds))]

    async def uploaded(server: target.Target) -> list[Report]:
        return [await upload.upload(server, upload.Uploads(options.megabytes * 10**6, options.files))]

    async def told(server: target.Target) -> list[Report]:
        plan = broadcast.Plan(options.sessions, options.rounds, options.size, options.seconds)
        return await broadcast.broadcast(server, plan)

    async def crowded(server: target.Target) -> list[Report]:
        plan = crowd.Crowd(
            options.runners, options.sessions, options.viewers, options.tunnels, options.hubs, options.seconds
        )
        return [await crowd.crowd(server, plan)]

    async def fired(server: target.Target) -> list[Report]:
        return await webhook.webhook(server, webhook.Fires(options.connections, options.seconds))

    async def tunnelled(server: target.Target) -> list[Report]:
        plan = tunnel.Plan(options.megabytes, options.seconds, options.slow_rate, options.streams)
        return await tunnel.tunnel(server, plan)

    async def viewed(server: target.Target) -> list[Report]:
        return await page.page(server, page.Plan(options.seconds, options.rate, options.opens))

    loads: dict[str, Load] = {
        "page": viewed,
        "fanout": flooded,
        "paced": paced,
        "rest": read,
        "echo": echoed,
        "upload": uploaded,
        "broadcast": told,
        "crowd": crowded,
        "webhook": fired,
        "tunnel": tunnelled,
    }
    return loads[options.command]


def run(arguments: list[str]) -> list[Report]:
    """Run one command and answer its rows."""
    options = parser().parse_args(arguments)
    if options.command == "start":
        reports = [start.start(options.runs)]
    elif options.command == "rewrite":
        documents = [rewrite.sample_of(path) for path in options.files]
        reports = rewrite.rewrite(documents or rewrite.samples(options.megabytes))
    else:
        server = target.attached(options.url, options.pid, options.key) if options.url else target.own_relay()
        with server as under_load:
            reports = _in_loop(load_of(options), under_load)
        if not options.url:
            raised = ", ".join(f"{name}={value}" for name, value in target.RAISED_LIMITS.items())
            reports[-1].notes.append(f"all load comes from one address and is large, so the relay ran with {raised}")
    for report in reports:
        report.show(as_json=options.json)
    return reports


def _in_loop(load: Load, server: target.Target) -> list[Report]:
    """Run a load on the quickest event loop there is."""
    with contextlib.suppress(ImportError):
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(load(server))
    return asyncio.run(load(server))


def main() -> None:
    """Exit with 1 when anything was lost, out of order or refused."""
    sys.exit(1 if any(report.wrong for report in run(sys.argv[1:])) else 0)


if __name__ == "__main__":
    main()
