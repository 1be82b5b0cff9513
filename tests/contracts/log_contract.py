"""What the log holds to over every adapter of the store port, one function a rule, run as the store's contract is."""

import asyncio
from random import Random

from carryon.storage.arrival import Appended, Received
from carryon.storage.changes import LogEntry
from carryon.storage.errors import Gap, Moved
from carryon.storage.log import Fold, Log
from carryon.storage.quarantine import Refused
from carryon_sync.formats.change import NO_PREV, Change, Seen

from tests.contracts import store_contract as contracts
from tests.contracts.device import HOME, Device, connected, entering, folded, logged, outbox, refused, row
from tests.contracts.samples import ALICE, BOB, chain, change, following, link, tag

RULES: dict[str, contracts.Rule] = {}
rule = entering(RULES)


@rule
async def journal_rows_come_back_in_order(device: Device) -> None:
    """Rows come back whole, by author and in the order in which they were added, after opening again too."""
    base = [link(change("n", BOB, 1))]
    first = await device.log.journal.add([row("one", b"1", base=base), row("two", b"2")])
    other = await device.log.journal.add([row("one", b"b", author=BOB)])
    log = await device.reopened()
    last = await log.journal.add([row("one", b"3")])

    read = await log.journal.read(ALICE)

    assert list(read.rows) == [*first, *last]
    assert [one.row for one in read.rows] == [row("one", b"1", base=base), row("two", b"2"), row("one", b"3")]
    assert list((await log.journal.read()).rows) == [*first, *last, *other]


@rule
async def journal_numbers_are_given_once(device: Device) -> None:
    """J13: rows that left the journal leave their numbers to nobody, whoever writes next as the author, and in whatever core."""
    numbers: list[int] = []
    log = device.log
    for n, change_ in enumerate(chain("n", ALICE, 3)):
        second = await device.second_log()
        rows = [*await log.journal.add([row("n", b"1"), row("n", b"2")]), *await second.journal.add([row("n", b"3")])]
        numbers += [one.key[1] for one in rows]
        heads = await log.changes.heads_of(tag("n"))
        await log.fold([Fold(change_, heads.get(ALICE), tuple(rows))])
        if n == 1:
            log = await device.reopened()

    assert len(set(numbers)) == len(numbers) == 9


@rule
async def an_act_is_taken_with_the_last_of_its_rows(device: Device) -> None:
    """Known after opening again, and by other cores; one that was never taken is not; alone it is kept too."""
    await device.log.journal.add([row("n", b"1")], ["first", "second"])
    await device.log.journal.add([], ["third"])

    acts, taken = ("first", "second", "third", "fourth"), [True, True, True, False]
    second = await device.second_log()
    assert [await second.journal.has_taken(act) for act in acts] == taken
    log = await device.reopened()
    assert [await log.journal.has_taken(act) for act in acts] == taken


@rule
async def a_turn_that_does_not_read_is_passed(device: Device) -> None:
    """J13, E7: with the count of an author's turns damaged, new rows take no number that was given before."""
    log = device.log
    [before] = await log.journal.add([row("n", b"1")])
    (turn,) = await device.store.read("meta", lower=("journal", ALICE), upper=("journal", ALICE))
    await device.rot("meta", turn.key, turn.value[:-1] + b"\xff")

    [after] = await (await device.reopened()).journal.add([row("n", b"2")])

    assert after.key > before.key


@rule
async def rows_leave_as_their_change_enters(device: Device) -> None:
    """Fold: in one transaction rows leave, the change enters log and outbox, the head moves; other rows stay."""
    log = device.log
    fence = await connected(log, HOME)
    rows = await log.journal.add([row("n", b"1"), row("n", b"2"), row("m", b"3")])
    first = change("n", ALICE, 1)

    (entry,) = await log.fold([Fold(first, None, tuple(rows[:2]))])

    assert entry == LogEntry(1, first)
    assert [one.row.update for one in (await log.journal.read()).rows] == [b"3"]
    assert await logged(log) == [first]
    assert await log.changes.heads_of(tag("n")) == {ALICE: link(first)}
    assert await outbox(log, HOME, fence) == [first]


@rule
async def a_fold_on_what_moved_is_refused(device: Device) -> None:
    """A fold whose head or row is not what it was made for raises Moved and writes nothing."""
    log = device.log
    rows = await log.journal.add([row("n", b"1"), row("n", b"2")])
    one, two, rival = *chain("n", ALICE, 2), change("n", ALICE, 1, content="rival")
    await log.fold([Fold(one, None, (rows[0],))])

    await refused(log.fold([Fold(rival, None, (rows[1],))]), Moved)
    await refused(log.fold([Fold(two, link(one), (rows[0], rows[1]))]), Moved)
    await refused(log.fold([Fold(change("m", ALICE, 1), None), Fold(rival, None)]), Moved)

    assert await logged(log) == [one]
    assert list((await log.journal.read()).rows) == [rows[1]]
    assert await log.changes.heads_of(tag("m")) == {}
    await log.fold([Fold(two, link(one))])
    await refused(log.fold([Fold(following(one, "rival"), link(one), (rows[1],))]), Moved)
    assert await logged(log) == [one, two]
    assert list((await log.journal.read()).rows) == [rows[1]]


@rule
async def a_fold_takes_the_very_rows_that_it_was_made_of(device: Device) -> None:
    """J13: another row under the number of the one that went into the change stays, and the fold is refused."""
    log = device.log
    [taken] = await log.journal.add([row("n", b"taken")])
    [other] = await log.journal.add([row("n", b"other")])
    await device.rot("journal", taken.key, other.value)

    await refused(log.fold([Fold(change("n", ALICE, 1), None, (taken,))]), Moved)

    assert await logged(log) == []
    assert len(await device.store.read("journal")) == 2


@rule
async def a_fold_that_was_made_may_be_made_again(device: Device) -> None:
    """J5: who was not told that it was made is told so, and where; nothing is twice."""
    log = device.log
    fence = await connected(log, HOME)
    rows = await log.journal.add([row("n", b"1")])
    one, two = chain("n", ALICE, 2)
    fold = Fold(one, None, tuple(rows))
    first = await log.fold([fold])

    again = await log.fold([fold])
    await log.fold([Fold(two, link(one))])

    assert first == again == await log.fold([fold]) == [LogEntry(1, one)]
    assert await logged(log) == await outbox(log, HOME, fence) == [one, two]


@rule
async def a_fold_that_a_relay_has_given_takes_its_rows_out(device: Device) -> None:
    """A copy of this device has folded the same rows, and the relay was quicker: nothing is twice, and nothing waits."""
    log = device.log
    fence = await connected(log, HOME)
    rows = await log.journal.add([row("n", b"1"), row("n", b"2")])
    one = change("n", ALICE, 1)
    await log.append(Received((one,), relay=HOME), fence)

    entries = await log.fold([Fold(one, None, (rows[0],))])

    assert entries == [LogEntry(1, one)]
    assert list((await log.journal.read()).rows) == [rows[1]]
    assert await logged(log) == [one]


@rule
async def of_two_cores_that_fold_the_same_rows_one_wins(device: Device) -> None:
    """The row is in one change, and the other core is told that it moved."""
    rows = await device.log.journal.add([row("n", b"1")])
    second = await device.second_log()

    outcomes = await asyncio.gather(
        device.log.fold([Fold(change("n", ALICE, 1, content="a"), None, tuple(rows))]),
        second.fold([Fold(change("n", ALICE, 1, content="b"), None, tuple(rows))]),
        return_exceptions=True,
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Moved", "list"], outcomes
    assert len(await logged(device.log)) == 1


@rule
async def many_changes_fold_in_one_transaction(device: Device) -> None:
    """Own changes of many notes, and several of one note, enter together in the order given."""
    log = device.log
    fence = await connected(log, HOME)
    changes = [change(f"note {place}", ALICE, 1) for place in range(64)] + chain("n", ALICE, 3)
    heads = [None] * 65 + [link(one) for one in changes[64:66]]

    entries = await log.fold([Fold(one, head) for one, head in zip(changes, heads, strict=True)])

    assert entries == [LogEntry(pos, one) for pos, one in enumerate(changes, 1)]
    assert await logged(log) == changes
    assert await outbox(log, HOME, fence) == changes


@rule
async def positions_have_no_gaps(device: Device) -> None:
    """Cores that write at once share the log without gaps, and each change is there once."""
    second = await device.second_log()

    async def write(log: Log, author: bytes) -> None:
        for place in range(10):
            await log.fold([Fold(change(f"note {place}", author, 1), None)])

    await asyncio.gather(write(device.log, ALICE), write(second, BOB))

    page = await device.log.changes.entries()
    assert [entry.pos for entry in page.entries] == list(range(1, 21))
    assert len({entry.change.id for entry in page.entries}) == 20


@rule
async def appending_twice_is_appending_once(device: Device) -> None:
    """What is held is not new again, in whatever batch it comes, and C12: no echo grows the log."""
    log = device.log
    mine, theirs = chain("n", ALICE, 2), chain("n", BOB, 3)
    await folded(log, *mine)

    first = await log.append(Received(changes=tuple(theirs[:2])))
    second = await log.append(Received(changes=(*mine, *theirs, theirs[2])))
    third = await log.append(Received(changes=(*theirs, *mine)))

    assert [entry.change for entry in first.new] == theirs[:2]
    assert second.new == (LogEntry(5, theirs[2]),)
    assert third == Appended((), (), ())
    assert await logged(log) == [*mine, *theirs]


@rule
async def the_cursor_moves_with_what_it_counts(device: Device) -> None:
    """Changes, what waits, what was refused and the relay's cursor are kept in one transaction."""
    log = device.log
    fence = await connected(log, HOME)
    theirs = chain("n", BOB, 3)
    reached = Seen(b"l" * 16, 3, b"r" * 32)
    received = Received(
        (theirs[0],), waiting=(theirs[2],), refused=(Refused("not signed", b"junk"),), relay=HOME, reached=reached
    )

    await log.append(received, fence)

    log = await device.reopened()
    assert await log.relays.reached(HOME) == reached
    assert await log.waiting() == [theirs[2]]
    (item,) = await log.quarantine.items()
    assert (item.reason, item.data) == ("not signed", b"junk")
    await log.append(Received((theirs[1], theirs[2]), leaving=(theirs[2].id,), relay=HOME, reached=reached), fence)
    assert await log.waiting() == []
    assert await logged(log) == theirs


@rule
async def appends_at_once_leave_the_furthest_head(device: Device) -> None:
    """Whenever a fork arrives beside a longer branch, however the two interleave, the head is the furthest of both."""
    log = device.log

    async def later(turns: int, received: Received) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await log.append(received)

    for turns in range(16):
        left = chain(f"note {turns}", BOB, 3)
        await log.append(Received((left[0],)))
        fork = following(left[0], "fork")

        await asyncio.gather(log.append(Received(tuple(left[1:]))), later(turns, Received((fork,))))

        assert await log.changes.heads_of(tag(f"note {turns}")) == {BOB: link(left[2])}


@rule
async def no_change_enters_before_its_previous(device: Device) -> None:
    """A change whose previous one is not held is refused with its whole batch."""
    log = device.log
    one, two, three = chain("n", BOB, 3)
    elsewhere = following(change("n", BOB, 1, content="unknown"))

    await refused(log.append(Received((two,))), Gap)
    await refused(log.append(Received((one, three))), Gap)
    await refused(log.append(Received((one, two, elsewhere))), Gap)

    assert await logged(log) == []
    await log.append(Received((one, two, three)))
    assert await logged(log) == [one, two, three]


@rule
async def branches_come_in_any_causal_order(device: Device) -> None:
    """However a chain with many branches is cut and mixed, every change is held once its previous one is, and the head is the furthest.

    Copies of a profile write such chains, and a member may.
    """
    random = Random(7)
    for n in range(24):
        tree = [change(f"n{n}", BOB, 1, content=f"root {root}") for root in range(random.randint(1, 2))]
        for number in range(random.randint(4, 12)):
            tree.append(following(random.choice(tree[-4:]), f"branch {number}"))
        coming = [one for one in tree for _ in range(random.randint(1, 2))]
        random.shuffle(coming)
        held: set[bytes] = {NO_PREV}
        while coming:
            batch: list[Change] = []
            for one in coming[: random.randint(1, 6)]:
                if one.header.prev in held:
                    batch.append(one)
                    held.add(one.id)
            await device.log.append(Received(tuple(batch)))
            coming = [one for one in coming if not any(one is taken for taken in batch)]
            random.shuffle(coming)

        page = await device.log.changes.of_tag(tag(f"n{n}"))
        assert sorted(entry.change.id for entry in page.entries) == sorted(one.id for one in tree)
        furthest = max(tree, key=lambda one: (one.header.n, one.id))
        assert (await device.log.changes.heads_of(tag(f"n{n}")))[BOB] == link(furthest)


@rule
async def forks_are_both_kept(device: Device) -> None:
    """C6: another change at one number is kept, reported, passed on, and its branch goes on; heads agree everywhere."""
    log = device.log
    fence = await connected(log, HOME)
    left = chain("n", ALICE, 3, "left")
    right = [left[0], following(left[0], "right")]
    right += [following(right[1], "right"), following(following(right[1], "right"), "right")]
    await log.append(Received(tuple(left)))

    appended = await log.append(Received(tuple(right)))

    assert [entry.change for entry in appended.new] == right[1:]
    assert list(appended.forks) == right[1:3]
    assert await logged(log) == [*left, *right[1:]]
    assert await outbox(log, HOME, fence) == [*left, *right[1:]]
    assert await log.changes.heads_of(tag("n")) == {ALICE: link(right[3])}
    one, other = change("m", BOB, 1, content="a"), change("m", BOB, 1, content="b")
    await log.append(Received((one, other)))
    forward = (await log.changes.heads_of(tag("m")))[BOB]
    one, other = change("k", BOB, 1, content="a"), change("k", BOB, 1, content="b")
    await log.append(Received((other, one)))
    backward = (await log.changes.heads_of(tag("k")))[BOB]
    assert forward.id == max(change("m", BOB, 1, content=content).id for content in "ab")
    assert backward.id == max(one.id, other.id)


@rule
async def chains_are_read_in_part(device: Device) -> None:
    """A stretch of a chain is read by its numbers, forks with it, and the log by pages."""
    log = device.log
    mine = chain("n", ALICE, 5)
    fork = following(mine[1], "fork")
    await log.append(Received((*mine, fork)))

    stretch = await log.changes.of_chain(tag("n"), ALICE, 2, 3)
    page = await log.changes.entries(1, 2)
    last = await log.changes.entries(page.pos, 9)

    assert [entry.change for entry in stretch.entries] == [*mine[1:3], fork]
    assert ([entry.change for entry in page.entries], page.pos, page.more) == (mine[1:3], 3, True)
    assert ([entry.change for entry in last.entries], last.pos, last.more) == ([*mine[3:], fork], 6, False)
    assert (await log.changes.entries(6)).pos == 6
    assert [entry.pos for entry in (await log.changes.at([1, 2, 5])).entries] == [1, 2, 5]


@rule
async def what_hold_back_asks_is_answered(device: Device) -> None:
    """Which of the changes named by tag, author, number and id are held; which tags are marked to be fetched."""
    log = device.log
    mine = chain("n", ALICE, 2)
    await folded(log, *mine)
    other = change("n", ALICE, 1, content="other")

    asked = [(tag("n"), link(mine[0])), (tag("n"), link(other)), (tag("m"), link(mine[1]))]
    assert await log.changes.held(asked) == {mine[0].id}

    await log.append(Received(marked=(tag("n"), tag("m"))))
    await log.append(Received(fetched=(tag("m"),)))
    assert await (await device.reopened()).marked() == [tag("n")]
