"""A member's rightly sealed change hurts the note that it is of, and that as little as can be; core, device and other notes go on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from carryon.notes.note import Note
from carryon.storage.quarantine import Kind
from carryon_sync.formats.ids import text_of

from tests.core.home import Home, opened, rule
from tests.core.poison import sealed, send, together
from tests.notes.updates import FIT, UNFIT, WORDS, in_root, number, string, update
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

GAP = update(WORDS, clock=3)
FIELDS = {
    "a trash of 60,000 brackets": update(in_root("fields", 8, string("[" * 60_000), "trashed/5.1"), client=11),
    "a source of 60,000 brackets": update(in_root("fields", 8, string('{"a":' * 12_000), "source/5.1"), client=12),
    "a title of three million letters": update(in_root("fields", 8, string("x" * 3_000_000), "title/5.1"), client=13),
    "a key of ten thousand digits": update(
        in_root("fields", 8, string("x"), f"title/{'9' * 5_000}.{'9' * 5_000}"), client=14
    ),
    "a trash that is no trash": update(
        in_root("fields", 8, string('{"by": 5, "heads": {"a": "b"}}'), "trashed/5.1"), client=15
    ),
}
POISON = {"unfit": {**UNFIT, "a gap": GAP}, "fields": FIELDS}


async def two_devices(home: Home) -> tuple[Tab, Tab, str]:
    """Anna and Bert in one notebook, and a note with words of Anna's that both have."""
    anna = await home.begin()
    note = anna.act("note.create")
    await until(lambda: anna.note == note, "the note is open")
    anna.type("Anna's words")
    await home.quiet(anna)
    bert = await home.join(anna, "Bert")
    return anna, bert, note


async def goes_on(home: Home, tab: Tab, note: str) -> None:
    """The other notes can be written."""
    other = next(each for each in opened(tab).notebook.rows if each != note)
    await home.show(tab, other)
    tab.type("goes on ")
    await until(lambda: tab.saved, "another note is written in")


async def again(home: Home, tab: Tab) -> Tab:
    """Another core on the same device."""
    device = tab.worker.device
    tab.crash()
    return await home.tab(device.worker())


async def before_and_after(home: Home, tab: Tab) -> AsyncIterator[Tab]:
    """A tab as it is, and one of the core that comes next."""
    yield tab
    yield await again(home, tab)


@rule
@pytest.mark.parametrize("kind", POISON)
async def test_i13_i14_poison_in_a_note_costs_that_change_alone(home: Home, kind: str) -> None:
    """I13, I14: both devices run on and start again; the note's other words are shown and can be gone on with."""
    anna, bert, note = await two_devices(home)
    await home.show(anna, note)
    heads = tuple(opened(bert).documents.heads(note).values())
    await send(bert, *[await sealed(bert, note, update, needs=heads) for update in POISON[kind].values()])
    await together(home, anna, bert)

    await goes_on(home, anna, note)
    anna, bert = await again(home, anna), await again(home, bert)

    for tab in (anna, bert):
        await goes_on(home, tab, note)
        await home.show(tab, note)
        assert "Anna's words" in tab.text
        tab.type(" go on")
        await until(lambda tab=tab: tab.saved, "it is saved")  # type: ignore[misc]
    await together(home, anna, bert)
    await until(lambda: anna.text == bert.text, "both show the same")


@rule
async def test_i14_what_cannot_be_read_is_named_the_same_at_each_start(home: Home) -> None:
    """I14: Settings names the note and how many, the note says that a part is missing; what is read beside it is no part of it."""
    anna, bert, note = await two_devices(home)
    changes = [await sealed(bert, note, update, FIT["a field"]) for update in (*UNFIT.values(), GAP)]
    await send(bert, *changes)
    await together(home, anna, bert)

    async for tab in before_and_after(home, anna):
        await home.show(tab, note)
        words = f"{len(changes)} changes of this note cannot be read"
        await until(lambda tab=tab, words=words: words in tab.regions["note"], "the note says so")  # type: ignore[misc]
        tab.act("place.open", place="settings")
        await until(lambda tab=tab: "Needs attention" in tab.regions["note"], "Settings says so")  # type: ignore[misc]
        assert f"?note={note}" in tab.regions["note"]
        assert f"{len(changes)} changes of it cannot be read" in tab.regions["note"]
        items = await opened(tab).log.quarantine.items()
        assert {item.kind for item in items} == {Kind.UNREAD}
        assert {item.change and item.change.id for item in items} == {change.id for change in changes}
        document = opened(tab).notebook.note(note)
        assert document is not None
        assert "Title" in [value for _, value in document.field("title").values]


@rule
async def test_a_note_of_which_nothing_can_be_read_is_not_listed(home: Home) -> None:
    """A new note that begins with poison is named in Settings, and listed as soon as words of it can be read."""
    anna, bert, _ = await two_devices(home)
    note = text_of(b"n" * 16)
    first = await sealed(bert, note, UNFIT["a nested map"])
    await send(bert, first)
    await together(home, anna, bert)
    await until(lambda: opened(anna).attention.items, "it is named")
    assert note not in opened(anna).notebook.rows

    await send(bert, await sealed(bert, note, FIT["words"], needs=()))
    await together(home, anna, bert)

    for tab in (anna, await again(home, bert)):
        await home.show(tab, note)
        await until(lambda tab=tab: tab.text == "words", "it is shown")  # type: ignore[misc]


@rule
async def test_what_was_sent_too_early_shows_the_same_in_whatever_order_it_came(home: Home) -> None:
    """I14: a change that hides what it needs is set aside until that is there, so that devices do not differ."""
    anna, bert, note = await two_devices(home)
    author = Note(note, 77)
    first, second = author.replace_body("one"), author.splice(3, 3, " two")
    await send(bert, await sealed(bert, note, second))
    await together(home, anna, bert)
    await home.show(anna, note)
    await until(lambda: "cannot be read" in anna.regions["note"], "it is said")

    await send(bert, await sealed(bert, note, first))
    await together(home, anna, bert)

    async for tab in before_and_after(home, anna):
        await home.show(tab, note)
        await until(lambda tab=tab: "one two" in tab.text, "it is shown")  # type: ignore[misc]
        await until(lambda tab=tab: not opened(tab).attention.items, "nothing needs attention")  # type: ignore[misc]


@rule
async def test_i11_a_number_of_another_device_is_not_written_under(home: Home) -> None:
    """I11: what Bert writes under the number of Anna's editor is refused on both devices and named, before and after a start."""
    anna, bert, note = await two_devices(home)
    await home.show(bert, note)
    stolen = Note(note, anna.client)
    stolen.replace_body("not by Anna, though it says so")
    theft = stolen.update_since(b"\1" + number(anna.client) + b"\5")
    heads = tuple(opened(bert).documents.heads(note).values())
    await send(bert, await sealed(bert, note, theft, needs=heads))
    await together(home, anna, bert)

    for one in (anna, bert):
        async for tab in before_and_after(home, one):
            await home.show(tab, note)
            assert tab.text == "Anna's words"
            [item] = await opened(tab).log.quarantine.items()
            assert item.kind is Kind.UNREAD
            assert "another device's here" in item.reason


@rule
async def test_i11_who_finds_its_number_taken_draws_another(home: Home) -> None:
    """I11: Bert has used the number of Anna's core in a note that it had not written yet; what Anna does there arrives."""
    anna, bert, note = await two_devices(home)
    other = next(each for each in opened(anna).notebook.rows if each != note)
    taken = Note(other, opened(anna).notebook.client)
    heads = tuple(opened(bert).documents.heads(other).values())
    await send(bert, await sealed(bert, other, taken.set_field("folder", "Bert's", 1), needs=heads))
    await together(home, anna, bert)

    anna.act("note.rename", note=other, value="Anna's title")
    await together(home, anna, bert)

    for tab in (anna, bert):
        rows = opened(tab).notebook.rows
        await until(lambda rows=rows: other in rows and rows[other].title == "Anna's title", "it is renamed")  # type: ignore[misc]
        assert rows[other].folder == "Bert's"
        assert not opened(tab).attention.items


@rule
async def test_i11_words_under_a_number_that_was_taken_meanwhile_are_named(home: Home) -> None:
    """I11: Bert took the number of Anna's core, who was offline and wrote there: each names what it does not show, before and after a start."""
    anna, bert, note = await two_devices(home)
    other = next(each for each in opened(anna).notebook.rows if each != note)
    claire = await home.join(anna, "Claire")
    await together(home, anna, bert, claire)
    home.network.go_offline("Anna", told=True)
    taken = Note(other, opened(anna).notebook.client)
    heads = tuple(opened(bert).documents.heads(other).values())
    await send(bert, await sealed(bert, other, taken.set_field("folder", "Bert's", 1), needs=heads))
    await together(home, bert, claire)

    anna.act("note.rename", note=other, value="Anna's title")
    await until(lambda: anna.saved, "Anna's words are saved")
    home.network.go_online("Anna")
    await home.quiet(anna)
    await together(home, anna, bert, claire)

    for one, title, folder in ((anna, "Anna's title", ""), (claire, "Welcome", "Bert's")):
        async for tab in before_and_after(home, one):
            await home.show(tab, other)
            row = opened(tab).notebook.rows[other]
            assert (row.title, row.folder) == (title, folder)
            [item] = await opened(tab).log.quarantine.items()
            assert item.kind is Kind.UNREAD
            assert "another device's here" in item.reason


@rule
async def test_a_document_that_is_torn_is_made_again_without_what_tore_it(home: Home) -> None:
    """What no reading foresees: the words beside it stay, for editors too, and a start finds the same."""
    anna, bert, note = await two_devices(home)
    await home.show(anna, note)
    circle = b"\2\1\7\0\x84\x08\0\1a\1\x08\0\x84\7\0\1b\0"
    await send(bert, await sealed(bert, note, circle))
    await together(home, anna, bert)

    anna.type(" go on", 12)
    await until(lambda: anna.saved, "it is saved")
    async for tab in before_and_after(home, anna):
        await home.show(tab, note)
        assert tab.text == "Anna's words go on"
        assert [item.kind for item in await opened(tab).log.quarantine.items()] == [Kind.UNREAD]
