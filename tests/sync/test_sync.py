"""Devices and a relay together: what is written anywhere is everywhere, whatever breaks in between."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from carryon_sync.device.effects import Why
from carryon_sync.formats.records import Role, Witness
from carryon_sync.protocol.frames import Range
from carryon_sync.relay.memory_ledger import MemoryLedger
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sync.world import TAG, Shell, World


def pair() -> tuple[World, Shell, Shell]:
    world = World()
    laptop, phone = world.device("laptop"), world.device("phone")
    laptop._keep_record(world.people.members.records()[-1].encode())
    laptop.start()
    phone.start()
    return world, laptop, phone


class TestTwoDevices:
    def test_what_one_writes_the_other_gets_and_both_know_it_is_on_the_relay(self) -> None:
        world, laptop, phone = pair()

        written = [laptop.write(b"one"), phone.write(b"two"), laptop.write(b"three")]
        world.converge()

        assert laptop.texts() == phone.texts() == {b"one", b"two", b"three"}
        assert laptop.acked.keys() | phone.acked.keys() == {change.id for change in written}

    def test_what_was_written_before_the_first_connection_goes_up_too(self) -> None:
        world = World()
        laptop = world.device("laptop")
        laptop.write(b"in flight")

        laptop.start()
        world.converge()

        assert laptop.started_over == [Why.FIRST]
        assert world.relay.room.head == 1

    def test_live_changes_come_without_time_passing(self) -> None:
        world, laptop, phone = pair()
        world.converge()

        laptop.write(b"now")
        world.settle()

        assert phone.texts() == {b"now"}

    def test_a_change_is_not_sent_back_to_who_pushed_it(self) -> None:
        world, laptop, _ = pair()
        world.converge()
        sent: list[bytes] = []
        assert laptop.pipe is not None
        keep = laptop.session.received

        def received(data: bytes, now: int) -> object:
            sent.append(data)
            return keep(data, now)

        laptop.session.received = received  # type: ignore[method-assign, assignment]
        laptop.write(b"x" * 5000)
        world.settle()

        assert sum(map(len, sent)) < 1000
        assert not laptop.outbox

    def test_receipts_reach_the_others_and_are_kept_for_those_who_come_later(self) -> None:
        world, laptop, phone = pair()
        laptop.write(b"one")
        world.converge()
        said = b"phone at 1"

        world.pass_time(lambda: laptop.receipts.get(phone.device.certificate.id) == said)
        tablet = world.device("tablet")
        tablet.start()
        world.converge()

        assert tablet.receipts[phone.device.certificate.id] == said

    def test_a_new_device_reaches_the_others_as_a_record_before_its_changes(self) -> None:
        world, laptop, phone = pair()
        world.converge()

        tablet = world.device("tablet")
        tablet.write(b"from the tablet")
        tablet.start()
        world.converge()

        for shell in (laptop, phone):
            assert shell.members.certificate_of(tablet.device.author) is not None

    def test_many_changes_come_in_pages_in_order(self) -> None:
        world = World()
        laptop = world.device("laptop")
        for number in range(700):
            laptop.write(b"%d" % number + bytes(3000))
        laptop.start()
        world.converge()

        phone = world.device("phone")
        phone.start()
        world.converge()

        assert list(phone.log) == list(laptop.log)

    def test_a_reader_gets_everything_and_pushes_nothing(self) -> None:
        world, laptop, _ = pair()
        reader = world.device("reader", role=Role.READER)
        reader.start()
        laptop.write(b"for all")
        world.settle()
        reader.write(b"not allowed")
        world.settle()

        assert reader.texts() == {b"for all", b"not allowed"}
        assert laptop.texts() == {b"for all"}
        assert reader.pushed == 0

    def test_what_is_lacking_is_fetched_page_by_page_and_asked_for_once(self) -> None:
        world, laptop, phone = pair()
        changes = [laptop.write(b"%d" % number + bytes(100_000)) for number in range(8)]
        other = laptop.write(b"other", tag=bytes(16))
        world.converge()

        one = Range(TAG, laptop.device.author, 3, 3)
        phone.wanted = ((TAG,), (one, Range(bytes(16), laptop.device.author, 1, 2)))
        phone.perform(phone.session.lacking())
        world.settle()

        assert phone.found == [change.encode() for change in (*changes, other)]


class TestBrokenConnections:
    """A7: dropped at any frame in either direction, nothing is lost and all is sent again."""

    @pytest.mark.parametrize("live", [False, True])
    def test_a7_dropped_before_any_message_everything_arrives_in_the_end(self, live: bool) -> None:
        messages = 0

        def count() -> None:
            nonlocal messages
            messages += 1

        burst(count, live)
        assert messages >= 16

        for cut in range(messages):
            left = cut

            def drop() -> bool:
                nonlocal left
                left -= 1
                return left == -1

            world = burst(drop, live)
            laptop, phone = world.shells
            assert laptop.texts() == phone.texts() == {b"%d" % number for number in range(6)}
            assert world.relay.room.head == 6

    @given(st.data())
    @settings(max_examples=60)
    def test_a7_dropped_crashed_and_killed_at_random_everything_arrives_in_the_end(self, data: st.DataObject) -> None:
        world, laptop, phone = pair()
        expected = set()
        for number in range(data.draw(st.integers(1, 12))):
            words = b"%d" % number
            expected.add(words)
            data.draw(st.sampled_from((laptop, phone)), label="who").write(words)
            for _ in range(data.draw(st.integers(0, 12), label="steps")):
                world.step()
            shell = data.draw(st.sampled_from((laptop, phone)), label="whose")
            match data.draw(st.sampled_from(("nothing", "drop", "kill", "crash", "half-drop")), label="fault"):
                case "drop":
                    shell.disconnect("dropped")
                case "half-drop" if shell.pipe is not None:
                    shell.pipe.standing = False
                case "kill":
                    shell.restart()
                case "crash":
                    world.relay.crash()
                    world.relay.restart()
        world.converge()

        assert laptop.texts() == phone.texts() == expected
        assert world.relay.room.head == len(expected)
        assert {*laptop.started_over, *phone.started_over} == {Why.FIRST}


def burst(drop: Callable[[], bool | None], live: bool) -> World:
    """Write on both sides while messages flow; where `drop` says so, all connections end before that message."""
    world, laptop, phone = pair()
    if live:
        world.converge()

    def cut() -> None:
        if drop():
            for shell in world.shells:
                if shell.pipe is not None:
                    shell.pipe.standing = False
                    shell.pipe.down.clear()

    world.on_message = cut
    for number in range(6):
        (laptop if number % 2 else phone).write(b"%d" % number)
        for _ in range(number):
            world.step()
    world.converge()
    return world


class TestCrashes:
    def test_c11_a10_killed_between_receive_and_commit_it_is_sent_again(self) -> None:
        world, laptop, phone = pair()
        world.converge()
        laptop.write(b"one")
        while not world.relay.jobs:
            world.step()

        world.relay.crash()
        assert not laptop.acked
        world.relay.restart()
        world.converge()

        assert phone.texts() == {b"one"}
        assert world.relay.room.head == 1

    def test_a10_killed_at_any_step_nothing_that_was_shown_is_taken_back(self) -> None:
        for steps in range(1, 60):
            world, laptop, phone = pair()
            laptop.write(b"one")
            phone.write(b"two")
            for _ in range(steps):
                world.step()
            seen = {**laptop.acked, **phone.acked}
            shown = {b"one": laptop, b"two": phone}
            crossed = [words for words, shell in shown.items() if words in (phone.texts() | laptop.texts())]
            assert len(crossed) == 2

            world.relay.crash()
            world.relay.restart()

            kept = world.relay.ledger.page(world.people.notebook, 0, 1 << 20).changes
            assert {id for id, _ in kept} >= set(seen)
            world.converge()
            assert laptop.texts() == phone.texts() == {b"one", b"two"}

    def test_the_relay_unreachable_is_tried_again_later_and_later(self) -> None:
        world, laptop, _ = pair()
        world.reachable = False
        waits = []
        for _ in range(9):
            world.settle()
            retry_at = laptop.session.status.retry_at
            assert retry_at is not None
            waits.append(retry_at - world.now)
            world.now = retry_at
            laptop.perform(laptop.session.tick(world.now))

        assert waits == [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]

    def test_a_hint_tries_at_once(self) -> None:
        world, laptop, phone = pair()
        world.reachable = False
        world.settle()
        world.reachable = True

        laptop.perform(laptop.session.hint_online(world.now))
        world.settle()

        assert laptop.live
        assert not phone.live


class TestOtherRelays:
    """B1: an empty, wiped, rolled-back or foreign relay deletes nothing locally and is refilled."""

    def test_b1_a_wiped_relay_is_refilled_by_whoever_comes(self) -> None:
        world, laptop, phone = pair()
        for number in range(5):
            laptop.write(b"%d" % number)
        world.converge()

        world.relay.wipe()
        world.converge()

        assert laptop.texts() == phone.texts() == {b"%d" % number for number in range(5)}
        assert laptop.started_over == phone.started_over == [Why.FIRST, Why.REPLACED]
        assert world.relay.room.head == 5

    def test_b1_a_wiped_relay_is_refilled_by_a_joined_device_alone_even_after_its_invite_expired(self) -> None:
        world = World()
        laptop = world.device("laptop")
        invite = world.people.admit(world.people.invite(laptop.device, expires=world.relay.date + 1))
        certificate = world.people.admit(world.people.joined("phone", invite))
        world.people.admit(world.people.written(Witness(), laptop.device))
        phone = world.admit(world.people.as_device("phone", certificate))
        phone.write(b"mine")
        world.shells.remove(laptop)
        world.relay.date += 10

        phone.start()
        world.converge()

        assert world.relay.room.head == 1

    @pytest.mark.parametrize("kept", range(5))
    def test_b1_a_relay_that_went_back_is_noticed_and_refilled(self, kept: int) -> None:
        world, laptop, phone = pair()
        backup = None
        for number in range(5):
            if number == kept:
                backup = copy.deepcopy(world.relay.ledger)
            laptop.write(b"%d" % number)
            world.converge()

        world.relay.restart(backup)
        world.converge()

        assert laptop.texts() == phone.texts() == {b"%d" % number for number in range(5)}
        assert world.relay.room.head == 5
        assert laptop.started_over[-1] in (Why.WENT_BACK, Why.DIFFERS, Why.REPLACED)

    def test_b1_a_relay_that_went_back_and_grew_again_is_noticed_by_its_hash(self) -> None:
        world, laptop, phone = pair()
        laptop.write(b"one")
        world.converge()
        backup = copy.deepcopy(world.relay.ledger)
        laptop.write(b"two")
        world.converge()
        phone.disconnect("away")
        laptop.disconnect("away")
        tablet = world.device("tablet")
        world.shells = [tablet]
        world.relay.restart(backup)
        tablet.start()
        tablet.write(b"three")
        tablet.write(b"four")
        world.converge()

        world.shells = [laptop, phone, tablet]
        world.converge()

        assert laptop.texts() == phone.texts() == tablet.texts() == {b"one", b"two", b"three", b"four"}
        assert laptop.started_over[-1] is phone.started_over[-1] is Why.DIFFERS

    def test_b1_an_ack_that_a_rolled_back_relay_forgot_loses_nothing(self) -> None:
        world, laptop, phone = pair()
        world.converge()
        backup = copy.deepcopy(world.relay.ledger)
        change = laptop.write(b"acked, not yet shown")
        while change.id not in laptop.acked:
            world.step()
        assert laptop.pipe is not None
        laptop.pipe.down.clear()

        world.relay.restart(backup)
        world.converge()

        assert phone.texts() == {b"acked, not yet shown"}

    def test_b1_the_relay_of_another_notebook_takes_nothing_and_gives_nothing(self) -> None:
        world, laptop, _ = pair()
        laptop.write(b"mine")
        world.converge()
        foreign = MemoryLedger(lambda: bytes([7]) * 16)

        world.relay.restart(foreign)
        world.settle()

        assert laptop.texts() == {b"mine"}
        world.converge()
        assert world.relay.room.head == 1


class TestForks:
    def test_c6_both_branches_of_a_fork_are_kept_acked_passed_on_and_reported(self) -> None:
        world, laptop, phone = pair()
        laptop.write(b"common")
        world.converge()
        restored = copy.deepcopy(laptop.device)
        laptop.write(b"here")
        twin = world.admit(restored)
        twin.start()
        world.pass_time(lambda: twin.live)
        twin.write(b"there")
        world.converge()

        assert phone.texts() == {b"common", b"here", b"there"}
        assert [report.code for report in world.relay.reports if report.code == "fork"] == ["fork"]
