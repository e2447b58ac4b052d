"""Answer the HTTP call that turns a service of a runner on or off (rest-runners.md 5.9)."""

from __future__ import annotations

import logging

from relay.http.errors import (
    RUNNER_FORBIDDEN,
    RUNNER_NO_SOCKET,
    RUNNER_NOT_FOUND,
    SERVICE_ENABLED_INVALID,
    SERVICE_NOT_FOUND,
    SERVICES_UNKNOWN,
)
from relay.http.routes import Body, Call, Json, Route
from relay.http.shapes import Shape
from relay.runners import schemas
from relay.runners.door import RunnerDoor

log = logging.getLogger(__name__)


class ServiceRoutes:
    """Serve the switch of a service."""

    def __init__(self, door: RunnerDoor) -> None:
        self._door = door

    def table(self) -> list[Route]:
        """Answer the row of this concern."""
        return [
            Route(
                "PUT",
                "/api/runners/{runnerId}/services/{serviceId}/enabled",
                self.enable,
                "Turn a service of a runner on or off",
                body=Body.LENIENT,
                guard=self._door.gate,
                errors=(
                    RUNNER_NOT_FOUND,
                    RUNNER_FORBIDDEN,
                    SERVICE_ENABLED_INVALID,
                    SERVICES_UNKNOWN,
                    SERVICE_NOT_FOUND,
                    RUNNER_NO_SOCKET,
                ),
                shape=Shape(schemas.ServiceSwitched, schemas.ServiceSwitch),
            )
        ]

    async def enable(self, call: Call) -> Json:
        """Tell the runner, and answer at once; its next announce changes what the relay knows.

        The daemon prefers `serviceId` and `enabled` over the list, older ones know only the list: both are sent.
        """
        runner = self._door.gate(call)
        enabled, service = call.body.get("enabled"), call.params["serviceId"]
        if not isinstance(enabled, bool):
            raise SERVICE_ENABLED_INVALID()
        known, disabled = runner.services("serviceIds"), runner.services("disabledServiceIds")
        if not known and not disabled:
            raise SERVICES_UNKNOWN()
        if service not in known and service not in disabled:
            raise SERVICE_NOT_FOUND(service=service)
        wanted = [other for other in disabled if other != service]
        if not enabled:
            wanted.append(service)
        if enabled == (service in disabled):
            if not runner.connected:
                raise RUNNER_NO_SOCKET()
            order = {"disabledServiceIds": wanted, "serviceId": service, "enabled": enabled}
            runner.emit("reconfigure_services", order)
            log.info("service switched", extra={"runner_id": runner.runner_id, "service": service, "enabled": enabled})
        return {"ok": True, "serviceId": service, "enabled": enabled, "disabledServiceIds": wanted}
