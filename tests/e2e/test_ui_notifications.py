"""Drive notifications of the web UI: subscribed with a push manager of ours, delivered to the real service worker.

Chromium without a screen has no push service; the DevTools protocol hands the worker what the relay sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.provider import Say, ask_user
from tests.e2e.stack import Stack
from tests.e2e.transcript import as_objects
from tests.e2e.ui import Ui, browsing
from tests.push.device import Browser, PushService

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Worker

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-b"), pytest.mark.timeout(120)]

#: A push manager that has the endpoint and the keys of the test's own push service.
_PUSH_MANAGER = """(subscription) => {
    const made = {
        endpoint: subscription.endpoint,
        toJSON: () => subscription,
        unsubscribe: async () => { localStorage.removeItem("test.push"); return true; },
    };
    PushManager.prototype.getSubscription = async () => (localStorage.getItem("test.push") ? made : null);
    PushManager.prototype.subscribe = async (options) => {
        localStorage.setItem("test.push", String(options.applicationServerKey.byteLength));
        return made;
    };
}"""

#: Lets a test hide the page: `hide(true)`.
_HIDING = """
    let hidden = false;
    window.hide = (on) => { hidden = on; document.dispatchEvent(new Event("visibilitychange")); };
    Object.defineProperty(document, "visibilityState", {get: () => (hidden ? "hidden" : "visible")});
"""


@pytest.fixture
async def ui(tmp_path: Path, client_binary: Path) -> AsyncIterator[Ui]:
    """A browser on a relay that may push to this machine, with the published runner connected."""
    async with Stack(tmp_path, client_binary, {"RELAY_PUSH_ALLOW_PRIVATE": "true"}) as stack:
        await stack.start_runner()
        async with browsing(stack) as made:
            yield made


async def allowed(ui: Ui, service: PushService, device: Browser) -> BrowserContext:
    """Make a profile that may show notifications and whose push manager is ours."""
    context = await ui.context()
    await context.grant_permissions(["notifications"], origin=ui.stack.url)
    subscription = {"endpoint": service.endpoint(), "keys": device.keys}
    await context.add_init_script(f"({_PUSH_MANAGER})({json.dumps(subscription)})")
    return context


async def worker_of(context: BrowserContext, page: Page) -> Worker:
    """Answer the service worker of a page, once it is active."""
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return context.service_workers[0]


async def deliver(context: BrowserContext, page: Page, origin: str, message: Mapping[str, object]) -> None:
    """Hand a push message to the service worker of an origin, as the browser does."""
    session = await context.new_cdp_session(page)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def registered(event: dict[str, object]) -> None:
        listed = event.get("registrations")
        for one in listed if isinstance(listed, list) else []:
            if str(one.get("scopeURL")).startswith(origin) and not one.get("isDeleted") and not found.done():
                found.set_result(str(one["registrationId"]))

    session.on("ServiceWorker.workerRegistrationUpdated", registered)
    await session.send("ServiceWorker.enable")
    async with asyncio.timeout(20):
        registration_id = await found
    push = {"origin": origin, "registrationId": registration_id, "data": json.dumps(message)}
    await session.send("ServiceWorker.deliverPushMessage", push)


async def shown(worker: Worker, count: int = 1) -> list[dict[str, object]]:
    """Wait until so many notifications are shown and answer what they say."""
    script = """async (count) => {
        for (;;) {
            const all = await registration.getNotifications();
            if (all.length === count) {
                return all.map(({title, body, tag, actions, data}) =>
                    ({title, body, tag, data, actions: (actions ?? []).map((one) => one.title)}));
            }
            await new Promise((settle) => setTimeout(settle, 50));
        }
    }"""
    async with asyncio.timeout(20):
        found: list[dict[str, object]] = await worker.evaluate(script, count)
    return found


async def press(worker: Worker, action: str, reply: str | None = None) -> None:
    """Press a button of the only notification; waits until the service worker is done."""
    script = """async ([action, reply]) => {
        const [notification] = await registration.getNotifications();
        const event = new NotificationEvent("notificationclick", {notification, action});
        let done;
        // A made-up event may not be waited for, so the promise is taken from the call.
        Object.defineProperty(event, "waitUntil", {value: (promise) => { done = promise; }});
        if (reply !== null) Object.defineProperty(event, "reply", {value: reply});
        self.dispatchEvent(event);
        await done;
    }"""
    await worker.evaluate(script, [action, reply])


async def turn_on(page: Page) -> None:
    await page.get_by_role("button", name="Turn on notifications").click()
    await page.get_by_role("button", name="Turn off notifications").wait_for()


async def test_a_question_is_pushed_to_the_service_worker_and_answered_from_the_notification(ui: Ui) -> None:
    stack, device = ui.stack, Browser()
    async with PushService() as service:
        context = await allowed(ui, service, device)
        page = await ui.window("/settings/notifications", context=context)
        await turn_on(page)
        [subscription] = as_objects((await stack.get("/api/push/subscriptions"))["subscriptions"])
        assert subscription["endpoint"] == service.endpoint()
        assert subscription["enabledEvents"] == "agent_needs_input,agent_finished,agent_error"
        stack.provider.plan("^ask me", ask_user("Which way?", "left", "right", "straight on"), Say("thank you"))
        session_id = await stack.spawn("ask me")
        [request] = await service.until(1)
        message = device.read(request.body)
        worker = await worker_of(context, page)
        await deliver(context, page, stack.url, message)
        [notice] = await shown(worker)
        assert notice["body"] == "Which way?"
        assert notice["tag"] == f"relay-agent_needs_input-{session_id}"
        # This browser shows two buttons at most; the third, "Answer…", is for those that show more.
        assert notice["actions"] == ["left", "right"]
        await press(worker, "option-1")
        # The answer let the agent go on to its end, of which the second push tells.
        [_, request] = await service.until(2)
        await deliver(context, page, stack.url, device.read(request.body))
        [done] = await shown(worker)
        assert done["body"] == "Done"
        viewer = await stack.viewer(session_id)
        [result] = viewer.transcript.texts("toolResult")
        assert "right" in result
        # A press beside the buttons opens the session in the page that is there.
        await press(worker, "")
        await page.wait_for_url(f"**/session/{session_id}")


async def test_events_are_chosen_one_by_one_and_none_turns_them_off(ui: Ui) -> None:
    stack = ui.stack
    async with PushService() as service:
        context = await allowed(ui, service, Browser())
        page = await ui.window("/settings/notifications", context=context)
        await turn_on(page)

        async def enabled(expected: str) -> None:
            async with asyncio.timeout(20):
                while True:
                    listed = as_objects((await stack.get("/api/push/subscriptions"))["subscriptions"])
                    if [one["enabledEvents"] for one in listed] == ([expected] if expected else []):
                        return
                    await asyncio.sleep(0.05)

        await page.get_by_role("checkbox", name="finishes").uncheck()
        await enabled("agent_needs_input,agent_error")
        await page.reload()
        finishes = page.get_by_role("checkbox", name="finishes")
        await finishes.wait_for()
        assert not await finishes.is_checked()
        await page.get_by_role("checkbox", name="a session waits for me").uncheck()
        await enabled("agent_error")
        await page.get_by_role("checkbox", name="fails", exact=True).click()
        await page.get_by_role("button", name="Turn on notifications").wait_for()
        await enabled("")


async def test_nobody_is_asked_for_notifications_before_a_question_came_while_the_page_was_hidden(ui: Ui) -> None:
    stack = ui.stack
    async with PushService() as service:
        context = await allowed(ui, service, Browser())
        await context.add_init_script(_HIDING)
        page = await ui.window("/", context=context)
        await page.get_by_role("heading", name="Sessions").wait_for()
        line = page.get_by_text("A session asked you something while you were away.")
        assert await line.count() == 0
        await page.evaluate("hide(true)")
        stack.provider.plan("^ask me", ask_user("Which way?", "left", "right"), Say("thank you"))
        await stack.spawn("ask me")
        await page.get_by_text("Which way?").first.wait_for()
        await page.evaluate("hide(false)")
        await line.wait_for()
        await page.get_by_role("button", name="No, thanks").click()
        await line.wait_for(state="detached")
        await page.reload()
        await page.get_by_text("Which way?").first.wait_for()
        assert await line.count() == 0


async def test_the_page_opens_while_the_relay_is_away_and_nobody_is_asked_to_sign_in(ui: Ui) -> None:
    context = await ui.context()
    page = await ui.window("/", context=context)
    await page.get_by_role("heading", name="Sessions").wait_for()
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    # The second visit is the service worker's, and brings the files of the page into its keeping.
    await page.reload()
    await page.get_by_role("heading", name="Sessions").wait_for()
    await page.wait_for_function("caches.match('/').then((kept) => Boolean(kept))")
    await ui.stack.relay.kill()
    await page.reload()
    await page.get_by_text("Reconnecting… Your text is kept.").wait_for()
    assert await page.get_by_label("Password").count() == 0
    await ui.stack.relay.start()
    await page.get_by_text("Reconnecting… Your text is kept.").wait_for(state="detached")
    await page.get_by_role("heading", name="Sessions").wait_for()


async def test_the_page_can_be_installed(ui: Ui) -> None:
    page = await ui.window("/")
    manifest = await page.evaluate("fetch('/manifest.webmanifest').then((answer) => answer.json())")
    assert manifest["display"] == "standalone"
    script = "path => fetch(path).then((answer) => answer.ok && answer.headers.get('content-type'))"
    for icon in manifest["icons"]:
        kind = await page.evaluate(script, icon["src"])
        assert kind == icon["type"]
    script = "fetch('/sw.js').then((answer) => answer.text())"
    assert "import" not in str(await page.evaluate(script)).split("(", 1)[0]
    session = await page.context.new_cdp_session(page)
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    problems = await session.send("Page.getInstallabilityErrors")
    assert [one for one in problems["installabilityErrors"] if one["errorId"] != "in-incognito"] == []
