"""Write subscriptions and listeners as the HTTP interface shows them (rest-runners.md 2.7, 2.8, 14.2)."""

from __future__ import annotations

from relay.triggers.records import Json, Listener, Subscription


def subscription_json(one: Subscription) -> Json:
    """Answer a subscription as the seed's calls show it."""
    body: Json = {
        "subscriptionId": one.subscription_id,
        "triggerType": one.trigger_type,
        "runnerId": one.runner_id,
    }
    if one.params is not None:
        body["params"] = one.params
    if one.filters:
        body["filters"] = [each.json() for each in one.filters]
    if one.filter_mode == "or":
        body["filterMode"] = one.filter_mode
    return body


def route_json(one: Subscription) -> Json:
    """Answer a subscription as a route."""
    body: Json = {
        "routeId": one.subscription_id,
        "eventType": one.trigger_type,
        "target": {"kind": "session", "sessionId": one.session_id},
        "deliverAs": one.deliver_as,
        "runnerId": one.runner_id,
        "createdAt": one.created_at,
        "filterMode": one.filter_mode,
    }
    if one.params is not None:
        body["params"] = one.params
    if one.filters:
        body["filters"] = [each.json(route=True) for each in one.filters]
    return body


def listener_json(one: Listener) -> Json:
    """Answer a listener; what it has not is left out."""
    body: Json = {"listenerId": one.listener_id, "triggerType": one.trigger_type, "createdAt": one.created_at}
    if one.prompt is not None:
        body["prompt"] = one.prompt
    if one.cwd is not None:
        body["cwd"] = one.cwd
    if one.model is not None:
        body["model"] = one.model
    if one.params is not None:
        body["params"] = one.params
    if one.auto_close:
        body["autoClose"] = True
    return body
