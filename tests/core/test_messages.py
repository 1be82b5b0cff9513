"""The door of the core: whatever a tab says is a message or is refused in words, and no tab can end the core or change what it must not."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import pytest
from carryon.core.tabs.messages import (
    FILES_MAX,
    FROM_TAB,
    PENDING_MAX,
    Act,
    Bind,
    Edit,
    FileEntry,
    ToTab,
    decode,
)
from carryon.notes.note import Note
from carryon.storage.layouts import STORES
from carryon.storage.memory_store import Commit, Fault, Step
from carryon.views.page import RULES
from carryon_sync.formats.rejected import Rejected
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core.home import Home, holdings, listen, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import run, until

NUMBERS: Final = st.integers() | st.floats() | st.sampled_from([2**53, -(2**53), 2**53 - 1, 0.5, -1])
# A JavaScript string may hold half a character.
TEXTS: Final = st.text(max_size=40) | st.tuples(st.text(max_size=9), st.sampled_from("\ud83d\udc00")).map("".join)
PLAIN: Final = st.none() | st.booleans() | NUMBERS | TEXTS | st.binary(max_size=40)
ANYTHING: Final = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXTS | st.sampled_from(["type", *FROM_TAB]), inner, max_size=6)
    ),
    max_leaves=12,
)


def whole(largest: int = 2**53 - 1) -> st.SearchStrategy[int | float]:
    """Whole numbers, as JavaScript has them."""
    return st.integers(-largest, largest) | st.integers(-largest, largest).map(float)


def member(hint: Any) -> st.SearchStrategy[Any]:
    """Give values of one member, by the type that the table says."""
    if hint is Any:
        return st.binary(max_size=40)
    if hint == tuple[FileEntry, ...]:
        return st.lists(record(FileEntry), max_size=3)
    if hint == tuple[Act | Edit, ...]:
        return st.lists(message(Act) | message(Edit), max_size=3)
    if hint == Mapping[str, str]:
        return st.dictionaries(TEXTS, TEXTS, max_size=4)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXTS,
        int: whole(),
        bool: st.booleans(),
        bytes: st.binary(max_size=40),
        str | None: st.none() | TEXTS,
        bytes | None: st.none() | st.binary(max_size=40),
    }
    return plain[hint]


def record(kind: type) -> st.SearchStrategy[dict[str, Any]]:
    """Give objects with the members of a class of the table."""
    return st.fixed_dictionaries({name: member(hint) for name, hint in typing.get_type_hints(kind).items()})


def message(kind: type) -> st.SearchStrategy[dict[str, Any]]:
    """Give messages of one kind, as a tab would say them."""
    return record(kind).map(lambda members: {"type": kind.__name__.lower(), **members})


MESSAGES: Final = st.one_of([message(kind) for kind in FROM_TAB.values()])


def refused(said: object) -> str:
    """Why something is refused."""
    answer = decode(said)
    assert isinstance(answer, Rejected), answer
    return answer.reason


def overwritten(said: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Give a message with some of its members set to something else."""
    return st.dictionaries(st.sampled_from(sorted(said)), PLAIN | ANYTHING, max_size=3).map(lambda other: said | other)


@given(ANYTHING | MESSAGES.flatmap(overwritten))
@example({"type": "scrolled", "first": float("nan"), "rows": float("inf")})
def test_anything_is_a_message_or_refused_in_words(said: object) -> None:
    """It never raises; and words are for a person: they can be shown and stored."""
    answer = decode(said)

    if isinstance(answer, Rejected):
        assert answer.reason.encode()
    else:
        assert isinstance(said, dict) and type(answer) is FROM_TAB[said["type"]]


@given(MESSAGES)
def test_what_a_tab_says_is_read_as_it_was_said(said: dict[str, Any]) -> None:
    """Every kind of the table, with any values of the right types; texts are whole from here on."""
    answer = decode(said)

    assert type(answer) is FROM_TAB[said["type"]]
    for name, value in said.items():
        if name not in ("type", "pending", "files"):
            assert getattr(answer, name) == cleaned(value)
    if said["type"] == "hello":
        assert answer.pending == tuple(decode(entry) for entry in said["pending"])  # type: ignore[union-attr]


def cleaned(value: Any) -> Any:
    """A value with its half characters replaced."""
    if isinstance(value, dict):
        return {name: cleaned(each) for name, each in value.items()}
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@given(MESSAGES.filter(lambda said: len(said) > 1), st.data())
def test_a_message_with_one_member_broken_is_refused_by_name(said: dict[str, Any], data: st.DataObject) -> None:
    """The refusal names the message and the member; one that may be left out is not missed."""
    kind = FROM_TAB[said["type"]]
    field = data.draw(st.sampled_from(dataclasses.fields(kind)))
    right = typing.get_type_hints(kind)[field.name]
    optional = field.default is not dataclasses.MISSING or fits(right, None)
    wrong = data.draw(ANYTHING.filter(lambda value: not fits(right, value) and not (optional and value is None)))

    assert refused(said | {field.name: wrong}).startswith(f"{said['type']}.{field.name}: ")
    left_out = {name: value for name, value in said.items() if name != field.name}
    assert optional != isinstance(decode(left_out), Rejected)


def fits(hint: Any, value: object) -> bool:
    """Whether a value may stand where the table has a type; said here once more, to hold the decoder against."""
    if hint in (str | None, bytes | None) and value is None:
        return True
    if hint is int:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and abs(value) < 2**53 and value == int(value)
    if hint == Mapping[str, str]:
        return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if hint == tuple[FileEntry, ...]:
        # `files` may be left out, and null is left out.
        return value is None or (isinstance(value, list) and not value)
    if hint == tuple[Act | Edit, ...]:
        return isinstance(value, list) and not value
    kinds: dict[Any, type] = {str: str, bool: bool, bytes: bytes, str | None: str, bytes | None: bytes}
    return isinstance(value, kinds[hint])


EDIT: Final = {"type": "edit", "seq": 1, "note": "", "update": b"", "shown": 0}
ACT: Final = {"type": "act", "seq": 1, "nonce": "", "name": "", "args": {}}
FILE: Final = {"path": "a.md", "file": b""}
HELLO: Final[dict[str, Any]] = {
    "type": "hello",
    "tab": "",
    "client": 1,
    "query": "",
    "fragment": "",
    "rows": 1,
    "note": None,
    "vector": None,
    "pending": [],
    "language": "",
    "offset": 0,
    "online": True,
    "visible": True,
}


@pytest.mark.parametrize(
    ("within", "beyond", "count", "limit"),
    [
        (ACT, "files", [FILE] * (FILES_MAX + 1), FILES_MAX),
        (HELLO, "pending", [EDIT] * (PENDING_MAX + 1), PENDING_MAX),
    ],
    ids=["files", "pending"],
)
def test_every_limit_is_named_with_both_numbers(within: dict[str, Any], beyond: str, count: Any, limit: int) -> None:
    """What is at the limit is taken, one more is refused."""
    words = refused(within | {beyond: count})

    assert f"{limit + 1} " in words and f"the limit is {limit}" in words
    assert not isinstance(decode(within | {beyond: count[:limit]}), Rejected)


def test_what_is_wrong_within_what_is_pending_is_refused_by_name() -> None:
    """A hello is no way around the door."""
    assert "edit.update: " in refused(HELLO | {"pending": [EDIT, EDIT | {"update": "none"}]})
    assert "neither an act nor an edit" in refused(HELLO | {"pending": [HELLO]})
    assert "holds something other than text" in refused(ACT | {"args": {"note": 1}})


DERIVED: Final = {"rows", "texts", "states"}


@settings(max_examples=25)
@given(st.lists(ANYTHING.filter(lambda said: isinstance(decode(said), Rejected)), min_size=1, max_size=8))
def test_a_core_that_is_given_garbage_says_so_changes_nothing_and_lives_on(garbage: list[object]) -> None:
    """Every other tab works on, and so does the one that said it."""

    async def main() -> None:
        home = Home()
        tab = await home.begin()
        await home.quiet(tab)
        written = writes_of(tab)

        for said in garbage:
            say(tab, said)
        await until(lambda: "refused" in tab.regions.get("toast", ""), "it is said")

        assert not written
        await works_on(home, tab)

    run(main())


@settings(max_examples=60)
@given(st.data())
def test_no_message_of_the_right_form_ends_the_core(data: st.DataObject) -> None:
    """Right types, any values: another note's name, a vector that is none, an update of rubbish, a row at minus a million."""

    async def main() -> None:
        home = Home()
        tab = await home.begin()
        for said in data.draw(st.lists(wild(tab), min_size=1, max_size=5)):
            say(tab, said)
        await works_on(home, tab)

    run(main())


@pytest.mark.parametrize("alias", [str.lower, lambda _: ""], ids=["in lower case", "empty"])
@rule
async def test_an_edit_of_what_is_no_note_is_refused(home: Home, alias: Callable[[str], str]) -> None:
    """It ended the core once; and in lower case an id would be a second document of the same note."""
    tab = await home.begin()
    assert tab.replica is not None and tab.note is not None
    await home.quiet(tab)
    written = writes_of(tab)

    say(tab, EDIT | {"note": alias(tab.note), "update": tab.replica.note.state()})
    await until(lambda: "its note is not in this notebook" in tab.regions["toast"], "it is said")

    assert not written
    await works_on(home, tab)


@rule
async def test_who_cannot_say_what_it_has_of_a_note_is_given_all_of_it(home: Home) -> None:
    """It ended the core once: a tab's state vector is foreign bytes."""
    tab = await home.begin()
    assert tab.replica is not None
    heard: list[ToTab] = []
    listen(tab, heard.append)

    say(tab, HELLO | {"tab": tab.name, "query": f"?note={tab.note}", "note": tab.note, "vector": b"none"})
    await until(lambda: "could not say what it has" in tab.regions["toast"], "it is said")

    assert [one.update for one in heard if isinstance(one, Bind)] == [tab.replica.note.state()]
    await works_on(home, tab)


def wild(tab: Tab) -> st.SearchStrategy[dict[str, Any]]:
    """Give messages of the right form that are near enough to right ones to get far."""
    assert tab.replica is not None and tab.note is not None
    state, vector = tab.replica.note.state(), tab.replica.note.vector()
    writer = Note.load(tab.note, 7, state)
    writer.replace_body("the first of two")
    early = writer.replace_body("the second, whose first is missing")
    notes = st.sampled_from([tab.note, "0" * 26, "7" + "Z" * 25, tab.note.lower()]) | TEXTS
    names = st.sampled_from(sorted(set(RULES))) | TEXTS
    words = notes | st.sampled_from(["true", "notes", "settings", "http://relay.test:8000", "?at=join", "?note="])
    args = st.dictionaries(st.sampled_from(sorted({name for rule in RULES.values() for name in rule.args})), words)
    near = {
        "note": notes,
        "vector": st.none() | st.just(vector) | st.binary(max_size=20),
        "update": st.binary(max_size=40) | torn(state) | st.just(early),
        "name": names,
        "args": args,
        "nonce": notes,
        "query": words | notes.map(lambda note: f"?note={note}"),
        "fragment": st.just("") | TEXTS,
    }

    def nearer(said: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        changed = {name: strategy for name, strategy in near.items() if name in said}
        return st.fixed_dictionaries(changed).map(lambda values: said | values)

    return MESSAGES.filter(lambda said: said["type"] != "bye").flatmap(nearer)


def torn(state: bytes) -> st.SearchStrategy[bytes]:
    """Give an update with one byte of it another one, or its end cut off."""
    places = st.integers(0, len(state) - 1)
    changed = st.tuples(places, st.integers(0, 255)).map(
        lambda edit: state[: edit[0]] + bytes([edit[1]]) + state[edit[0] + 1 :]
    )
    return changed | places.map(lambda end: state[:end])


def say(tab: Tab, said: Any) -> None:
    """Put something into the tab's port, past all that the tab itself does."""
    assert tab._port is not None, "a tab that is ready has a port"
    tab._port.say(said)


def writes_of(tab: Tab) -> list[str]:
    """Watch the device: the stores to which something is written from now on, but for those that can be made again."""
    written: list[str] = []
    assert {store.name for store in STORES} >= DERIVED

    def watch(_: str, step: Step) -> Fault | None:
        if isinstance(step, Commit):
            written.extend(one.store for one in step.operations if one.store not in DERIVED)
        return None

    tab.worker.device.faults = watch
    return written


async def works_on(home: Home, tab: Tab) -> None:
    """The core that was there is there, and what a new tab of it writes is saved."""
    starts = tab.worker.starts
    other = Tab(tab.worker, Random("works on")).open()
    await until(lambda: other.ready == "ready", "another tab is greeted")
    created = other.act("note.create")
    await until(lambda: other.saved and other.note == created, "it makes a note")
    other.type("still here")
    await until(lambda: other.saved, "what it writes is saved")

    assert (tab.worker.starts, tab.worker.device.failures) == (starts, [])
    assert any(b"still here" in row.update for row in holdings(other).journal()) or "still here" in other.text
    assert opened(other).notebook.note(created) is not None
