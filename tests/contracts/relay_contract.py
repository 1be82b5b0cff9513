"""What the log keeps of relays, members and guards, one function a rule, run as the store's contract is."""

from carryon.storage import layouts
from carryon.storage.arrival import Received
from carryon.storage.derived import Front
from carryon.storage.errors import Closed, Fenced, Gone
from carryon.storage.layouts import NoteState
from carryon.storage.log import Fold
from carryon.storage.members import Author
from carryon.storage.quarantine import Refused
from carryon.storage.store import Delete, Put
from carryon_sync.device.holes import Hole
from carryon_sync.formats.change import Seen
from carryon_sync.formats.records import ROOT, Record, UnknownSays

from tests.contracts import store_contract as contracts
from tests.contracts.device import (
    AT_START,
    AWAY,
    HOME,
    Device,
    connected,
    entering,
    folded,
    logged,
    outbox,
    refused,
    row,
)
from tests.contracts.samples import ALICE, BOB, chain, change, following, link, tag

RULES: dict[str, contracts.Rule] = {}
RECORDS = [Record(bytes(16), (bytes([n]) * 32,), ROOT, UnknownSays(200, b"")).encode() for n in (1, 2, 3)]
rule = entering(RULES)


@rule
async def what_one_relay_sent_goes_to_the_others(device: Device) -> None:
    """A received change enters every outbox but its sender's; one that is held stays where it is until the stream has shown it."""
    log = device.log
    fence = await connected(log, HOME, AWAY)
    mine, theirs = change("n", ALICE, 1), change("n", BOB, 1)
    await folded(log, mine)

    await log.append(Received((theirs,), relay=HOME), fence)
    assert await outbox(log, HOME, fence) == [mine]
    assert await outbox(log, AWAY, fence) == [mine, theirs]

    await log.append(Received((mine, theirs), relay=AWAY), fence)
    assert await outbox(log, AWAY, fence) == [mine, theirs]
    await log.relays.shown(AWAY, {mine.id: 1, theirs.id: 2}, fence, AT_START)
    assert await outbox(log, AWAY, fence) == []
    assert await outbox(log, HOME, fence) == [mine]


@rule
async def a_relay_connected_by_one_core_is_every_cores(device: Device) -> None:
    """A core that knows nothing of a new relay puts its changes into its outbox, and none into a dropped one's."""
    second = await device.second_log()
    fence = await connected(device.log, HOME)

    await second.append(Received((change("n", BOB, 1),)))
    await folded(await device.second_log(), change("n", ALICE, 1))
    assert await outbox(device.log, HOME, fence) == [change("n", BOB, 1), change("n", ALICE, 1)]

    third = await device.second_log()
    await device.log.relays.forget(HOME, fence)
    await folded(third, change("m", ALICE, 1))
    assert (await device.log.relays.pending(HOME)).by_tag == {}
    assert await device.store.read("outbox") == []


@rule
async def a_change_that_enters_while_a_relay_is_connected_is_offered_to_it(device: Device) -> None:
    """The core that wrote it knew of no relay, and the one that connects it had looked for the end of the log before."""
    log, second = device.log, await device.second_log()
    fence = await log.relays.lead()
    look, late = log.changes.refresh, [change("n", BOB, 1)]

    async def look_too_early() -> int:
        last = await look()
        while late:
            await second.append(Received((late.pop(),)))
        return last

    log.changes.refresh = look_too_early  # type: ignore[method-assign]
    await log.relays.start_over(HOME, AT_START, fence)

    assert await outbox(log, HOME, fence) == [change("n", BOB, 1)]


@rule
async def a_damaged_record_of_relays_loses_none(device: Device) -> None:
    """E7: with the list of relays damaged, changes still enter the outboxes of all of them."""
    fence = await connected(device.log, HOME, AWAY)
    await device.rot("meta", "relays", layouts.plain(b"")[:-1] + b"\xff")

    log = await device.reopened()
    await folded(log, change("n", ALICE, 1))

    assert sorted(log.relays.names) == sorted([HOME, AWAY])
    for relay in (HOME, AWAY):
        assert await outbox(log, relay, fence) == [change("n", ALICE, 1)]


@rule
async def shown_changes_leave_the_outbox(device: Device) -> None:
    """What the stream shows goes out with the cursor's move; how far it has the note is kept; other cores' pushes go too."""
    log = device.log
    fence = await connected(log, HOME, AWAY)
    changes = [*chain("n", ALICE, 2), change("m", ALICE, 1)]
    await folded(log, *changes)
    reached = Seen(b"l" * 16, 9, b"r" * 32)

    await log.relays.outbox(HOME, 2, fence)
    shown = await log.relays.shown(HOME, {changes[0].id: 7, changes[2].id: 9, bytes(32): 5}, fence, reached)

    assert (shown.left, shown.holes) == ({1: 7, 3: 9}, ())
    assert await outbox(log, HOME, fence) == [changes[1]]
    assert await outbox(log, AWAY, fence) == changes
    assert (await log.relays.pending(HOME)).by_tag == {tag("n"): 1}
    assert await log.relays.reached(HOME) == reached
    assert [await log.relays.shown_sequence(HOME, tag(name)) for name in "nmx"] == [7, 9, None]
    await log.relays.shown(HOME, {changes[1].id: 4}, fence, reached)
    assert await log.relays.shown_sequence(HOME, tag("n")) == 7
    assert await log.relays.reached(HOME) == reached


@rule
async def what_a_relay_names_and_is_not_here_is_kept_as_a_hole(device: Device) -> None:
    """I1: an id alone of what is not in the outbox, and what was dropped; until it is held, or the log is begun anew."""
    log = device.log
    fence = await connected(log, HOME, AWAY)
    mine = change("n", ALICE, 1)
    await folded(log, mine)
    before = [Seen(b"l" * 16, number, bytes([number]) * 32) for number in range(4)]
    own, lacking, dropped = Hole(mine.id, before[0]), Hole(b"n" * 32, before[1]), Hole(b"d" * 32, before[2])

    shown = await log.relays.shown(
        HOME, {mine.id: 1, lacking.id: 2}, fence, before[3], alone=[own, lacking], dropped=[dropped]
    )

    assert shown.holes == (lacking, dropped)
    log = await device.reopened()
    assert sorted(await log.relays.holes(HOME), key=lambda hole: hole.sequence) == [lacking, dropped]
    assert await log.relays.holes(AWAY) == []
    assert await log.relays.filled(HOME, {lacking.id: 2}, fence) == {}
    assert await log.relays.holes(HOME) == [dropped]
    await log.relays.start_over(HOME, AT_START, fence)
    assert await log.relays.holes(HOME) == []


@rule
async def what_comes_by_another_way_fills_a_hole(device: Device) -> None:
    """What is in the outbox is held, and the relay has said that it holds it too: it leaves."""
    log = device.log
    fence = await connected(log, HOME)
    theirs = change("n", BOB, 1)
    hole = Hole(theirs.id, AT_START)
    await log.relays.shown(HOME, {theirs.id: 1}, fence, Seen(b"l" * 16, 1, bytes(32)), alone=[hole])
    assert await log.relays.waiting_for(HOME, [theirs.id]) == set()
    await log.append(Received((theirs,)))

    assert await log.relays.waiting_for(HOME, [theirs.id]) == {theirs.id}
    assert await log.relays.filled(HOME, {theirs.id: 1}, fence) == {1: 1}

    assert (await outbox(log, HOME, fence), await log.relays.holes(HOME)) == ([], [])


@rule
async def a_hole_that_does_not_read_is_at_the_beginning(device: Device) -> None:
    """E7: which change is lacking is known by its key, and no receipt counts anything until it is held."""
    log = device.log
    fence = await connected(log, HOME)
    reached = Seen(b"l" * 16, 9, bytes(32))
    await log.relays.shown(HOME, {b"n" * 32: 9}, fence, reached, alone=[Hole(b"n" * 32, reached)])
    await device.rot("meta", ("hole", HOME, b"n" * 32), layouts.seen_value(reached)[:-1] + b"\xff")

    [hole] = await log.relays.holes(HOME)

    assert (hole.id, hole.before.sequence) == (b"n" * 32, 0)


@rule
async def an_outbox_is_paged_in_the_logs_order(device: Device) -> None:
    """An outbox gives the log's order, from a position on, at most as many as asked for."""
    log = device.log
    fence = await connected(log, HOME)
    changes = chain("n", ALICE, 7)
    await folded(log, *changes)

    pages = [await log.relays.outbox(HOME, 3, fence, after) for after in (0, 3, 6, 7)]

    assert [[entry.change for entry in page] for page in pages] == [changes[:3], changes[3:6], changes[6:], []]


@rule
async def starting_over_offers_the_whole_log(device: Device) -> None:
    """B1: a relay that is new, or was wiped, gets every change in the log's order; nothing is deleted here."""
    log = device.log
    changes = chain("n", ALICE, 5)
    await folded(log, *changes[:3])
    fence = await connected(log, AWAY)
    await log.append(Received((change("n", BOB, 1),), relay=AWAY), fence)
    await log.relays.start_over(HOME, AT_START, fence)
    await folded(log, *changes[3:])

    assert (await log.relays.pending(HOME)).refilling == 4
    assert await outbox(log, HOME, fence) == [*changes[:3], change("n", BOB, 1), *changes[3:]]
    everything = await logged(log)
    await log.relays.shown(HOME, {one.id: 1 for one in everything}, fence, AT_START)
    assert await outbox(log, HOME, fence) == []

    anew = Seen(b"m" * 16, 0, bytes(32))
    await log.relays.start_over(HOME, anew, fence)
    log = await device.reopened()

    assert await log.relays.reached(HOME) == anew
    assert await outbox(log, HOME, fence) == everything
    assert await logged(log) == everything


@rule
async def a_closed_generation_takes_no_writes(device: Device) -> None:
    """Once a newer generation has closed this one, every write is refused, and everything is still read."""
    log = device.log
    fence = await connected(log, HOME)
    rows = await log.journal.add([row("n", b"1")])
    await folded(log, change("n", ALICE, 1))
    await device.store.commit([Put("meta", "generation", layouts.mark_value(bytes(16), closed=True))])
    before = [await device.store.read(stored.name) for stored in layouts.STORES]

    for write in (
        log.journal.add([row("n", b"2")]),
        log.fold([Fold(following(change("n", ALICE, 1)), link(change("n", ALICE, 1)), tuple(rows))]),
        log.append(Received((change("n", BOB, 1),))),
        log.append(Received((change("n", BOB, 1),), relay=HOME), fence),
        log.relays.lead(),
        log.relays.shown(HOME, {change("n", ALICE, 1).id: 1}, fence, AT_START),
        log.relays.filled(HOME, {change("n", ALICE, 1).id: 1}, fence),
        log.rows.write(Front(1, 0, b""), {}),
        log.states.write([NoteState("n", 1, {}, b"")]),
        log.members.add([RECORDS[0]]),
        log.quarantine.add([Refused("why", b"what")]),
        log.keep("name", b"value"),
    ):
        await refused(write, Closed)

    assert [await device.store.read(stored.name) for stored in layouts.STORES] == before
    assert [one.row.update for one in (await log.journal.read()).rows] == [b"1"]
    await refused(device.second_log(), Closed)


@rule
async def an_emptied_database_is_not_written(device: Device) -> None:
    """D2, E4: a database that was emptied under a core, or before it started, is said to be gone, never begun anew."""
    log = device.log
    await folded(log, change("n", ALICE, 1))
    for stored in layouts.STORES:
        entries = await device.store.read(stored.name)
        await device.store.commit([Delete(stored.name, entry.key) for entry in entries])

    await refused(log.journal.add([row("n", b"1")]), Gone)
    await refused(log.fold([Fold(change("m", ALICE, 1), None)]), Gone)
    await refused(device.second_log(), Gone)

    assert [await device.store.read(stored.name) for stored in layouts.STORES] == [[]] * len(layouts.STORES)


@rule
async def a_zombies_session_writes_are_refused(device: Device) -> None:
    """D3: who lost the lead moves no cursor and takes nothing out of an outbox; its own edits are always taken."""
    log = device.log
    old = await connected(log, HOME)
    await folded(log, change("n", ALICE, 1))
    second = await device.second_log()
    new = await second.relays.lead()
    reached = Seen(b"l" * 16, 5, bytes(32))

    await refused(log.append(Received((change("n", BOB, 1),), relay=HOME, reached=reached), old), Fenced)
    await refused(log.relays.shown(HOME, {change("n", ALICE, 1).id: 1}, old, reached), Fenced)
    await refused(log.relays.filled(HOME, {change("n", ALICE, 1).id: 1}, old), Fenced)
    await refused(log.relays.start_over(HOME, reached, old), Fenced)
    await refused(log.relays.forget(HOME, old), Fenced)
    await refused(log.relays.keep_receipt(HOME, bytes(32), b"receipt", old), Fenced)
    await folded(log, following(change("n", ALICE, 1)))
    await log.append(Received((change("n", BOB, 1),)))

    assert await second.relays.reached(HOME) == AT_START
    assert len(await outbox(second, HOME, new)) == 3


@rule
async def members_records_keep_their_order(device: Device) -> None:
    """Records are kept once, in the order in which they came."""
    log = device.log
    root, certificate, later = RECORDS
    assert await log.members.add([root, certificate, root]) == [root, certificate]
    assert await log.members.add([certificate, later]) == [later]
    log = await device.reopened()
    assert await log.members.records() == [root, certificate, later]


@rule
async def a_damaged_members_record_is_mended_when_it_comes_again(device: Device) -> None:
    """E7: it is named, and taken from whoever has it; until then it is not believed."""
    log = device.log
    root, certificate, _ = RECORDS
    await log.members.add([root, certificate])
    [_, entry] = await device.store.read("members")
    await device.rot("members", entry.key, entry.value[:-1] + b"?")
    assert await log.members.records() == [root]
    assert [item.store for item in await log.quarantine.items()] == ["members"]

    assert await log.members.add([root, certificate]) == [certificate]

    assert await log.members.records() == [root, certificate]
    assert await log.quarantine.items() == []


@rule
async def members_records_begin_anew(device: Device) -> None:
    """What a join left behind that got no further is replaced, whole."""
    log = device.log
    root, certificate, later = RECORDS
    await log.members.begin([root, certificate])
    await log.members.begin([root, later])
    assert await (await device.reopened()).members.records() == [root, later]


@rule
async def authors_and_kept_things_stay(device: Device) -> None:
    """Authors with their state, receipts, and what the core keeps under a name are there after opening again."""
    log = device.log
    fence = await connected(log, HOME)
    await log.members.keep_author(Author(ALICE, False))
    await log.members.keep_author(Author(BOB, False))
    await log.members.keep_author(Author(BOB, True))
    await log.relays.keep_receipt(HOME, b"c" * 32, b"old", fence)
    await log.relays.keep_receipt(HOME, b"c" * 32, b"new", fence)
    await log.keep("untouched", b"yes")

    log = await device.reopened()

    assert await log.members.authors() == [Author(ALICE, False), Author(BOB, True)]
    assert await log.relays.receipts(HOME) == [b"new"]
    assert await log.relays.receipts(AWAY) == []
    assert await log.kept("untouched") == b"yes"
    assert await log.kept("other") is None
    assert log.relays.names == (HOME,)
