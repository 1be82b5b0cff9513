"""A device that has joined: it says how much has come until all has, and the one that invited it says who it is."""

from __future__ import annotations

from random import Random

import pytest
from carryon.core.tabs.messages import Regions, ToTab
from carryon.storage.errors import StorageError
from carryon.storage.layouts import change_in
from carryon_sync.device.holdback import HoldBack
from carryon_sync.formats.change import Change

from tests.core.home import Home, fail_writes, holdings, listen, mend, opened, rule
from tests.simulation.tab import Tab, words_in
from tests.simulation.virtual_loop import until

NOTES = 600


@rule
async def test_a_device_that_has_joined_says_how_much_has_come_and_never_that_there_is_nothing(home: Home) -> None:
    """From the press on Join until the last note is here."""
    one = await home.begin()
    one.act(
        "import.files",
        files={f"vault/{number}.md": Random(number).randbytes(3_000).hex().encode() for number in range(NOTES)},
    )
    await until(lambda: f"{NOTES} notes imported" in str(one.regions), "the import is done", 120.0)
    joining = await home.tab(home.device("Bert").worker(), "?join", await home.link(one))
    told: list[str] = []

    def note_words(message: ToTab) -> None:
        if isinstance(message, Regions):
            told.extend(words_in(html) for html in message.regions.values())

    listen(joining, note_words)
    joining.act("join.accept")
    await until(lambda: joining.saved, "joined", 30.0)
    await home.together(one, joining)
    await until(lambda: f"{NOTES + 1} notes" in words_in(joining.regions["list"]), "all are listed", 30.0)

    assert not [words for words in told if "No notes yet" in words or "A new notebook" in words]
    assert any(f"of {NOTES + 1} changes are here" in words for words in told)
    assert "Fetching" not in joining.regions["list"] and "fetching" not in joining.status


@rule
async def test_the_device_that_invited_says_who_has_joined(home: Home) -> None:
    """By its name; the one that joined says nothing of itself, nor does one that did not invite it."""
    one = await home.begin()
    second = await home.join(one, "Bert")
    await until(lambda: "Bert has joined" in words_in(one.regions["toast"]), "it is said", 30.0)
    assert "joined" not in words_in(second.regions["toast"])
    one.act("toast.dismiss")

    third = await home.join(second, "Carla")

    await until(lambda: "Carla has joined" in words_in(second.regions["toast"]), "it is said", 30.0)
    await home.together(one, second, third)
    assert "joined" not in words_in(one.regions["toast"]) + words_in(third.regions["toast"])
    one.go("?at=settings")
    await until(lambda: "Carla" in words_in(one.regions["note"]), "its name is known", 30.0)


async def written_elsewhere(home: Home) -> tuple[Tab, list[Change]]:
    """A device without a network, and two changes of its note that another one has made, one upon the other."""
    one = await home.begin()
    other = await home.join(one, "Bert")
    assert one.note is not None
    await home.show(other, one.note)
    home.network.go_offline(one.worker.device.name, told=True)
    held = holdings(one).ids
    for word in ("first ", "second "):
        other.type(word)
        await home.quiet(other)
    entries = holdings(other).entries("log")
    changes = [
        change for entry in entries if (change := change_in(entry.value, entry.unique)) and change.id not in held
    ]
    assert len(changes) == 2 and changes[1].header.prev == changes[0].id
    return one, changes


@rule
async def test_a_fetch_goes_on_when_members_records_come(home: Home) -> None:
    """What the relay answers waits for its predecessors, and the mark goes: it was dropped, and not asked for again."""
    one, [first, second] = await written_elsewhere(home)
    receiving = opened(one).receiving
    receiving.holdback = HoldBack(marked=[first.header.tag])
    receiving.holdback.fetching(first.header.tag)

    await receiving.members_changed()
    taken = await receiving.receive([second.encode()], None, None)
    assert taken.dropped == ()
    await receiving.receive([first.encode()], None, None, finished=[first.header.tag])

    assert receiving.holdback.marked == ()
    assert {first.id, second.id} <= holdings(one).ids


@rule
async def test_the_mark_of_a_fetch_stays_when_what_came_last_cannot_be_stored(home: Home) -> None:
    """What the disk still says is to be fetched is asked for on the next connection, not only after the next start."""
    one, [first, second] = await written_elsewhere(home)
    receiving, tag = opened(one).receiving, first.header.tag
    receiving.holdback = HoldBack(marked=[tag])
    receiving.holdback.fetching(tag)

    fail_writes(one.worker.device)
    with pytest.raises(StorageError):
        await receiving.receive([first.encode()], None, None, finished=[tag])
    mend(one.worker.device)
    assert receiving.holdback.marked == (tag,)

    receiving.holdback.fetching(tag)
    await receiving.receive([first.encode(), second.encode()], None, None, finished=[tag])
    assert receiving.holdback.marked == ()
    assert {first.id, second.id} <= holdings(one).ids
