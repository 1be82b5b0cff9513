"""The log when the world fails: at every read and every commit of a life, reads lost, disks full, processes dead."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from carryon.storage import layouts
from carryon.storage.arrival import Received
from carryon.storage.derived import Front
from carryon.storage.errors import Full, Lost
from carryon.storage.layouts import NoteState
from carryon.storage.log import Fold, Log
from carryon.storage.members import Author
from carryon.storage.memory_store import Commit, Crashed, Fault, MemoryDisk, MemoryStore, Read, Step
from carryon.storage.quarantine import Refused
from carryon.storage.store import Entry
from carryon_sync.formats.change import Seen

from tests.contracts.device import AT_START, HOME, folded, row
from tests.contracts.relay_contract import RECORDS
from tests.contracts.samples import ALICE, BOB, HmacAtRest, chain, change, link, tag

MINE = chain("n", ALICE, 3)
THEIRS = chain("n", BOB, 4)
FORK = change("n", BOB, 1, content="fork")


@dataclass(slots=True)
class Faulty:
    """Lets one fault happen at the given step of a kind, and counts the steps."""

    kind: type[Read] | type[Commit]
    fault: Fault | None = None
    at: int = 0
    steps: int = 0

    def __call__(self, step: Step) -> Fault | None:
        """Give the fault of a step."""
        if not isinstance(step, self.kind):
            return None
        self.steps += 1
        return self.fault if self.steps == self.at else None


async def life(store: MemoryStore) -> None:
    """Everything that a core does with a log, from making it to the last write."""
    log = await Log.make(store, HmacAtRest())
    fence = await log.relays.lead()
    await log.relays.start_over(HOME, AT_START, fence)
    await log.members.keep_author(Author(ALICE, False))
    await log.members.add(RECORDS[:2])
    for n, mine in enumerate(MINE):
        if n >= len(await alices(log)):
            await log.journal.add([row("n", b"%d" % n), row("n", b"%d again" % n)])
            rows = (await log.journal.read(ALICE)).rows
            await log.fold([Fold(mine, None if n == 0 else link(MINE[n - 1]), rows)])
    await log.append(
        Received(
            tuple(THEIRS[:2]), waiting=(THEIRS[3],), refused=(Refused("junk", b"junk"),), relay=HOME, reached=at(2)
        ),
        fence,
    )
    await log.append(Received((*THEIRS[2:], FORK), leaving=(THEIRS[3].id,), relay=HOME, reached=at(5)), fence)
    await log.relays.outbox(HOME, 10, fence)
    await log.relays.shown(HOME, {MINE[0].id: 6, MINE[1].id: 7}, fence, at(7))
    await log.states.write([NoteState("n", log.changes.position, await log.changes.heads_of(tag("n")), b"state")])
    await log.rows.write(Front(log.changes.position, 1, b"front"), {1: b"rows"})
    await log.rows.read_front()
    await log.rows.write(Front(log.changes.position, 1, b"other front"), {})


def at(sequence: int) -> Seen:
    """Give a cursor."""
    return Seen(b"l" * 16, sequence, bytes(32))


async def alices(log: Log) -> list[str]:
    """Give Alice's changes in the log, by id."""
    entries = (await log.changes.of_tag(tag("n"))).entries
    return [entry.change.id.hex() for entry in entries if entry.change.header.author == ALICE]


async def sound(disk: MemoryDisk) -> None:
    """Assert what holds of a database at every moment, and that nothing in it is damaged."""
    store = MemoryStore(disk)
    if not await store.read("meta", lower="generation", upper="generation"):
        return
    log = await Log.open(store, HmacAtRest())
    page = await log.changes.entries()
    assert page.damaged == ()
    assert [entry.pos for entry in page.entries] == list(range(1, len(page.entries) + 1))
    held = {layouts.second_key_of(entry.change) for entry in page.entries}
    assert len(held) == len(page.entries)
    for entry in page.entries:
        header = entry.change.header
        assert header.n == 1 or (header.tag, header.author, header.n - 1, header.prev) in held
    heads = await log.changes.heads_of(tag("n"))
    for author in {entry.change.header.author for entry in page.entries}:
        chains = [link(entry.change) for entry in page.entries if entry.change.header.author == author]
        assert heads.pop(author) == max(chains, key=lambda one: (one.n, one.id))
    assert heads == {}
    journal = await log.journal.read()
    assert journal.damaged == ()
    in_changes = len(await alices(log))
    assert all(int(one.row.update[:1]) >= in_changes for one in journal.rows), "a row is in the journal and in a change"
    reached = await log.relays.reached(HOME)
    sequence = 0 if reached is None else reached.sequence
    theirs = [entry for entry in page.entries if entry.change.header.author == BOB]
    waiting = await log.waiting()
    assert {0: (0, 0), 2: (2, 1), 5: (5, 0), 7: (5, 0)}[sequence] == (len(theirs), len(waiting))


async def steps_of(kind: type[Read] | type[Commit]) -> int:
    """Count the steps of a whole life without faults."""
    faults = Faulty(kind)
    await life(MemoryStore(MemoryDisk(layouts.STORES), faults))
    return faults.steps


async def everything(disk: MemoryDisk) -> list[list[Entry]]:
    """Give all records."""
    store = MemoryStore(disk)
    return [await store.read(stored.name) for stored in layouts.STORES]


@pytest.mark.parametrize("fault", Fault)
async def test_e5_e1_any_write_may_fail_and_all_goes_on(fault: Fault) -> None:
    """E5, E1: whichever write fails, the database is sound, and the same life lived again ends with the same log."""
    writes = await steps_of(Commit)
    assert writes > 15

    for place in range(1, writes + 1):
        disk = MemoryDisk(layouts.STORES)
        # A task of its own, because one of the faults cancels the task that commits.
        living = asyncio.ensure_future(life(MemoryStore(disk, Faulty(Commit, fault, place))))
        with pytest.raises((Crashed, Full, Lost, asyncio.CancelledError)):
            await living
        await sound(disk)
        await life(MemoryStore(disk))
        await sound(disk)
        log = await Log.open(MemoryStore(disk), HmacAtRest())
        assert {entry.change.id for entry in (await log.changes.entries()).entries} == {
            one.id for one in (*MINE, *THEIRS, FORK)
        }
        assert (await log.journal.read()).rows == ()
        assert [item.data for item in await log.quarantine.items()] == [b"junk"]


WRITES: dict[str, Callable[[Log], Awaitable[object]]] = {
    "journal rows": lambda log: log.journal.add([row("n", b"9"), row("m", b"9")]),
    "folding": lambda log: log.fold([Fold(change("new", ALICE, 1), None)]),
    "appending": lambda log: log.append(
        Received((change("new", BOB, 1),), waiting=(change("far", BOB, 1),), relay=HOME, reached=at(9)), 1
    ),
    "an author": lambda log: log.members.keep_author(Author(BOB, False)),
    "members": lambda log: log.members.add([RECORDS[0], RECORDS[2]]),
    "what a relay shows": lambda log: log.relays.shown(HOME, {MINE[2].id: 9}, 1, at(9)),
    "starting over": lambda log: log.relays.start_over(HOME, at(0), 1),
    "states": lambda log: log.states.write([NoteState("n", 3, {}, b"state")]),
}


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.CANCELLED])
@pytest.mark.parametrize("name", WRITES)
async def test_j5_a_write_that_was_made_untold_and_is_made_again_is_made_once(name: str, fault: Fault) -> None:
    """J5: the same core makes the write again, and the same records are there as if it had been told at once."""
    original = MemoryDisk(layouts.STORES)
    await life(MemoryStore(original))
    once, twice = original.copy(), original.copy()
    await WRITES[name](await Log.open(MemoryStore(once), HmacAtRest()))
    faults = Faulty(Commit)
    log = await Log.open(MemoryStore(twice, faults), HmacAtRest())
    faults.fault, faults.at = fault, 1

    with pytest.raises((Lost, asyncio.CancelledError)):
        await asyncio.ensure_future(as_task(WRITES[name](log)))
    await WRITES[name](log)

    assert [len(one) for one in await everything(twice)] == [len(one) for one in await everything(once)]
    assert faults.steps >= 1


async def as_task(work: Awaitable[object]) -> None:
    """Await what is to be a task of its own."""
    await work


OPERATIONS: dict[str, Callable[[Log], Awaitable[object]]] = {
    "journal rows": lambda log: log.journal.add([row("n", b"9")]),
    "reading the journal": lambda log: log.journal.read(),
    "folding": lambda log: folded(log, change("new", ALICE, 1)),
    "appending": lambda log: log.append(Received((THEIRS[0], change("new", BOB, 1)))),
    "reading the log": lambda log: log.changes.entries(),
    "reading a note": lambda log: log.changes.load("n", tag("n")),
    "reading rows": lambda log: log.rows.read_front(),
    "reading segments": lambda log: log.rows.read_segments(),
    "waiting": lambda log: log.waiting(),
    "members": lambda log: log.members.add([RECORDS[0], RECORDS[2]]),
    "quarantine": lambda log: log.quarantine.add([Refused("junk", b"more junk")]),
    "the outbox": lambda log: log.relays.outbox(HOME, 5, 1),
    "acks": lambda log: log.relays.shown(HOME, {MINE[2].id: 9}, 1, AT_START),
    "starting over": lambda log: log.relays.start_over(HOME, at(0), 1),
    "leading": lambda log: log.relays.lead(),
}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a9_a_read_that_fails_writes_nothing_back(name: str) -> None:
    """A9, B3: make every read of an operation fail once: the failure is said, and no record has changed."""
    original = MemoryDisk(layouts.STORES)
    await life(MemoryStore(original))
    place = 0
    while True:
        place += 1
        disk = original.copy()
        faults = Faulty(Read)
        log = await Log.open(MemoryStore(disk, faults), HmacAtRest())
        await log.rows.read_front()
        faults.fault, faults.at = Fault.LOST, faults.steps + place
        try:
            await OPERATIONS[name](log)
        except Lost:
            assert await everything(disk) == await everything(original), (
                f"read {place} failed and something was written"
            )
            continue
        if faults.steps < faults.at:
            break
    assert place > 1 or name in ("folding", "members"), "no read was made to fail"


async def test_a9_opening_a_log_whose_reads_fail_writes_nothing() -> None:
    """A9, D2: a log that cannot be read is not opened, and certainly not begun anew."""
    original = MemoryDisk(layouts.STORES)
    await life(MemoryStore(original))
    reads = Faulty(Read)
    await Log.open(MemoryStore(original.copy(), reads), HmacAtRest())

    for place in range(1, reads.steps + 1):
        disk = original.copy()
        with pytest.raises(Lost):
            await Log.open(MemoryStore(disk, Faulty(Read, Fault.LOST, place)), HmacAtRest())
        assert await everything(disk) == await everything(original)


async def test_e6_any_one_store_may_go() -> None:
    """E6: with any one store emptied the log opens and is whole, or says what is gone; it never begins anew."""
    for stored in layouts.STORES:
        disk = MemoryDisk(layouts.STORES)
        await life(MemoryStore(disk))
        disk.clear(stored.name)
        store = MemoryStore(disk)
        try:
            log = await Log.open(store, HmacAtRest())
        except Exception as error:
            assert stored.name in ("log", "meta"), f"{stored.name} is gone: {error}"
            assert "restore" in str(error)
            continue
        assert len((await log.changes.entries()).entries) == 8
        assert len(await log.changes.heads_of(tag("n"))) == 2
        assert stored.name not in ("log", "meta")
