"""What came damaged, or cannot be opened yet, harms nothing else, is named, and is asked for again until it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

import pytest
from carryon.core.acts.pairing import invite
from carryon.core.log import opening
from carryon.core.log.membership import Admitted
from carryon.notes.note import Note
from carryon.storage import layouts
from carryon.storage.errors import Lost, StorageError
from carryon.storage.layouts import second_key_of
from carryon.storage.memory_store import MemoryDisk
from carryon.storage.quarantine import DamagedRecord, Kind
from carryon.storage.store import Entry, Range
from carryon_sync.formats.change import Body, Change, Link, decode_change
from carryon_sync.formats.records import record_id
from carryon_sync.protocol.frames import WANTS_MAX

from tests.core.home import Home, fail_writes, holdings, mend, opened, rule
from tests.core.poison import ids_in_log, sealed, together
from tests.core.test_damage import damage, start_again, two_changes
from tests.notes.updates import FIT, number, update
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

ALL = Range(False, None, None, None, False)
ZEROS = 1 << 21


def damaged(tab: Tab) -> int:
    """How many changes of a device's log do not read."""
    return [layouts.change_in(one.value, one.unique) for one in holdings(tab).entries("log")].count(None)


@rule
async def test_e7_what_is_damaged_is_asked_for_again_and_mended(home: Home) -> None:
    """E7: the relay has it; the note is whole again, in the open editor too, and nothing needs attention any more."""
    tab, note = await two_changes(home)
    damage(tab, note, 0)
    tab = await start_again(home, tab)

    tab.act("note.open", note=note)
    await until(lambda: damaged(tab) == 0, "the log is mended")
    await home.show(tab, note)

    await until(lambda: tab.text == "first words second words", "all of it is shown")
    await until(lambda: not opened(tab).attention.items, "nothing needs attention")


@rule
async def test_e7_a_change_in_the_middle_that_is_damaged_costs_no_core(home: Home) -> None:
    """E7: without a network, what builds on it is set aside, what does not is shown; all of it comes back with the network."""
    tab, note = await two_changes(home)
    tab.type(" third words")
    await home.quiet(tab)
    await asyncio.sleep(5)
    here, tag = holdings(tab), opened(tab).identity.tag(note)
    disk, entries = here.disk, [one for one in here.entries("log") if one.unique[0] == tag]  # type: ignore[index]
    assert disk is not None
    device = tab.worker.device
    home.relay.crash()
    disk.rot("log", entries[1].key, entries[1].value[:-1] + bytes([entries[1].value[-1] ^ 1]))
    tab.crash()
    tab = await home.tab(device.worker())

    await home.show(tab, note)
    assert tab.text == "first words"
    assert "cannot be read" in tab.regions["note"]
    assert opened(tab).notebook.rows[note].words == 6
    home.relay.start()
    tab.look()

    await until(lambda: tab.text == "first words second words third words", "all of it is shown", 300.0)
    await until(lambda: "cannot be read" not in tab.regions["note"], "nothing is said of it any more")


@pytest.mark.parametrize("damaged", [slice(1, 2), slice(None)], ids=["a part", "all of it"])
@rule
async def test_what_one_core_mends_every_core_shows(home: Home, damaged: slice) -> None:
    """E7: the relay gives it to the core that leads; the others, whose notes lack it, read it from the log then."""
    tab, note = await two_changes(home)
    here, tag = holdings(tab), opened(tab).identity.tag(note)
    disk, entries = here.disk, [one for one in here.entries("log") if one.unique[0] == tag]  # type: ignore[index]
    assert disk is not None
    device = tab.worker.device
    home.relay.crash()
    for entry in entries[damaged]:
        disk.rot("log", entry.key, entry.value[:-1] + bytes([entry.value[-1] ^ 1]))
    tab.crash()
    tabs = [await home.tab(device.worker()) for _ in range(2)]
    for one in tabs:
        one.act("note.open", note=note)
    await until(lambda: all("cannot be read" in one.regions["note"] for one in tabs), "it is said", 60.0)

    home.relay.start()
    tabs[0].look()

    await until(lambda: all(one.note == note for one in tabs), "it is open everywhere", 300.0)
    await until(lambda: all(one.text == "first words second words" for one in tabs), "all of it is shown", 60.0)
    await until(
        lambda: not any("cannot be read" in one.regions["note"] for one in tabs), "nothing is said any more", 60.0
    )
    rows = [opened(one).notebook.rows[note] for one in tabs]
    assert rows[0] == rows[1] and rows[0].words == 4


@rule
async def test_what_rots_is_found_before_anybody_needs_it(home: Home) -> None:
    """E7: the log is read to its end while the device rests; the note was never opened, and is whole when it is."""
    tab, note = await two_changes(home)
    here, tag = holdings(tab), opened(tab).identity.tag(note)
    entry = [one for one in here.entries("log") if one.unique[0] == tag][-1]  # type: ignore[index]
    assert here.disk is not None
    device = tab.worker.device
    tab.crash()
    tab = await home.tab(device.worker())
    await until(lambda: opened(tab).texts_read.done(), "the texts are read")
    opened(tab).documents.forget(note)

    here.disk.rot("log", entry.key, entry.value[:-1] + bytes([entry.value[-1] ^ 1]))

    await until(lambda: damaged(tab) == 0, "the log is mended", 60.0)


@rule
async def test_damage_that_was_named_while_it_was_mended_is_not_named_for_ever(home: Home) -> None:
    """A core reads a record, another one mends it, and only then is the damage named: the relay's whole copy ends that."""
    tab, note = await two_changes(home)
    log, tag = opened(tab).log, opened(tab).identity.tag(note)
    [entry] = (await log.changes.of_tag(tag)).entries[:1]
    await log.quarantine.add([DamagedRecord("log", entry.pos, second_key_of(entry.change))])
    assert await log.quarantine.wanted() == [entry.change.id]

    await opened(tab).receiving.receive([entry.change.encode()], None, None)

    assert await log.quarantine.items() == []


@rule
async def test_a9_a_read_that_gives_rot_once_changes_nothing(home: Home) -> None:
    """A9: the record is read again before it is believed to be damaged."""
    tab, note = await two_changes(home)
    here, tag = holdings(tab), opened(tab).identity.tag(note)
    [entry] = [one for one in here.entries("log") if one.unique[0] == tag][:1]  # type: ignore[index]
    assert here.disk is not None
    here.disk.rot("log", entry.key, b"rot")
    find = opened(tab).log.changes._generation.store.find

    async def mended(*asked: object, **others: object) -> object:
        assert here.disk is not None
        here.disk.rot("log", entry.key, entry.value)
        return await find(*asked, **others)  # type: ignore[arg-type]

    opened(tab).log.changes._generation.store.find = mended  # type: ignore[method-assign, assignment]
    page = await opened(tab).log.changes.of_tag(tag)

    assert [one.pos for one in page.entries] == [one.key for one in here.entries("log") if one.unique[0] == tag]  # type: ignore[index]
    assert await opened(tab).log.quarantine.items() == []


def give_rot_once(disk: MemoryDisk, number: int) -> Callable[[], bool]:
    """Let one read of a disk give rot where there is none, the `number`-th from now on; tells whether it was reached."""
    read, left = disk.read, number

    def rotten(store: str, asked: Range) -> list[Entry]:
        nonlocal left
        left -= 1
        entries = read(store, asked)
        if left != -1:
            return entries
        return [Entry(one.key, one.value[:-1] + bytes([one.value[-1] ^ 1]), one.unique) for one in entries]

    disk.read = rotten  # type: ignore[method-assign]
    return lambda: left < 0


@pytest.mark.parametrize("number", range(0, 46, 2))
@rule
async def test_a9_any_one_read_that_gives_rot_costs_no_words(home: Home, number: int) -> None:
    """A9: at a start and an opening; nothing of the log is written over for it, and the next core finds all as it was."""
    home.may_fail = True
    tab, note = await two_changes(home)
    tab.type("; third words")
    await until(lambda: tab.saved, "it is saved")
    device, disk = tab.worker.device, holdings(tab).disk
    assert disk is not None
    tab.crash()
    kept = {store: disk.read(store, ALL) for store in ("log", "members", "journal")}
    reached = give_rot_once(disk, number)

    tab = await home.tab(device.worker())
    tab.act("note.open", note=note)
    await asyncio.sleep(20)
    assert reached()
    tab.crash()
    del disk.read  # type: ignore[method-assign]
    tab = await home.tab(device.worker())

    await home.show(tab, note)
    assert tab.text == "first words second words; third words"
    for store in ("log", "members"):
        assert disk.read(store, ALL)[: len(kept[store])] == kept[store]
    await until(lambda: opened(tab).notebook.texts_ready, "all texts are read")
    assert opened(tab).notebook.text(note) == tab.text


@rule
async def test_i3_a_change_that_came_with_a_flipped_bit_is_asked_for_again(home: Home) -> None:
    """I3: refused and named; on the next connection it is asked for, and taken when it is whole."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    note = next(iter(opened(anna).notebook.rows))
    whole = await sealed(bert, note, b"\0\0", needs=tuple(opened(bert).documents.heads(note).values()))
    flipped = bytearray(whole.encode())
    flipped[-1] ^= 1

    await opened(anna).receiving.receive([bytes(flipped)], None, None)
    [item] = await opened(anna).log.quarantine.items()
    assert (item.kind, item.change) == (Kind.REFUSED, opening.name_of(whole))
    anna.act("place.open", place="settings")
    await until(lambda: "came damaged or forged" in anna.regions["note"], "it is named")
    await opened(bert).receiving.receive([whole.encode()], None, None)
    opened(bert).syncing.appended([(opened(bert).log.changes.position, whole.header.tag)])
    await until(lambda: whole.id in home.ids(anna), "the relay has it")
    anna.act("trouble.ask")

    await until(lambda: whole.id in ids_in_log(anna), "it is taken")
    await until(lambda: "Needs attention" not in anna.regions["note"], "nothing needs attention")


@rule
async def test_a_change_by_a_device_that_is_not_known_yet_is_tried_again_when_it_is(home: Home) -> None:
    """Its record comes later, or was damaged here: the change is kept, named as early, and read then."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    note = next(iter(opened(anna).notebook.rows))
    await home.show(bert, note)
    device = anna.worker.device
    disk = holdings(anna).disk
    certificate = opened(bert).identity.certificate
    [record] = [one for one in holdings(anna).entries("members") if one.unique == certificate]
    assert disk is not None
    anna.crash()
    disk.rot("members", record.key, record.value[:-1] + bytes([record.value[-1] ^ 1]))
    bert.type("from Bert ", 0)
    await home.quiet(bert)
    change = decode_change(home.relay.entries(opened(bert).identity.notebook)[-1])
    assert isinstance(change, Change)
    home.relay.crash()
    anna = await home.tab(device.worker())

    await opened(anna).receiving.receive([change.encode()], None, None)
    await until(
        lambda: {item.kind for item in opened(anna).attention.items} == {Kind.DAMAGED, Kind.EARLY}, "it is named"
    )
    home.relay.start()
    anna.look()

    await together(home, anna, bert)
    await home.show(anna, note)
    await until(lambda: anna.text == bert.text, "it is shown")
    await until(lambda: not opened(anna).attention.items, "nothing needs attention")


@rule
async def test_what_was_dismissed_is_shown_no_more(home: Home) -> None:
    """A person has seen it: Settings is quiet about it, also after a start, and it is still asked for."""
    tab, note = await two_changes(home)
    device = tab.worker.device
    damage(tab, note, 1)
    home.relay.crash()
    tab.crash()
    tab = await home.tab(device.worker())
    await home.show(tab, note)
    tab.act("place.open", place="settings")
    await until(lambda: "Needs attention" in tab.regions["note"], "it is named")

    tab.act("trouble.dismiss", trouble=f"damaged:{opened(tab).identity.tag(note).hex()}")
    await until(lambda: "Needs attention" not in tab.regions["note"], "it is dismissed")
    tab.crash()
    tab = await home.tab(device.worker())
    await home.show(tab, note)

    assert [item.seen for item in await opened(tab).log.quarantine.items()] == [True]
    home.relay.start()
    tab.look()
    await until(lambda: damaged(tab) == 0, "it is mended all the same", 300.0)


@rule
async def test_e7_what_nobody_has_hides_nothing_that_somebody_has(home: Home) -> None:
    """E7: hundreds of changes wait for what does not exist, and are asked for first; what is damaged is mended all the same."""
    tab, note = await two_changes(home)
    missing = [Link(bytes(16), place, place.to_bytes(32, "big")) for place in range(1, WANTS_MAX + 50)]
    waiting = [await sealed(tab, note, FIT["words"], needs=(link,)) for link in missing]
    await opened(tab).receiving.receive([change.encode() for change in waiting], None, None)
    assert opened(tab).receiving.holdback.count == len(waiting)
    damage(tab, note, 0)
    tab = await start_again(home, tab)

    tab.act("note.open", note=note)

    await until(lambda: damaged(tab) == 0, "the log is mended")
    tab.act("place.open", place="settings")
    await until(lambda: "changes that came build on others" in tab.regions["note"], "what waits is named")


@rule
async def test_i16_a_batch_is_opened_in_turns(home: Home) -> None:
    """I16: changes of 2 MiB of zeros come as 2 kB each; no more of them are open at once than the budget has room for."""
    tab = await home.begin()
    identity = opened(tab).identity
    note = next(iter(opened(tab).notebook.rows))
    large = update(bytes([4]) + number(1) + b"\4body" + number(ZEROS) + bytes(ZEROS))
    changes = [await sealed(tab, note, large, bytes([place])) for place in range(40)]
    assert sum(len(change.encode()) for change in changes) < 200_000
    together_open: list[int] = []
    really = identity.open

    async def counted(asked):  # type: ignore[no-untyped-def]
        bodies = await really(asked)
        together_open.append(sum(len(one) for body in bodies if isinstance(body, Body) for one in body.updates))
        return bodies

    identity.open = counted  # type: ignore[method-assign]
    await opened(tab).receiving.receive([change.encode() for change in changes], None, None)

    assert len(together_open) >= 2
    assert max(together_open) <= opening.OPENED_BYTES_MAX


async def _naming_an_unknown_record(home: Home) -> tuple[Tab, Tab, Change, bytes]:
    """Anna and Bert, a change of Anna's device, and the record that it names and Bert has not."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    assert anna.note is not None
    known = [opened(tab).identity.members for tab in (anna, bert)]
    await until(lambda: not known[0].unwitnessed(opened(anna).identity.certificate), "Bert is witnessed", 30.0)
    await until(lambda: known[0].tips() == known[1].tips(), "both know the same", 30.0)
    home.network.go_offline("Bert", told=True)
    link = await invite(opened(anna))
    assert isinstance(link, str), link
    [record] = [
        one.encode() for one in opened(anna).identity.members.records() if one.id not in opened(bert).identity.members
    ]
    return anna, bert, await sealed(anna, anna.note, Note(anna.note, 77).splice(0, 0, "early ")), record


@rule
async def test_a_change_that_came_too_early_is_taken_in_when_another_core_has_learned_what_it_names(home: Home) -> None:
    """Whoever kept the record: the change is tried again, enters the log, and is named no more."""
    _, bert, change, record = await _naming_an_unknown_record(home)
    there = opened(bert)
    taken = await there.receiving.receive([change.encode()], None, None)
    assert taken.early == (change.id,)
    assert [item.kind for item in await there.log.quarantine.items()] == [Kind.EARLY]

    await there.log.members.add([record])
    await there.identity.read_kept()

    await until(lambda: change.id in ids_in_log(bert), "it is in the log", 30.0)
    await until(lambda: not there.attention.items, "nothing needs attention", 30.0)


@rule
async def test_no_receipt_goes_beyond_a_change_that_came_too_early(home: Home) -> None:
    """It is a hole in the log until it is here: nobody is told that this device has it."""
    anna, bert, change, _ = await _naming_an_unknown_record(home)
    here, there = opened(anna), opened(bert)
    learn, waiting = there.identity.learn, []

    async def learn_nothing(records: Sequence[bytes]) -> Admitted:
        waiting.extend(records)
        return await learn(())

    there.identity.learn = learn_nothing  # type: ignore[method-assign]
    await here.receiving.receive([change.encode()], None, None)
    here.syncing.appended([(here.log.changes.position, change.header.tag)])
    await home.quiet(anna)
    home.network.go_online("Bert")
    bert.look()
    await until(lambda: there.syncing.standing().live, "Bert is there", 60.0)
    await until(lambda: change.id not in ids_in_log(bert) and there.log.quarantine.known, "it came too early", 60.0)
    await asyncio.sleep(20)
    held = there.syncing._evidence.held
    assert held is not None and held.sequence < len(home.ids(anna))
    assert not anna.status.startswith("Seen by")
    assert "withholds" not in there.syncing.standing().words

    there.identity.learn = learn  # type: ignore[method-assign]
    await learn(waiting)
    await until(lambda: anna.status.startswith("Seen by"), "Bert has it", 120.0)
    await together(home, anna, bert)


@rule
async def test_what_a_document_took_is_shown_though_the_disk_fails_right_after(home: Home) -> None:
    """It would not be new a second time: the open editor is told of it with the next look at the log."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    assert anna.note is not None
    await home.show(bert, anna.note)
    documents, failed = opened(bert).documents, []
    absorbed = documents.absorbed

    async def fails_once(note: str, changes: Collection[bytes]) -> None:
        if not failed:
            failed.append(note)
            raise Lost("memory")
        await absorbed(note, changes)

    documents.absorbed = fails_once  # type: ignore[method-assign]
    anna.type("shown at once ")

    await until(lambda: "shown at once" in bert.text, "Bert is shown it", 60.0)
    assert failed


@rule
async def test_a_change_names_no_record_that_its_device_does_not_keep(home: Home) -> None:
    """What a full disk refused is kept before a change rests on it: nobody could get it from this device otherwise."""
    anna = await home.begin()
    await home.quiet(anna)
    fail_writes(anna.worker.device)
    with pytest.raises(StorageError):
        await invite(opened(anna))
    [unkept] = set(opened(anna).identity.members.good_tips())

    mend(anna.worker.device)
    anna.type("on and on ")
    await home.quiet(anna)

    assert unkept in {record_id(record) for record in await opened(anna).log.members.records()}
