"""Announces are cleaned and compared (sockets-agents.md 3.6)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relay.services.delta import KEYS, announce_delta, clean_announce, same

NONE: dict[str, list[object]] = {"serviceIds": [], "panels": [], "triggerDefs": [], "sigilDefs": [], "sessionModes": []}
UNCHANGED: dict[str, list[object]] = {"panels": [], "triggerDefs": [], "sigilDefs": [], "sessionModes": []}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
IDS = st.sampled_from("abcd")
ENTRIES = st.lists(
    st.fixed_dictionaries({"serviceId": IDS, "type": IDS, "id": IDS, "value": st.integers(0, 2)}),
    max_size=4,
    unique_by=lambda entry: str(entry["serviceId"]) + str(entry["type"]) + str(entry["id"]),
)


def unique(entries: list[dict[str, object]], key: str) -> list[dict[str, object]]:
    return list({str(entry[key]): entry for entry in entries}.values())


def _unique_by(key: str) -> st.SearchStrategy[object]:
    return ENTRIES.map(lambda entries: unique(entries, key))


SERVICE_LISTS: dict[str, st.SearchStrategy[object]] = {
    "serviceIds": st.lists(IDS, unique=True).map(list[object]),
    "disabledServiceIds": st.lists(IDS).map(list[object]),
}
ANNOUNCES: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    SERVICE_LISTS, optional={name: _unique_by(key) for name, key in KEYS.items()}
)


def test_only_what_is_there_is_kept_and_entries_pass_untouched() -> None:
    panel = {"serviceId": "git", "port": 1, "panelParams": {"a": [1]}, "unknown": None}
    announce = clean_announce(
        {"serviceIds": ["git", 5, None], "panels": [panel, "x", {}, {"serviceId": 5}], "other": 1}
    )
    assert announce == {"serviceIds": ["git"], "panels": [panel]}


def test_wrong_types_read_as_absent_and_service_ids_are_always_there() -> None:
    assert clean_announce({"serviceIds": "git", "panels": {}, "disabledServiceIds": None}) == {"serviceIds": []}
    assert clean_announce({}) == {"serviceIds": []}


@given(st.dictionaries(st.sampled_from([*NONE, "disabledServiceIds"]), JSON))
def test_garbage_is_cleaned_into_lists(payload: dict[str, object]) -> None:
    announce = clean_announce(payload)
    assert "serviceIds" in announce
    assert all(isinstance(value, list) for value in announce.values())
    assert clean_announce(announce) == announce


def test_an_empty_delta_is_none() -> None:
    announce = {"serviceIds": ["a"], "panels": [{"serviceId": "a", "port": 1}]}
    assert announce_delta(announce, dict(announce)) is None
    assert announce_delta(announce, {**announce, "disabledServiceIds": ["a"]}) is None
    assert announce_delta({"serviceIds": ["a", "b"]}, {"serviceIds": ["b", "a"]}) is None


def test_a_delta_names_what_came_what_went_and_what_changed() -> None:
    before: dict[str, object] = {
        "serviceIds": ["git", "time"],
        "panels": [{"serviceId": "git", "port": 1}, {"serviceId": "time", "port": 2}],
        "triggerDefs": [{"type": "time:at", "label": "At"}],
        "sessionModes": [{"id": "m", "label": "M"}],
    }
    after: dict[str, object] = {
        "serviceIds": ["git", "mem"],
        "panels": [{"serviceId": "git", "port": 9}, {"serviceId": "mem", "port": 3}],
        "triggerDefs": [{"type": "time:at", "label": "At"}, {"type": "time:cron", "label": "Cron"}],
        "sigilDefs": [{"type": "s"}],
    }
    assert announce_delta(before, after) == {
        "added": {
            "serviceIds": ["mem"],
            "panels": [{"serviceId": "mem", "port": 3}],
            "triggerDefs": [{"type": "time:cron", "label": "Cron"}],
            "sigilDefs": [{"type": "s"}],
            "sessionModes": [],
        },
        "removed": {**NONE, "serviceIds": ["time"], "panels": ["time"], "sessionModes": ["m"]},
        "updated": {**UNCHANGED, "panels": [{"serviceId": "git", "port": 9}]},
    }


@given(ANNOUNCES, ANNOUNCES)
def test_applying_a_delta_gives_the_new_announce(before: dict[str, object], after: dict[str, object]) -> None:
    delta = announce_delta(before, after) or {"added": NONE, "removed": NONE, "updated": UNCHANGED}
    added, removed, updated = (delta[part] for part in ("added", "removed", "updated"))
    assert isinstance(added, dict)
    assert isinstance(removed, dict)
    assert isinstance(updated, dict)
    services = [name for name in _list(before, "serviceIds") if name not in removed["serviceIds"]] + added["serviceIds"]
    assert sorted(map(str, services)) == sorted(map(str, _list(after, "serviceIds")))
    for name, key in KEYS.items():
        entries = {str(entry[key]): entry for entry in _list(before, name) if isinstance(entry, dict)}
        for gone in removed[name]:
            del entries[gone]
        entries |= {entry[key]: entry for entry in (*updated[name], *added[name])}
        assert entries == {str(entry[key]): entry for entry in _list(after, name) if isinstance(entry, dict)}


def test_sameness_tells_true_from_one_and_minds_order() -> None:
    assert same({"a": 1}, {"a": 1})
    assert not same({"a": 1}, {"a": True})
    assert not same([1, 2], [2, 1])


def _list(announce: dict[str, object], name: str) -> list[object]:
    value = announce.get(name, [])
    assert isinstance(value, list)
    return value
