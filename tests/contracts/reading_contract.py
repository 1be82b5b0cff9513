"""What the log does with damage, and how it is read, one function a rule, run as the store's contract is."""

from collections.abc import Callable

from carryon.storage import layouts
from carryon.storage.arrival import Appended, Received
from carryon.storage.changes import LogEntry
from carryon.storage.derived import Front
from carryon.storage.errors import Moved
from carryon.storage.keys import Key
from carryon.storage.layouts import NoteState
from carryon.storage.quarantine import BYTES_MAX, ITEMS_MAX, Kind, Name, Refused
from carryon.storage.store import Delete, Put

from tests.contracts import store_contract as contracts
from tests.contracts.device import AT_START, HOME, Device, connected, entering, folded, logged, outbox, refused, row
from tests.contracts.samples import ALICE, BOB, chain, change, following, link, tag

RULES: dict[str, contracts.Rule] = {}
rule = entering(RULES)


@rule
async def every_bit_of_the_log_counts(device: Device) -> None:
    """E7: a flipped bit puts the change into quarantine and harms no other; the change, come again, takes its place."""
    log = device.log
    fence = await connected(log, HOME)
    changes = chain("n", ALICE, 3)
    await folded(log, *changes)
    await log.relays.shown(HOME, {one.id: 1 for one in changes}, fence, AT_START)
    value = layouts.log_value(changes[1])
    for place in range(0, len(value), 7):
        flipped = bytearray(value)
        flipped[place] ^= 1 << place % 8
        await device.rot("log", 2, bytes(flipped))

        page = await log.changes.entries()

        assert [entry.change for entry in page.entries] == [changes[0], changes[2]]
        assert [one.key for one in page.damaged] == [2]
    (item,) = await log.quarantine.items()
    assert item.about == ("damaged", "log", 2, layouts.second_key_of(changes[1]))
    assert item.change == Name(tag("n"), changes[1].id)
    assert (await log.changes.of_tag(tag("n"))).damaged == page.damaged

    assert await log.changes.whole([*changes, change("n", BOB, 1)]) == {changes[0].id, changes[2].id}
    assert await log.changes.held([(tag("n"), link(changes[1]))]) == {changes[1].id}
    appended = await log.append(Received((changes[1],)))

    assert appended == Appended((), (LogEntry(2, changes[1]),), ())
    assert await logged(log) == changes
    assert await log.quarantine.items() == []
    assert await outbox(log, HOME, fence) == [changes[1]]


@rule
async def a_change_under_anothers_key_is_damaged(device: Device) -> None:
    """G6: a change that lies where another belongs is not taken for it."""
    log = device.log
    one, two = chain("n", ALICE, 2)
    await folded(log, one, two)

    await device.rot("log", 1, layouts.log_value(two))

    page = await log.changes.entries()
    assert [entry.change for entry in page.entries] == [two]
    assert [damaged.key for damaged in page.damaged] == [1]


@rule
async def a_damaged_row_hides_no_other(device: Device) -> None:
    """E7: a journal row that does not open stays, is named, and the others are read; swapped rows open neither (G6)."""
    log = device.log
    keys = [one.key for one in await log.journal.add([row("n", b"1"), row("n", b"2"), row("n", b"3")])]
    values = [entry.value for entry in await device.store.read("journal")]

    await device.rot("journal", keys[1], values[1][:-1] + b"\xff")
    read = await log.journal.read()
    assert [one.row.update for one in read.rows] == [b"1", b"3"]
    assert [one.key for one in read.damaged] == [keys[1]]

    await device.rot("journal", keys[0], values[2])
    await device.rot("journal", keys[2], values[0])
    assert (await log.journal.read()).rows == ()
    assert len(await device.store.read("journal")) == 3
    assert len(await log.quarantine.items()) == 3


@rule
async def heads_are_made_again_from_the_log(device: Device) -> None:
    """E6, E7: a damaged head, or a whole store of heads that is gone, is what the log says."""
    log = device.log
    mine, theirs = chain("n", ALICE, 3), chain("n", BOB, 2)
    await folded(log, *mine)
    await log.append(Received((*theirs, change("m", BOB, 1))))
    heads = await log.changes.heads_of(tag("n"))
    (entry,) = await device.store.read("heads", lower=(tag("n"), ALICE), upper=(tag("n"), ALICE))

    await device.rot("heads", entry.key, entry.value[:-1] + bytes([entry.value[-1] ^ 1]))
    assert await log.changes.heads_of(tag("n")) == heads
    await folded(log, following(mine[2]))

    stored = await device.store.read("heads")
    await device.store.commit([Delete("heads", entry.key) for entry in stored])
    log = await device.reopened()
    assert await device.store.read("heads") == stored
    assert (await log.changes.heads_of(tag("n")))[ALICE].n == 4


@rule
async def rows_come_back_front_first(device: Device) -> None:
    """The first record is read alone, segments follow; only those that differ are written; fewer take the rest away."""
    rows = device.log.rows
    assert await rows.read_front() is None
    await rows.write(Front(5, 3, b"front"), {1: b"one", 2: b"two", 3: b"three"})
    await rows.write(Front(6, 3, b"new front"), {2: b"new two"})

    rows = (await device.reopened()).rows
    assert await rows.read_front() == Front(6, 3, b"new front")
    assert await rows.read_segments() == [b"one", b"new two", b"three"]

    await rows.write(Front(7, 1, b"last"), {})
    assert await rows.read_front() == Front(7, 1, b"last")
    assert await rows.read_segments() == [b"one"]
    assert await device.log.texts.read_front() is None


@rule
async def rows_of_two_cores_do_not_mix(device: Device) -> None:
    """A core whose rows another core has written over is refused, until it writes the whole."""
    first, second = device.log.rows, (await device.second_log()).rows
    await first.write(Front(1, 2, b"a"), {1: b"a1", 2: b"a2"})
    await second.read_front()
    await second.write(Front(2, 2, b"b"), {1: b"b1"})

    assert await first.read_segments() is None
    await refused(first.write(Front(3, 2, b"c"), {2: b"c2"}), Moved)
    await refused(first.write(Front(3, 2, b"c"), {2: b"c2"}), Moved)
    assert await second.read_segments() == [b"b1", b"a2"]
    await first.write(Front(3, 1, b"c"), {1: b"c1"})

    assert await second.read_front() == Front(3, 1, b"c")
    assert await second.read_segments() == [b"c1"]


@rule
async def derived_stores_that_do_not_open_are_passed_over(device: Device) -> None:
    """E7, A9: any flipped bit, another format, a swapped or missing segment: nothing of the store is believed, reading
    throws nothing away, and only a write of the whole takes its place.
    """
    rows = device.log.rows
    whole = {1: b"one", 2: b"two"}

    async def spoilt(spoil: Callable[[dict[Key, bytes]], dict[Key, bytes]]) -> None:
        await rows.write(Front(5, 2, b"front"), whole)
        values = {entry.key: entry.value for entry in await device.store.read("rows")}
        spoiled = spoil(dict(values))
        await device.store.commit([Delete("rows", key) for key in values])
        await device.store.commit([Put("rows", key, value) for key, value in spoiled.items()])
        opened = await rows.read_front() is not None and await rows.read_segments() is not None
        assert not opened
        assert {entry.key: entry.value for entry in await device.store.read("rows")} == spoiled
        await refused(rows.write(Front(6, 2, b"front"), {1: b"one"}), Moved)

    for key in (0, 1, 2):
        for place in range(0, 30, 3):

            def flip(values: dict[Key, bytes], key: int = key, place: int = place) -> dict[Key, bytes]:
                value = bytearray(values[key])
                value[place] ^= 4
                return values | {key: bytes(value)}

            await spoilt(flip)
    await spoilt(lambda values: values | {0: b"\x02" + values[0][1:]})
    await spoilt(lambda values: values | {1: values[2], 2: values[1]})
    await spoilt(lambda values: {0: values[0], 1: values[1]})
    await spoilt(lambda values: values | {3: values[2]})


@rule
async def a_note_loads_from_its_state(device: Device) -> None:
    """A note is its state and every change behind it; a state that does not open is none, and the log gives it all."""
    log = device.log
    mine, theirs = chain("n", ALICE, 4), chain("n", BOB, 2)
    await folded(log, *mine[:2])
    await log.append(Received((theirs[0], change("m", BOB, 1))))
    heads = await log.changes.heads_of(tag("n"))
    await log.states.write([NoteState("n", 4, heads, b"state")])
    await folded(log, *mine[2:])
    await log.append(Received((theirs[1],)))

    loaded = await log.changes.load("n", tag("n"))
    assert loaded.state == b"state"
    assert [entry.change for entry in loaded.entries] == [*mine[2:], theirs[1]]
    assert loaded.heads == await log.changes.heads_of(tag("n"))
    assert loaded.pos == 7

    (entry,) = await device.store.read("states")
    await device.rot("states", entry.key, entry.value[:-1] + bytes([entry.value[-1] ^ 1]))
    loaded = await log.changes.load("n", tag("n"))
    assert loaded.state is None
    assert [entry.change for entry in loaded.entries] == [*mine[:2], theirs[0], *mine[2:], theirs[1]]
    assert loaded.heads == await log.changes.heads_of(tag("n"))


@rule
async def a_fork_behind_a_state_is_not_missed(device: Device) -> None:
    """C6: a change beside the chain, behind the heads that a state names, is absorbed all the same."""
    log = device.log
    left = chain("n", ALICE, 3)
    right = following(left[0], "right")
    await log.append(Received(tuple(left)))
    await log.states.write([NoteState("n", 3, await log.changes.heads_of(tag("n")), b"state")])

    await log.append(Received((right,)))
    loaded = await log.changes.load("n", tag("n"))
    assert loaded.state is None
    assert [entry.change for entry in loaded.entries] == [*left, right]

    await log.states.write([NoteState("n", 4, loaded.heads, b"with both")])
    await log.append(Received((following(right),)))
    loaded = await log.changes.load("n", tag("n"))
    assert loaded.state is None
    assert [entry.change for entry in loaded.entries] == [*left, right, following(right)]


@rule
async def a_note_loads_as_of_one_position(device: Device) -> None:
    """What another core appends meanwhile is not half in what is loaded, and is found after its position."""
    second = await device.second_log()
    mine, theirs = chain("n", ALICE, 2), chain("n", BOB, 2)
    await folded(device.log, *mine)

    await second.append(Received(tuple(theirs)))
    loaded = await device.log.changes.load("n", tag("n"))

    assert [entry.change for entry in loaded.entries] == mine
    assert loaded.heads == {ALICE: link(mine[1])}
    assert loaded.pos == 2
    assert [entry.change for entry in (await device.log.changes.entries(loaded.pos)).entries] == theirs


@rule
async def quarantine_keeps_each_once_and_is_bounded_in_number(device: Device) -> None:
    """C9, I18: the same bytes are kept once; a flood displaces what is only named, then itself, never what was whole first."""
    quarantine = device.log.quarantine
    await quarantine.add([Refused("first", b"same")])
    await quarantine.add([Refused("again", b"same"), Refused("other", b"other"), Refused("twice", b"other")])
    await quarantine.add([Refused("unfit", b"", Kind.UNREAD, Name(tag("n"), b"i" * 32))])
    items = await quarantine.items()
    assert [(item.reason, item.data) for item in items] == [("first", b"same"), ("other", b"other"), ("unfit", b"")]

    for flood in range(2):
        junk = (Refused("junk", bytes((flood,)) + place.to_bytes(2, "big")) for place in range(ITEMS_MAX))
        await device.log.append(Received(refused=tuple(junk)))

    items = await quarantine.items()
    assert len(items) == ITEMS_MAX
    assert [item.data for item in items[:2]] == [b"same", b"other"]


@rule
async def quarantine_is_bounded_in_bytes(device: Device) -> None:
    """I18: what finds no room for its bytes is named without them; what came first stays whole."""
    quarantine = device.log.quarantine
    large = [Refused(f"large {place}", bytes((place,)) * (BYTES_MAX // 4)) for place in range(6)]

    for one in large:
        await quarantine.add([one])
    await quarantine.add([Refused("small", b"small")])

    items = await quarantine.items()
    assert [item.reason for item in items] == [*(f"large {place}" for place in range(6)), "small"]
    assert [len(item.data) for item in items] == [BYTES_MAX // 4] * 3 + [0] * 3 + [5]


@rule
async def what_a_person_has_seen_is_marked_until_it_is_mended(device: Device) -> None:
    """Dismissed is not forgotten: it is asked for again as before, and when it is whole nothing of it is left."""
    log = device.log
    changes = chain("n", ALICE, 2)
    await folded(log, *changes)
    await device.rot("log", 1, b"rot")
    await log.changes.entries()
    (item,) = await log.quarantine.items()

    await log.quarantine.dismiss([item.about])
    await log.quarantine.dismiss([item.about])

    assert [one.seen for one in await log.quarantine.items()] == [True]
    await log.append(Received((changes[0],)))
    assert await log.quarantine.items() == []
    assert await device.store.read("quarantine") == []


@rule
async def what_was_refused_leaves_quarantine_as_it_enters_the_log(device: Device) -> None:
    """E7: the same change, come whole, is no longer something that was refused, whatever it was refused for."""
    log = device.log
    one, two = chain("n", ALICE, 2)
    early = Refused("no key yet", one.encode(), Kind.EARLY, Name(tag("n"), one.id))
    await log.append(Received(refused=(early, Refused("flipped", b"bytes", change=Name(tag("n"), two.id)))))
    assert len(await log.quarantine.items()) == 2

    await log.append(Received((one,)))
    assert [item.reason for item in await log.quarantine.items()] == ["flipped"]
    await log.append(Received((two,)))

    assert await log.quarantine.items() == []
