"""Serve a port through a relay in a process of its own: `SSL_CERT_FILE` is read once, at the start of a program."""

from __future__ import annotations

import asyncio
import sys

from relay.tunnel.client import TunnelClient


async def main() -> None:
    """Serve until the relay or the test ends."""
    url, runner_id, key, port = sys.argv[1:]
    client = TunnelClient(url, runner_id, key, {int(port)})
    serving = asyncio.create_task(client.run())
    registered = asyncio.create_task(client.registered.wait())
    await asyncio.wait({serving, registered}, return_when=asyncio.FIRST_COMPLETED)
    if registered.done():
        print("registered", flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(main())
