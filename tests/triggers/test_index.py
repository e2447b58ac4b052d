"""Records under several keys, against a plain list (relay/triggers/index.py)."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from relay.triggers.index import Index


@dataclass(frozen=True)
class Thing:
    name: str
    keys: tuple[int, ...]


things = st.builds(Thing, st.sampled_from("abcd"), st.lists(st.integers(0, 2), unique=True, max_size=3).map(tuple))
steps = st.lists(st.tuples(things, st.sampled_from(["put", "last", "pop"])), max_size=12)


@given(steps)
def test_every_key_has_its_records_in_the_order_of_their_arrival(done: list[tuple[Thing, str]]) -> None:
    index: Index[Thing] = Index(lambda thing: thing.name, lambda thing: thing.keys)
    plain: list[Thing] = []
    by_key: dict[int, list[str]] = {key: [] for key in range(3)}
    for thing, way in done:
        place = next((number for number, known in enumerate(plain) if known.name == thing.name), None)
        former = None if place is None else plain.pop(place)
        for key, names in by_key.items():
            stays = way == "put" and former is not None and key in former.keys and key in thing.keys
            if thing.name in names and not stays:
                names.remove(thing.name)
            if way != "pop" and key in thing.keys and not stays:
                names.append(thing.name)
        if way == "pop":
            assert index.pop(thing.name) == former
        else:
            index.put(thing, last=way == "last")
            plain.insert(len(plain) if place is None or way == "last" else place, thing)
        assert list(index) == plain
        assert len(index) == len(plain)
        for key, names in by_key.items():
            assert [one.name for one in index.under(key)] == names
            assert index.count(key) == len(names)
        assert (thing.name in index) == (way != "pop")
        assert index.get(thing.name) == (None if way == "pop" else thing)
    for thing in plain:
        index.pop(thing.name)
    assert index._by_key == {}
