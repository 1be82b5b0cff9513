"""Whole devices at a relay under an attacker's control: what it does is noticed and said, and no status believes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from random import Random

from carryon_sync.formats.change import id_in
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.codec import decode, encode
from carryon_sync.protocol.frames import Ack, Changes, Found, Frame, IdAlone, Push, Receipt, Unknown
from carryon_sync.relay.room_effects import Deliver, RoomEffect

from tests.core.home import Home, holdings, opened, rule
from tests.simulation.device import ORIGIN
from tests.simulation.network import Wire
from tests.simulation.relay import Relay
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

Hand = Callable[[str, Frame], list[Frame]]


class LyingRelay(Relay):
    """The real relay, and a hand on every frame from and to each device."""

    def __init__(self) -> None:
        super().__init__(ORIGIN, Random("relay").randbytes)
        self.up_hand: Hand = lambda _device, frame: [frame]
        self.down_hand: Hand = lambda _device, frame: [frame]

    def turn_honest(self) -> None:
        self.up_hand = self.down_hand = lambda _device, frame: [frame]

    def received(self, wire: Wire, data: bytes) -> None:
        for frame in self.up_hand(wire.device, known(data)):
            super().received(wire, encode(frame))

    def _perform(self, notebook: bytes, effects: list[RoomEffect]) -> None:
        for effect in effects:
            if not isinstance(effect, Deliver):
                super()._perform(notebook, [effect])
                continue
            for number in effect.connections:
                if number in self._wires:
                    for frame in self.down_hand(self._wires[number][1].device, known(effect.data)):
                        super()._perform(notebook, [Deliver((number,), encode(frame))])


def known(data: bytes) -> Frame:
    frame = decode(data)
    assert not isinstance(frame, Rejected | Unknown), frame
    return frame


async def two_devices(home: Home) -> tuple[LyingRelay, Tab, Tab]:
    """Two devices that are together at a relay which does not lie yet."""
    home.relay = relay = LyingRelay()
    home.network.hosts[ORIGIN] = relay
    anna = await home.begin()
    return relay, anna, await home.join(anna, "Bert")


async def write(tab: Tab, words: str) -> str:
    """Write a new note; return which."""
    note = tab.act("note.create")
    await until(lambda: tab.note == note, "the new note is open")
    tab.type(words)
    await until(lambda: tab.saved and not opened(tab).outgoing.waiting, "it is in the log")
    return note


def said(tab: Tab) -> str:
    """What a device has to say of its relay."""
    return opened(tab).syncing.standing().words


def naming(frame: Frame) -> list[Frame]:
    """Name each change in the stream, and give none."""
    match frame:
        case Changes(since, items):
            ids = ((one.id if isinstance(one, IdAlone) else id_in(one)) or bytes(32) for one in items)
            return [Changes(since, tuple(map(IdAlone, ids)))]
        case Found(no, _, reached, more):
            return [Found(no, (), reached, more)]
        case _:
            return [frame]


@rule
async def test_what_a_relay_only_names_is_seen_by_nobody(home: Home) -> None:
    """I1: no receipt counts what is not held; its device says that it is withheld, and has it once the relay gives it."""
    relay, anna, bert = await two_devices(home)
    relay.down_hand = lambda device, frame: naming(frame) if device == "Bert" else [frame]
    note = await write(anna, "the meeting is on Tuesday")
    await home.quiet(anna)
    await until(lambda: "withholds" in said(bert), "it is said", 120.0)
    await asyncio.sleep(600.0)

    assert note not in opened(bert).notebook.rows
    assert anna.status.startswith("On the relay")
    assert opened(bert).syncing.seen() == ()

    relay.turn_honest()
    bert.look()
    await until(lambda: note in opened(bert).notebook.rows, "it has come", 120.0)
    await until(lambda: anna.status.startswith("Seen by Bert"), "it is seen", 120.0)
    assert said(bert) == ""


@rule
async def test_only_the_stream_empties_the_outbox(home: Home) -> None:
    """I2: an ack with a sequence that the stream has passed is a lie; the change goes to the relay when it keeps it."""
    relay, anna, bert = await two_devices(home)

    def swallow(device: str, frame: Frame) -> list[Frame]:
        if device != "Anna" or not isinstance(frame, Push):
            return [frame]
        ids = tuple(id for change in frame.changes if (id := id_in(change)))
        [wire] = home.network.of("Anna")
        wire.deliver(encode(Ack((1,) * len(ids), ids)))
        return []

    relay.up_hand = swallow
    note = await write(anna, "buy milk")
    await until(lambda: "contradicts itself" in said(anna), "it is said", 60.0)
    await asyncio.sleep(60.0)

    assert anna.status.startswith("Saved on this device")

    relay.turn_honest()
    await home.together(anna, bert)
    await until(lambda: note in opened(bert).notebook.rows, "it is listed", 5.0)
    assert "contradicts itself" in said(anna)


@rule
async def test_acked_and_never_shown_is_not_on_the_relay(home: Home) -> None:
    """I2: an ack of a place to come is believed until the stream owes it for too long; nobody has seen it meanwhile."""
    relay, anna, _ = await two_devices(home)
    head = len(home.ids(anna))

    def swallow(device: str, frame: Frame) -> list[Frame]:
        if device != "Anna" or not isinstance(frame, Push):
            return [frame]
        ids = tuple(id for change in frame.changes if (id := id_in(change)))
        [wire] = home.network.of("Anna")
        wire.deliver(encode(Ack(tuple(range(head + 1, head + 1 + len(ids))), ids)))
        return []

    relay.up_hand = swallow
    seen: list[str] = []
    await write(anna, "buy milk")
    await until(lambda: anna.status.startswith("On the relay"), "it is believed", 10.0)
    await until(lambda: not seen.append(anna.status) and "withholds" in said(anna), "it is said", 120.0)

    # Not only because a next connection counts anew.
    home.network.go_offline("Anna", told=True)
    await until(lambda: anna.status.startswith("Saved on this device"), "it is believed no more", 5.0)
    assert not any(status.startswith("Seen by") for status in seen)


@rule
async def test_a_log_that_ends_before_what_another_device_holds_is_withheld(home: Home) -> None:
    """The relay keeps a device's stream back; the other's receipt tells that there is more."""
    relay, anna, bert = await two_devices(home)
    relay.down_hand = lambda device, frame: [] if device == "Bert" and isinstance(frame, Changes) else [frame]
    await write(anna, "the meeting is on Tuesday")
    await home.quiet(anna)

    await until(lambda: "it shows no more than" in said(bert), "it is said", 240.0)

    relay.turn_honest()
    await home.together(anna, bert)
    assert said(bert) == ""
    assert set(holdings(bert).ids) == home.ids(anna)


@rule
async def test_i3_no_receipt_goes_beyond_a_copy_that_its_author_never_signed(home: Home) -> None:
    """A relay flips a bit of what it gives Bert: he is not said to have seen it until he has a true copy."""
    relay, anna, bert = await two_devices(home)
    await until(lambda: anna.status.startswith("Seen by"), "Bert has seen all", 60.0)
    flipped: list[bytes] = []

    def flip(device: str, frame: Frame) -> list[Frame]:
        if device != "Bert" or not isinstance(frame, Changes | Found):
            return [frame]
        items = frame.items if isinstance(frame, Changes) else frame.changes
        bad = tuple(_flipped(item) if isinstance(item, bytes) else item for item in items)
        flipped.extend(item for item in items if isinstance(item, bytes))
        if isinstance(frame, Changes):
            return [Changes(frame.since, bad)]
        return [replace(frame, changes=tuple(item for item in bad if isinstance(item, bytes)))]

    relay.down_hand = flip
    await write(anna, "damaged on the way")
    await until(lambda: flipped, "it is damaged", 30.0)
    await home.quiet(anna)
    await asyncio.sleep(30)
    assert not anna.status.startswith("Seen by")

    relay.down_hand = lambda _device, frame: [frame]
    opened(bert).syncing.ask_again()
    await until(lambda: anna.status.startswith("Seen by"), "he has a true copy", 120.0)


def _flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@rule
async def test_a_receipt_counts_for_whom_it_names_and_not_for_whom_the_relay_says(home: Home) -> None:
    """The relay hands a device its own receipt, and another one's, under many names: nothing is kept, and nobody has seen more."""
    relay, anna, bert = await two_devices(home)
    said_by: dict[str, bytes] = {}

    def up(device: str, frame: Frame) -> list[Frame]:
        if isinstance(frame, Receipt):
            said_by[device] = frame.sealed
        return [frame]

    def down(device: str, frame: Frame) -> list[Frame]:
        invented = [Receipt(bytes([number]) * 32, sealed) for number in range(1, 30) for sealed in said_by.values()]
        return [frame, *invented] if device == "Anna" else [frame]

    relay.up_hand = up
    await write(bert, "what both have")
    await home.together(anna, bert)
    await until(lambda: len(said_by) == 2, "both have said how far they are", 60.0)
    relay.down_hand = down
    await write(anna, "something more")
    await home.together(anna, bert)

    syncing = opened(anna).syncing
    members = [device.id for device in opened(anna).identity.members.devices()]
    assert len(await opened(anna).log.relays.receipts(syncing.address or "")) == 2
    assert syncing._evidence.receipts.keys() <= set(members)
    assert opened(anna).identity.certificate not in syncing.standing().seen_by
