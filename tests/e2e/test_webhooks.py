"""Prove that a shell with `curl` and `openssl` can start an agent on the published runner through a webhook."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping

import pytest

from tests.e2e.provider import MODEL, Say
from tests.e2e.stack import Stack
from tests.e2e.talks import until_heard
from tests.e2e.transcript import JsonObject, as_object, as_objects

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-b"),
    pytest.mark.skipif(
        shutil.which("curl") is None or shutil.which("openssl") is None, reason="needs curl and openssl"
    ),
]

#: What a build server runs; the first argument of `sign` is what is signed before the body.
_FIRE = """
set -eu
signature=$(printf '%s' "$BEFORE$BODY" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.*= //')
exec curl -sS --max-time 40 -X POST "$FIRE_URL" -H 'Content-Type: application/json' \\
  -H "$HEADER: $PREFIX$signature" "$@" -w '\\n%{http_code}' -d "$BODY"
"""
_ENHANCED = """
at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
nonce=$(openssl rand -hex 16)
BEFORE="$at.$nonce."
set -- -H "X-Webhook-Timestamp: $at" -H "X-Webhook-Nonce: $nonce"
"""


async def shell(script: str, **variables: str) -> tuple[int, JsonObject]:
    """Run a script; answer the status and the JSON body that curl got."""
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "BEFORE": "", "PREFIX": "", **variables}
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=env
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, errors.decode()
    body, _, status = output.decode().rpartition("\n")
    return int(status), as_object(json.loads(body))


async def made(stack: Stack, **more: object) -> JsonObject:
    """Make a webhook for sessions on the stack's runner that hear the provider's stand-in."""
    wanted = {"name": "CI", "source": "ci", "runnerId": stack.runner_id, "cwd": str(stack.work), "model": MODEL, **more}
    status, answer = await stack.request("POST", "/api/webhooks", wanted)
    assert status == 201, answer
    return as_object(as_object(answer)["webhook"])


def variables(stack: Stack, webhook: JsonObject, body: Mapping[str, object], header: str) -> dict[str, str]:
    url = f"{stack.url}/api/webhooks/{webhook['id']}/fire"
    return {"FIRE_URL": url, "SECRET": str(webhook["secret"]), "BODY": json.dumps(body), "HEADER": header}


async def test_a_webhook_fired_from_a_shell_starts_an_agent_that_gets_the_payload(stack: Stack) -> None:
    stack.provider.plan("myorg/myapp", Say("I look into the build"))
    webhook = await made(stack, prompt="Look into the failed build", eventFilter=["ci_failure"])
    body = {"type": "ci_failure", "repo": "myorg/myapp", "branch": "main"}
    sent = variables(stack, webhook, body, "X-Webhook-Signature")

    status, answer = await shell(_ENHANCED + _FIRE, **sent)

    assert (status, answer["ok"]) == (200, True), answer
    session_id = str(answer["sessionId"])
    await stack.until_live(session_id)
    await until_heard(stack, "myorg/myapp")
    [heard] = [asked.text for asked in stack.provider.asked if "myorg/myapp" in asked.text]
    assert str(answer["triggerId"]) in heard
    assert "external:ci" in heard
    assert "Look into the failed build" in heard
    viewer = await stack.viewer(session_id)
    await viewer.until_said("I look into the build")
    triggers = await stack.get(f"/api/sessions/{session_id}/triggers")
    [entry] = as_objects(triggers["triggers"])
    assert (entry["triggerId"], entry["summary"]) == (answer["triggerId"], "CI")

    # The body alone may be signed too, and an event of another type starts nothing.
    filtered = {**sent, "BODY": '{"type":"ci_success","repo":"myorg/myapp"}'}
    assert await shell(_FIRE, **filtered) == (200, {"ok": True, "filtered": True})
    wrong = await shell(_FIRE, **{**sent, "SECRET": "whsec_other"})
    assert wrong == (401, {"error": "Invalid signature"})
    assert set(await stack.live_sessions()) == {session_id}


async def test_githubs_own_delivery_starts_an_agent_and_a_replay_another(stack: Stack) -> None:
    stack.provider.plan("refs/heads/main", Say("seen"))
    webhook = await made(stack, source="github", eventFilter=["push"])
    sent = variables(stack, webhook, {"ref": "refs/heads/main"}, "X-Hub-Signature-256")
    script = 'set -- -H "X-GitHub-Event: push" -H "X-GitHub-Delivery: 1"\n' + _FIRE
    status, answer = await shell(script, **sent, PREFIX="sha256=")
    assert (status, answer["ok"]) == (200, True), answer
    await until_heard(stack, "refs/heads/main")

    log = await stack.get(f"/api/webhooks/{webhook['id']}/deliveries")
    [entry] = as_objects(log["deliveries"])
    assert (entry["type"], entry["outcome"], entry["sessionId"]) == ("push", "delivered", answer["sessionId"])
    again = await stack.post(f"/api/webhooks/{webhook['id']}/deliveries/{entry['n']}/replay", {})
    assert again["ok"] is True
    assert again["sessionId"] != answer["sessionId"]
    await until_heard(stack, "refs/heads/main", times=2)
