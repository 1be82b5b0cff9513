"""Joining: with an invite's key, a relay and no help from the inviter, to a live device."""

from __future__ import annotations

import pytest
from carryon_sync.device.effects import Close, Joined, JoiningEffect, NotJoined, Send, Sign, StoreMembers
from carryon_sync.device.joining import Joining
from carryon_sync.formats.records import Role
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.codec import encode
from carryon_sync.protocol.frames import Challenge, Changes, Error, Frame, MembersRecords, Ping, Push, Unknown, Welcome
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.people import key_of
from tests.sync.world import ORIGIN, Pipe, Shell, World

NONCE = bytes([4]) * 32


def joining() -> Joining:
    return Joining(bytes(16), bytes([1]) * 32, ORIGIN, NONCE)


def invite_world(**limits: int) -> tuple[World, Shell, str]:
    world = World()
    laptop = world.device("laptop")
    laptop.start()
    laptop.write(b"before the invite")
    invite = world.people.admit(world.people.invite(laptop.device, **limits))
    laptop.members.add(invite)
    laptop.perform(laptop.session.members_changed())
    world.converge()
    return world, laptop, world.people.name


def attempt(world: World, invite_name: str = "invite") -> tuple[list[JoiningEffect], list[bytes]]:
    """Run one attempt to its end; give what it came to and the records it got."""
    key = key_of(f"{world.people.name} {invite_name}")
    machine = Joining(world.people.notebook, key.public_key().public_bytes_raw(), ORIGIN, NONCE)
    pipe = Pipe(9999)
    world.relay.connect(pipe, world.now)
    records: list[bytes] = []
    came_to: list[JoiningEffect] = []

    def perform(effects: list[JoiningEffect]) -> None:
        for effect in effects:
            match effect:
                case Sign(message):
                    perform(machine.signed(key.sign(message)))
                case Send(data):
                    world.relay.perform(world.relay.room.received(pipe.no, data, world.now, world.relay.date))
                case StoreMembers(more):
                    records.extend(more)
                case _:
                    came_to.append(effect)

    while pipe.down or world.relay.jobs:
        world.settle()
        while pipe.down:
            perform(machine.received(pipe.down.popleft()))
    world.relay.room.left(pipe.no)
    world.relay.pipes.pop(pipe.no, None)
    return came_to, records


def test_an_invite_fetches_the_records_and_its_certificate_begins_a_session() -> None:
    world, laptop, _ = invite_world()

    came_to, records = attempt(world)

    assert came_to == [Joined(), Close(Closing.NORMAL, "the records are here")]
    assert set(records) == {record.encode() for record in laptop.members.records()}
    invite = laptop.members.invite_with(key_of("notebook invite").public_key().public_bytes_raw())
    assert invite is not None
    certificate = world.people.admit(world.people.joined("phone", invite, role=Role.EDITOR))
    phone = world.admit(world.people.as_device("phone", certificate))
    phone.start()
    phone.write(b"after joining")
    world.converge()
    assert laptop.texts() == phone.texts() == {b"before the invite", b"after joining"}


def test_an_expired_invite_is_told_in_words() -> None:
    world, _, _ = invite_world(expires=1)

    came_to, records = attempt(world)

    assert isinstance(came_to[0], NotJoined)
    assert came_to[0].code == "expired-invite"
    assert records == []


def test_a_relay_that_does_not_know_the_invite_is_told_in_words() -> None:
    world, _, _ = invite_world()

    (not_joined, _), _ = attempt(world, "another")

    assert isinstance(not_joined, NotJoined)
    assert not_joined.code == "unknown-invite"


@pytest.mark.parametrize("frame", [Welcome(bytes(16), 0, bytes(32), 0, 1, 1), MembersRecords(()), Push(())])
def test_what_comes_out_of_turn_ends_the_attempt(frame: Frame) -> None:
    effects = joining().received(encode(frame))

    assert isinstance(effects[0], NotJoined)
    assert isinstance(effects[1], Close)


def test_changes_are_never_taken_by_a_device_that_only_joins() -> None:
    machine = joining()
    machine.received(encode(Challenge(NONCE, bytes(16), ())))
    machine.signed(bytes(64))

    assert isinstance(machine.received(encode(Changes(0, ())))[0], NotJoined)


def test_pings_are_answered_and_newer_frames_passed_over() -> None:
    machine = joining()

    assert isinstance(machine.received(encode(Ping(1)))[0], Send)
    assert machine.received(encode(Unknown("digest"))) == []


def test_it_ends_once() -> None:
    machine = joining()

    assert machine.disconnected("no answer for 30 s") == [NotJoined("disconnected", "no answer for 30 s")]
    assert machine.disconnected("again") == machine.received(encode(Error("x", "y"))) == []


@given(st.binary(max_size=100))
def test_any_bytes_raise_nothing(data: bytes) -> None:
    joining().received(data)
