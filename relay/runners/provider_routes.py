"""Answer the HTTP calls that sign a runner in at its model providers (rest-runners.md 6.3, rest-account.md 11).

What is submitted may be an API key: it is handed on and neither kept, echoed nor logged.
"""

from __future__ import annotations

from relay.http.errors import (
    LOGIN_ID_MISSING,
    LOGIN_PROVIDER_MISSING,
    LOGIN_REFUSED,
    LOGIN_VALUE_MISSING,
    RUNNER_CALL_FAILED,
    RUNNER_FORBIDDEN,
    RUNNER_NOT_FOUND,
    ErrorSpec,
)
from relay.http.routes import Body, Call, Handler, Json, Route
from relay.http.shapes import Shape
from relay.runners import machine_schemas as schemas
from relay.runners.door import RunnerDoor
from relay.runners.profile import Item


class ProviderRoutes:
    """Serve the provider endpoints; the runner's replies go through as they are."""

    def __init__(self, door: RunnerDoor) -> None:
        self._door = door

    def table(self) -> list[Route]:
        """Answer the rows of this concern."""
        base = "/api/runners/{runnerId}/providers"
        asked = (RUNNER_NOT_FOUND, RUNNER_FORBIDDEN, RUNNER_CALL_FAILED, LOGIN_REFUSED)

        def posted(path: str, handler: Handler, summary: str, request: type, missing: ErrorSpec) -> Route:
            errors = (*asked, missing)
            return Route(
                "POST",
                path,
                handler,
                summary,
                body=Body.STRICT,
                guard=self._door.gate,
                errors=errors,
                shape=Shape(schemas.RunnerSaid, request),
            )

        return [
            Route(
                "GET",
                base,
                self.list_providers,
                "List the model providers of a runner",
                errors=asked,
                shape=Shape(schemas.RunnerSaid),
            ),
            Route(
                "GET",
                f"{base}/login/status",
                self.status,
                "Ask how far a sign-in at a provider is",
                errors=(*asked, LOGIN_ID_MISSING),
                shape=Shape(schemas.RunnerSaid, query=schemas.LoginQuery),
            ),
            posted(
                f"{base}/login",
                self.start,
                "Begin to sign in at a provider",
                schemas.LoginStart,
                LOGIN_PROVIDER_MISSING,
            ),
            posted(
                f"{base}/login/submit",
                self.submit,
                "Answer what a provider asks for",
                schemas.LoginValue,
                LOGIN_VALUE_MISSING,
            ),
            posted(
                f"{base}/login/cancel",
                self.cancel,
                "Give up signing in at a provider",
                schemas.LoginName,
                LOGIN_ID_MISSING,
            ),
        ]

    async def list_providers(self, call: Call) -> Json:
        """Answer `{ok, providers}`."""
        return await self._demand(call, "auth_list", {}, self._door.limits.login)

    async def status(self, call: Call) -> Json:
        """Answer the step of the sign-in that `?loginId=` names."""
        self._door.gate(call)
        login_id = call.query.get("loginId", "")
        if not login_id:
            raise LOGIN_ID_MISSING()
        return await self._demand(call, "auth_login_status", {"loginId": login_id}, self._door.limits.login)

    async def start(self, call: Call) -> Json:
        """Begin a sign-in; `authType` is `api_key`, and anything else means `oauth`."""
        provider = call.body.get("providerId")
        if not isinstance(provider, str) or not provider:
            raise LOGIN_PROVIDER_MISSING()
        kind = "api_key" if call.body.get("authType") == "api_key" else "oauth"
        payload: Item = {"providerId": provider, "authType": kind}
        return await self._demand(call, "auth_login_start", payload, self._door.limits.login_start)

    async def submit(self, call: Call) -> Json:
        """Hand on what the provider asked for."""
        login_id, value = call.body.get("loginId"), call.body.get("value")
        if not isinstance(login_id, str) or not isinstance(value, str):
            raise LOGIN_VALUE_MISSING()
        payload: Item = {"loginId": login_id, "value": value}
        return await self._demand(call, "auth_login_submit", payload, self._door.limits.login_submit)

    async def cancel(self, call: Call) -> Json:
        """Give a sign-in up."""
        login_id = call.body.get("loginId")
        if not isinstance(login_id, str):
            raise LOGIN_ID_MISSING()
        return await self._demand(call, "auth_login_cancel", {"loginId": login_id}, self._door.limits.login)

    async def _demand(self, call: Call, event: str, payload: Item, timeout: float) -> Json:
        return await self._door.demand(self._door.gate(call), event, payload, timeout=timeout, refusal=LOGIN_REFUSED)
