"""Answer `/api/push/*` but for the answers to questions (rest-account.md 8.2)."""

from __future__ import annotations

from typing import Final

from relay.http.errors import INVALID_JSON, ErrorSpec
from relay.http.routes import Auth, Body, Call, Handler, Json, Route
from relay.http.shapes import Ok, Shape
from relay.push import schemas
from relay.push.endpoint_guard import is_allowed
from relay.push.subscriptions import ALL_EVENTS, NewSubscription, Subscriptions
from relay.push.vapid import Vapid

MISSING_FIELDS: Final = ErrorSpec(400, "Missing required fields: endpoint, keys.p256dh, keys.auth")
INVALID_ENDPOINT: Final = ErrorSpec(
    400, "Invalid push endpoint: must be an https:// URL not targeting private/loopback addresses"
)
MISSING_ENDPOINT: Final = ErrorSpec(400, "Missing endpoint")
MISSING_EVENTS: Final = ErrorSpec(400, "Missing endpoint or enabledEvents")
MISSING_SUPPRESS: Final = ErrorSpec(400, "Missing endpoint or suppress (boolean)")
NO_SUBSCRIPTION: Final = ErrorSpec(404, "No matching subscription found for this endpoint")
NATIVE_UNCONFIGURED: Final = ErrorSpec(503, "Native push is not configured on this server (PIZZAPI_NTFY_URL unset)")
NATIVE_MISSING_SUPPRESS: Final = ErrorSpec(400, "Missing suppress (boolean)")
NATIVE_UNKNOWN: Final = ErrorSpec(404, "No native push registration found")
#: Keys have some dozen characters and a choice of events a few words; this is what a row may hold.
_LONGEST: Final = 4096


class PushRoutes:
    """Serve subscriptions and the public key; native push is not configured here."""

    def __init__(self, subscriptions: Subscriptions, vapid: Vapid, *, allow_private: bool) -> None:
        self._subscriptions = subscriptions
        self._vapid = vapid
        self._allow_private = allow_private

    def table(self) -> list[Route]:
        """Answer the rows of this part."""

        def strict(method: str, path: str, handler: Handler, summary: str, shape: Shape, *errors: ErrorSpec) -> Route:
            return Route(
                method,
                f"/api/push/{path}",
                handler,
                summary,
                auth=Auth.SESSION,
                body=Body.STRICT,
                errors=(INVALID_JSON, *errors),
                shape=shape,
            )

        return [
            Route(
                "GET",
                "/api/push/vapid-public-key",
                self.public_key,
                "Name the key that identifies this relay to push services",
                auth=Auth.NONE,
                shape=Shape(schemas.PublicKey),
            ),
            strict(
                "POST",
                "subscribe",
                self.subscribe,
                "Subscribe a browser",
                Shape(schemas.PushMade, schemas.NewPush),
                MISSING_FIELDS,
                INVALID_ENDPOINT,
            ),
            strict(
                "POST",
                "unsubscribe",
                self.unsubscribe,
                "Forget a browser",
                Shape(Ok, schemas.PushEndpoint),
                MISSING_ENDPOINT,
            ),
            Route(
                "GET",
                "/api/push/subscriptions",
                self.subscriptions,
                "List the caller's subscribed browsers",
                auth=Auth.SESSION,
                shape=Shape(schemas.PushList),
            ),
            strict(
                "PUT",
                "events",
                self.events,
                "Choose the events of a subscription",
                Shape(Ok, schemas.PushEvents),
                MISSING_EVENTS,
            ),
            strict(
                "PUT",
                "child-notifications",
                self.child_notifications,
                "Choose whether child sessions push",
                Shape(Ok, schemas.PushChildren),
                MISSING_SUPPRESS,
                NO_SUBSCRIPTION,
            ),
            Route(
                "POST",
                "/api/push/register-native",
                self.register_native,
                "Register a phone for native push",
                auth=Auth.SESSION,
                errors=(NATIVE_UNCONFIGURED,),
                shape=Shape(Ok),
            ),
            Route(
                "POST",
                "/api/push/unregister-native",
                self.unregister_native,
                "Forget a phone",
                auth=Auth.SESSION,
                shape=Shape(schemas.NativeGone),
            ),
            strict(
                "PUT",
                "child-notifications-native",
                self.child_notifications_native,
                "Choose whether child sessions push to a phone",
                Shape(Ok, schemas.NativeChildren),
                NATIVE_MISSING_SUPPRESS,
                NATIVE_UNKNOWN,
            ),
        ]

    async def public_key(self, call: Call) -> Json:
        """Answer the public VAPID key."""
        return {"publicKey": (await self._vapid.pair()).public}

    async def subscribe(self, call: Call) -> Json:
        """Store a subscription, in the place of the caller's earlier one for that endpoint."""
        keys = call.body.get("keys")
        sent = keys if isinstance(keys, dict) else {}
        endpoint, p256dh, auth = _text(call.body.get("endpoint")), _text(sent.get("p256dh")), _text(sent.get("auth"))
        events = call.body.get("enabledEvents")
        chosen = ALL_EVENTS if events is None else _storable(events)
        if not endpoint or not p256dh or not auth or chosen is None:
            raise MISSING_FIELDS()
        if not is_allowed(endpoint, allow_private=self._allow_private):
            raise INVALID_ENDPOINT()
        new = NewSubscription(endpoint, p256dh, auth, chosen)
        return {"ok": True, "id": await self._subscriptions.subscribe(call.user.user_id, new)}

    async def unsubscribe(self, call: Call) -> Json:
        """Forget a subscription; one that is not there is fine."""
        endpoint = call.body.get("endpoint")
        if not isinstance(endpoint, str) or not endpoint:
            raise MISSING_ENDPOINT()
        await self._subscriptions.unsubscribe(call.user.user_id, endpoint)
        return {"ok": True}

    async def subscriptions(self, call: Call) -> Json:
        """List the caller's subscriptions; a choice about children that nobody made reads as false."""
        return {
            "subscriptions": [
                {
                    "id": subscription.id,
                    "endpoint": subscription.endpoint,
                    "createdAt": subscription.created_at,
                    "enabledEvents": subscription.enabled_events,
                    "suppressChildNotifications": subscription.suppress_child is True,
                }
                for subscription in self._subscriptions.of(call.user.user_id)
            ]
        }

    async def events(self, call: Call) -> Json:
        """Store which events a subscription wants; an unknown endpoint is fine."""
        endpoint, chosen = call.body.get("endpoint"), _text(call.body.get("enabledEvents"))
        if not isinstance(endpoint, str) or not endpoint or not chosen:
            raise MISSING_EVENTS()
        await self._subscriptions.choose_events(call.user.user_id, endpoint, chosen)
        return {"ok": True}

    async def child_notifications(self, call: Call) -> Json:
        """Store the choice about children."""
        endpoint, suppress = call.body.get("endpoint"), call.body.get("suppress")
        if not isinstance(endpoint, str) or not endpoint or not isinstance(suppress, bool):
            raise MISSING_SUPPRESS()
        if not await self._subscriptions.choose_child(call.user.user_id, endpoint, suppress):
            raise NO_SUBSCRIPTION()
        return {"ok": True}

    async def register_native(self, call: Call) -> Json:
        """Refuse: there is no native push here."""
        raise NATIVE_UNCONFIGURED()

    async def unregister_native(self, call: Call) -> Json:
        """Answer that there was nothing to forget."""
        return {"ok": True, "removed": False}

    async def child_notifications_native(self, call: Call) -> Json:
        """Answer that no phone is registered."""
        if not isinstance(call.body.get("suppress"), bool):
            raise NATIVE_MISSING_SUPPRESS()
        raise NATIVE_UNKNOWN()


def _storable(value: object) -> str | None:
    """Answer a text that a row can hold: not too long, without lone surrogates; None for anything else."""
    if not isinstance(value, str) or len(value) > _LONGEST or any("\ud800" <= char <= "\udfff" for char in value):
        return None
    return value


def _text(value: object) -> str:
    return _storable(value) or ""
