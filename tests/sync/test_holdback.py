"""C2: whatever the order of delivery, changes come out in causal order, within bounds, and nothing is stopped."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import replace

from carryon_sync.device.holdback import Arrived, HoldBack, Outcome, arrived
from carryon_sync.formats.change import NO_PREV, Link
from carryon_sync.protocol.frames import Range
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.people import People

TAG = bytes([9]) * 16


def named(
    author: int,
    n: int,
    needs: Iterable[Arrived] = (),
    *,
    tag: bytes = TAG,
    branch: int = 0,
    prev: Arrived | None = None,
    size: int = 1,
) -> Arrived:
    """Name a change by who and how many; `prev` is the author's previous on the same branch unless told."""
    before = NO_PREV if n == 1 else (prev.id if prev else identity(author, n - 1, tag, branch))
    links = tuple(Link(one.author, one.n, one.id) for one in needs)
    return Arrived(identity(author, n, tag, branch), tag, bytes([author]) * 16, n, before, links, size)


def identity(author: int, n: int, tag: bytes, branch: int) -> bytes:
    return bytes([author, n // 256, n % 256, branch]) + tag + bytes(12)


class Log:
    """The shell's side: a log in memory that refuses what is not causal."""

    def __init__(self, machine: HoldBack | None = None) -> None:
        self.machine = HoldBack() if machine is None else machine
        self.kept: dict[bytes, Arrived] = {}
        self.order: list[bytes] = []
        self.waiting: dict[bytes, Arrived] = {}

    def deliver(self, *arrivals: Arrived) -> Outcome:
        fresh = [one for one in arrivals if one.id not in self.kept]
        asked = self.machine.asks(fresh)
        held = {one.link.id for one in asked if one.link.id in self.kept}
        outcome = self.machine.take(fresh, held)
        names = self.waiting | {one.id: one for one in fresh}
        for id in outcome.released:
            for link in names[id].predecessors:
                assert link.id in self.kept, "released before its predecessor"
            self.kept[id] = names[id]
            self.order.append(id)
            self.waiting.pop(id, None)
        self.waiting |= {id: names[id] for id in outcome.waiting}
        for id in outcome.dropped:
            self.waiting.pop(id, None)
        assert set(self.waiting) == set(self.machine._waiting)
        return outcome


def conversation() -> list[Arrived]:
    """Return seven changes of three authors that answer each other."""
    a1 = named(1, 1)
    b1 = named(2, 1, [a1])
    c1 = named(3, 1)
    a2 = named(1, 2, [b1, c1])
    b2 = named(2, 2, [a2])
    c2 = named(3, 2, [b1])
    a3 = named(1, 3, [c2])
    return [a1, b1, c1, a2, b2, c2, a3]


class TestCausal:
    def test_c2_all_permutations_of_three_authors_come_out_causal_and_whole(self) -> None:
        whole = conversation()
        for order in itertools.permutations(whole):
            log = Log()
            for one in order:
                log.deliver(one)
            assert set(log.order) == {one.id for one in whole}
            assert log.machine.count == log.machine.size == 0

    @given(st.data())
    def test_c2_batches_duplicates_and_restarts_change_nothing(self, data: st.DataObject) -> None:
        whole = conversation()
        order = data.draw(st.permutations(whole + whole))
        log = Log()
        while order:
            size = data.draw(st.integers(1, 4))
            batch, order = order[:size], order[size:]
            if data.draw(st.booleans()):
                log.machine = HoldBack(log.waiting.values(), log.machine.marked)
                log.deliver()
            log.deliver(*batch)

        assert len(log.order) == len(whole)
        assert set(log.order) == {one.id for one in whole}

    def test_a_change_of_another_note_is_not_held_up(self) -> None:
        log = Log()

        log.deliver(named(1, 2))
        outcome = log.deliver(named(1, 1, tag=bytes(16)))

        assert len(outcome.released) == 1
        assert log.machine.count == 1

    def test_what_entered_the_log_by_another_way_releases_at_the_next_look(self) -> None:
        first, second = named(1, 1), named(1, 2)
        log = Log()
        log.deliver(second)
        log.kept[first.id] = first

        assert log.deliver().released == (second.id,)

    def test_c6_both_branches_of_a_fork_come_out_each_behind_its_own(self) -> None:
        first = named(1, 1)
        branches = [[named(1, 2, branch=b, prev=first), named(1, 3, branch=b)] for b in (1, 2)]
        whole = [first, *branches[0], *branches[1]]
        for order in itertools.permutations(whole):
            log = Log()
            for one in order:
                log.deliver(one)
            assert set(log.order) == {one.id for one in whole}

    def test_a_sealed_change_is_named_with_its_opened_needs(self) -> None:
        laptop = People().device("laptop")
        laptop.change(TAG, b"one")
        change = laptop.change(TAG, b"two")
        need = Link(bytes(16), 3, bytes(32))

        name = arrived(change, (need,))

        assert name.predecessors == (Link(laptop.author, 1, change.header.prev), need)


class TestWants:
    def test_it_names_what_nobody_brought(self) -> None:
        log = Log()
        need = named(2, 7)

        log.deliver(named(1, 2, [need]), named(1, 3))

        assert set(log.machine.wants(10)) == {
            Range(TAG, bytes([1]) * 16, 1, 1),
            Range(TAG, bytes([2]) * 16, 7, 7),
        }
        assert len(log.machine.wants(1)) == 1


class TestBounded:
    """When it is full, the tag with most waiting is dropped and marked, and its fetch heals everything."""

    def flooded(self, **limits: int) -> tuple[Log, list[Arrived], list[Arrived]]:
        big = [named(1, n) for n in range(1, 9)]
        small = [named(2, n, tag=bytes(16)) for n in range(1, 4)]
        log = Log(HoldBack(**limits))
        log.deliver(*small[1:])
        for one in big[2:]:
            log.deliver(one)
        return log, big, small

    def test_a_full_machine_drops_the_tag_with_most_waiting_and_marks_it(self) -> None:
        log, _, small = self.flooded(waiting_max=5)

        assert log.machine.marked == (TAG,)
        assert set(log.waiting) == {one.id for one in small[1:]}

    def test_bytes_are_bounded_too(self) -> None:
        log = Log(HoldBack(bytes_max=100))

        log.deliver(named(1, 2, size=60))
        outcome = log.deliver(named(2, 2, size=50, tag=bytes(16)))

        assert outcome.marked == (TAG,)
        assert log.machine.size == 50

    def test_of_a_marked_tag_what_can_be_released_is_and_the_rest_is_not_kept(self) -> None:
        log, big, _ = self.flooded(waiting_max=5)

        assert log.deliver(big[0]).released == (big[0].id,)
        assert log.deliver(big[7]).dropped == (big[7].id,)

    def test_hold_back_never_stops_the_stream_that_would_release_it(self) -> None:
        log, _, small = self.flooded(waiting_max=5)

        assert log.deliver(small[0]).released == tuple(one.id for one in small)

    def test_a_fetch_brings_the_marked_tag_whole(self) -> None:
        log, big, _ = self.flooded(waiting_max=5)

        log.machine.fetching(TAG)
        for page in (big[:3], big[3:6], big[6:]):
            log.deliver(*page)

        assert log.machine.fetched(TAG)
        assert log.machine.marked == ()
        assert [one.id for one in big] == [id for id in log.order if log.kept[id].tag == TAG]

    def test_what_comes_while_a_tag_is_fetched_waits_for_the_fetch(self) -> None:
        log, big, _ = self.flooded(waiting_max=5)

        log.machine.fetching(TAG)
        log.deliver(big[7])
        log.deliver(*big[:7])

        assert log.machine.fetched(TAG)
        assert {one.id for one in big} <= set(log.order)

    def test_what_was_dropped_takes_no_memory(self) -> None:
        """A member's change may name very many others; all that is kept of it is the mark of its tag."""
        machine = HoldBack(waiting_max=2)
        tracemalloc.start()
        try:
            for number in range(1, 101):
                needs = tuple(Link(bytes(16), place, number.to_bytes(16) + place.to_bytes(16)) for place in range(1000))
                machine.take([Arrived(number.to_bytes(32), TAG, bytes(16), number, NO_PREV, needs, 1)], ())
            del needs
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert machine.marked == (TAG,)
        assert taken < 1 << 20

    def test_a_fetch_that_overflows_again_leaves_the_mark(self) -> None:
        log, big, _ = self.flooded(waiting_max=5)

        log.machine.fetching(TAG)
        log.deliver(*big[2:])

        assert not log.machine.fetched(TAG)
        assert log.machine.marked == (TAG,)

    @given(st.permutations(range(30)), st.integers(1, 12))
    def test_any_order_within_any_bound_ends_whole_after_the_fetches(self, order: Sequence[int], limit: int) -> None:
        whole = [named(number % 3, number // 3 + 1, tag=bytes([number % 3]) * 16) for number in range(30)]
        log = Log(HoldBack(waiting_max=limit))
        for index in order:
            log.deliver(whole[index])
            assert log.machine.count <= limit

        for tag in log.machine.marked:
            log.machine.fetching(tag)
            for one in whole:
                if one.tag == tag:
                    log.deliver(one)
            assert log.machine.fetched(tag)

        assert {one.id for one in whole} == set(log.order)


class TestEnded:
    """I7: what a removed device wrote counts as far as its remover held it, or a member in good standing went on from it."""

    def story(self) -> tuple[list[Arrived], Arrived]:
        """Eve's first three changes were held by who removed her, the fourth was answered by Ann, the fifth and a fork not."""
        eve = [named(5, 1)]
        for n in range(2, 6):
            eve.append(named(5, n, prev=eve[-1]))
        forged = named(5, 2, branch=1, prev=eve[0])
        answer = named(1, 1, [eve[3]])
        ended = [replace(one, ended=True) for one in (*eve, forged)]
        return [*ended, answer], ended[2]

    def test_in_every_order_the_same_counts(self) -> None:
        changes, head = self.story()
        counting = {one.id for one in (*changes[:4], changes[-1])}

        for order in itertools.permutations(changes):
            log = Log(HoldBack(vouched=[head.id]))
            for one in order:
                log.deliver(one)

            assert set(log.kept) == counting
            assert {one.id for one in log.machine.unvouched} == {changes[4].id, changes[5].id}

    def test_nothing_of_it_counts_by_itself(self) -> None:
        changes, _ = self.story()
        log = Log()

        log.deliver(*changes[:6])

        assert log.kept == {}
        assert len(log.machine.unvouched) == 6

    def test_a_person_takes_what_waited(self) -> None:
        changes, head = self.story()
        log = Log(HoldBack(vouched=[head.id]))
        log.deliver(*changes[:5])
        assert len(log.kept) == 3

        log.machine.vouch([changes[4].id])
        log.deliver()

        assert len(log.kept) == 5

    def test_after_a_start_the_same_waits(self) -> None:
        changes, head = self.story()
        log = Log(HoldBack(vouched=[head.id]))
        log.deliver(changes[1], changes[4], changes[-1])
        log.machine = HoldBack(log.waiting.values(), (), [head.id])

        log.deliver(*(changes[0], changes[2], changes[3], changes[5]))

        assert {one.id for one in log.machine.unvouched} == {changes[4].id, changes[5].id}
        assert set(log.kept) == {one.id for one in (*changes[:4], changes[-1])}
