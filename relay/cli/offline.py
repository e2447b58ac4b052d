"""Do an operator's request on the records themselves, while no relay holds them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from relay.accounts.accounts import Accounts, AccountsConfig
from relay.accounts.operator import operator_handlers
from relay.clock import Clock
from relay.config import ConfigError, Settings
from relay.events import Bus
from relay.http.client_address import ClientAddress, ProxyPolicy
from relay.http.origins import OriginPolicy
from relay.operator.restore import check_finished
from relay.storage import Storage


async def do_offline(settings: Settings, request: Mapping[str, object]) -> dict[str, object]:
    """Open the database, do what `request` says and answer its result.

    Raises AdminError, ConfigError, and StorageError, also when a relay holds the database after all.
    """
    verb = request.get("verb")
    # Only the first user may be added before the first start.
    if verb != "user.add" and not await asyncio.to_thread(settings.database_path.exists):
        raise ConfigError(f"there is no relay's database at {settings.database_path}")
    await asyncio.to_thread(check_finished, settings.data_dir)
    storage = await Storage.open(settings.database_path)
    try:
        address = ClientAddress(ProxyPolicy())
        # Nobody signs in here, so the secret of the cookies is not needed.
        accounts = Accounts(
            storage, Clock(), Bus(), AccountsConfig(secret=b""), address=address, origins=OriginPolicy((), address)
        )
        await accounts.load()
        try:
            handler = operator_handlers(accounts).get(str(verb))
            if handler is None:
                raise ConfigError("this relay does not know the request")
            return dict(await handler(request))
        finally:
            await accounts.close()
    finally:
        await storage.close()
