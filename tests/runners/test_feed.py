"""The list of runners that browsers follow (sockets-browsers.md 5.1)."""

from __future__ import annotations

import pytest

from tests.runners.peer import Peer
from tests.runners.rig import Person, Rig, until

PROFILE: dict[str, object] = {
    "name": "box",
    "roots": ["/w"],
    "skills": [{"name": "s", "description": "d", "filePath": "f"}],
    "agents": [],
    "plugins": [],
    "hooks": [],
    "version": "0.52.0",
    "platform": "linux",
}


async def with_runner(rig: Rig, person: Person) -> tuple[Peer, Peer]:
    browser = await rig.feed_of(person)
    await browser.expect("runners")
    daemon = await rig.runner(person, profile=PROFILE)
    await browser.expect("runner_added")
    return browser, daemon


async def test_the_list_comes_on_connect_with_the_real_session_count(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    await rig.runner(ann, "r1", "s1", profile=PROFILE)
    await rig.runner(bob, "r2", "s2")
    rig.add_session(ann, "one", "r1")
    rig.add_session(ann, "two", "r1")
    browser = await rig.feed_of(ann)
    assert await browser.expect("runners") == {"runners": [{"runnerId": "r1", "sessionCount": 2, **PROFILE}]}
    assert browser.names() == ["runners"]


async def test_an_empty_list_comes_too(rig: Rig) -> None:
    browser = await rig.feed_of(await rig.person("ann"))
    assert await browser.expect("runners") == {"runners": []}


async def test_added_has_the_profile_alone_and_counts_no_session(rig: Rig) -> None:
    ann = await rig.person("ann")
    rig.add_session(ann, "one", "r1")
    browser = await rig.feed_of(ann)
    await rig.runner(ann, profile=PROFILE)
    assert await browser.expect("runner_added") == {"runnerId": "r1", "sessionCount": 0, **PROFILE}


async def test_a_surviving_record_is_added_and_then_updated_with_its_services(rig: Rig) -> None:
    ann = await rig.person("ann")
    browser, daemon = await with_runner(rig, ann)
    await daemon.emit("service_announce", {"serviceIds": ["git"]})
    await browser.expect("runner_updated")
    await rig.runner(ann, profile=PROFILE)
    assert "serviceIds" not in await browser.expect("runner_added")
    assert (await browser.expect("runner_updated"))["serviceIds"] == ["git"]


async def test_removed_names_the_runner(rig: Rig) -> None:
    browser, daemon = await with_runner(rig, await rig.person("ann"))
    await daemon.close()
    assert await browser.expect("runner_removed") == {"runnerId": "r1"}


@pytest.mark.parametrize(
    ("event", "payload", "key", "value"),
    [
        ("skills_list", {"skills": [{"name": "n"}]}, "skills", [{"name": "n", "description": "", "filePath": ""}]),
        ("skill_result", {"ok": True, "skills": []}, "skills", []),
        ("agents_list", {"agents": [{"name": "n"}]}, "agents", [{"name": "n", "description": "", "filePath": ""}]),
        ("agent_result", {"ok": False, "agents": []}, "agents", []),
        ("runner_warning", {"message": "no tunnel"}, "warnings", ["no tunnel"]),
    ],
)
async def test_a_change_is_an_update(
    rig: Rig, event: str, payload: dict[str, object], key: str, value: list[object]
) -> None:
    ann = await rig.person("ann")
    browser, daemon = await with_runner(rig, ann)
    rig.add_session(ann, "one", "r1")
    await daemon.emit(event, payload)
    update = await browser.expect("runner_updated")
    assert update[key] == value
    assert update["sessionCount"] == 1
    assert {**PROFILE, "runnerId": "r1", "sessionCount": 1, key: value} == update


async def test_plugins_are_cached_normalised_unless_scoped_or_failed(rig: Rig) -> None:
    browser, daemon = await with_runner(rig, await rig.person("ann"))
    await daemon.emit("plugins_list", {"plugins": [{"name": "scoped"}], "scoped": True})
    await daemon.emit("plugins_list", {"plugins": [{"name": "failed"}], "ok": False})
    await daemon.emit("plugins_list", {"plugins": [{"name": "p"}, {}]})
    update = await browser.expect("runner_updated")
    plugins = update["plugins"]
    assert isinstance(plugins, list)
    assert [(plugin["name"], plugin["hasMcp"]) for plugin in plugins] == [("p", False)]
    assert browser.unread("runner_updated") == 0


async def test_a_result_without_skills_is_no_update(rig: Rig) -> None:
    browser, daemon = await with_runner(rig, await rig.person("ann"))
    await daemon.emit("skill_result", {"ok": False, "message": "none"})
    await daemon.emit("runner_warning", {"message": "marker"})
    assert (await browser.expect("runner_updated"))["warnings"] == ["marker"]


async def test_warnings_gather_once_each_and_are_cleared(rig: Rig) -> None:
    browser, daemon = await with_runner(rig, await rig.person("ann"))
    for message in ("a", "a", "b", " ", ""):
        await daemon.emit("runner_warning", {"message": message})
    await daemon.emit("runner_warning_clear", {})
    await daemon.emit("runner_warning_clear", {})
    await daemon.emit("runner_warning", {"message": "marker"})
    updates = [await browser.expect("runner_updated") for _ in range(4)]
    assert [update.get("warnings") for update in updates] == [["a"], ["a", "b"], None, ["marker"]]


async def test_warnings_are_bounded(rig: Rig) -> None:
    daemon = await rig.runner(await rig.person("ann"))
    for number in range(60):
        await daemon.emit("runner_warning", {"message": f"{number} " + "x" * 5000})
    await daemon.emit("skills_list", {"skills": [{"name": "marker"}]})
    runner = rig.runners.get("r1")
    assert runner is not None
    await until(lambda: bool(runner.skills))
    assert len(runner.warnings) == 50
    assert max(len(warning) for warning in runner.warnings) == 2000


async def test_two_browsers_of_one_user_see_the_same_and_strangers_nothing(rig: Rig) -> None:
    ann, bob = await rig.person("ann"), await rig.person("bob")
    first, second, stranger = await rig.feed_of(ann), await rig.feed_of(ann), await rig.feed_of(bob)
    daemon = await rig.runner(ann)
    await daemon.emit("runner_warning", {"message": "w"})
    for browser in (first, second):
        await browser.expect("runner_updated")
        assert browser.names() == ["runners", "runner_added", "runner_updated"]
    await daemon.close()
    await first.expect("runner_removed")
    await rig.runner(bob, "r2", "s2")
    assert (await stranger.expect("runner_added"))["runnerId"] == "r2"
    assert stranger.names() == ["runners", "runner_added"]
    await first.close()
    await second.close()


async def test_lone_surrogates_in_a_profile_reach_the_browser_but_in_the_name_which_is_stored(rig: Rig) -> None:
    ann = await rig.person("ann")
    browser = await rig.feed_of(ann)
    skill = {"name": "deploy", "description": "half \ud83d", "filePath": "/s/deploy.md"}
    await rig.runner(ann, profile={"name": "broken \ud83d emoji", "skills": [skill]})
    added = await browser.expect("runner_added")
    assert added["name"] == "broken ? emoji"
    assert ascii(added["skills"]) == ascii([skill])
    status, runners = await rig.json("GET", "/api/runners", ann.by_key)
    assert status == 200
    assert isinstance(runners, list)
    assert runners[0]["name"] == "broken ? emoji"
    assert ascii(runners[0]["skills"]) == ascii([skill])
