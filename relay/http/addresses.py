"""Tell a signed-in page under which addresses other machines reach the relay."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from relay.http import schemas
from relay.http.lan import is_everywhere, is_loopback_name, lan_addresses
from relay.http.routes import Call, Json, Route
from relay.http.shapes import Shape


@dataclass(frozen=True, slots=True)
class Reach:
    """Say where the relay listens.

    `base_url` is the configured public address, "" without one; `host` the configured host, "" for loopback;
    `everywhere` is `--lan`; `scheme` and `port` are those of the listener.
    """

    base_url: str
    host: str
    everywhere: bool
    scheme: str
    port: int

    def addresses(self) -> list[str]:
        """Answer the addresses for other machines, the configured one first; none when only this machine gets in."""
        found = [self.base_url.rstrip("/")] if self.base_url else []
        if self.everywhere or is_everywhere(self.host):
            found += [f"{self.scheme}://{address}:{self.port}" for address in lan_addresses()]
        elif self.host and not is_loopback_name(self.host):
            host = f"[{self.host}]" if ":" in self.host else self.host
            found.append(f"{self.scheme}://{host}:{self.port}")
        return list(dict.fromkeys(found))


class AddressRoute:
    """Answer `GET /api/addresses`."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def routes(self) -> list[Route]:
        """Answer the row."""

        async def addresses(call: Call) -> Json:
            # A name service may be asked, which blocks.
            found = await asyncio.to_thread(self._reach.addresses)
            return {"addresses": list(found), "local": not found}

        return [
            Route(
                "GET",
                "/api/addresses",
                addresses,
                "Name the addresses that other machines may use",
                shape=Shape(schemas.Addresses),
            )
        ]
