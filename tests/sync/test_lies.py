"""A relay that lies or keeps back, as one device's machine meets it: noticed, said, and believed in nothing."""

from __future__ import annotations

import pytest
from carryon_sync.device.effects import (
    Acked,
    Close,
    Effect,
    FetchWants,
    FindHeld,
    MakeReceipt,
    StartOver,
    StoreChanges,
    StoreFound,
    Why,
)
from carryon_sync.device.holes import HOLES_MAX, UNTOLD, Hole, Holes, told_apart
from carryon_sync.device.session import PATIENCE_MS, Session
from carryon_sync.formats.change import Seen
from carryon_sync.formats.running import RUNNING_START, run
from carryon_sync.protocol.frames import Ack, Changes, Found, IdAlone, Ping, Want, Welcome

from tests.sync.bench import AT_START, LOG, NONCE, OTHER_LOG, Bench, closed, id_of, sent

FIRST, SECOND = b"first " + bytes(26), b"second" + bytes(26)


def shown(bench: Bench, *ids: bytes, since: int = 0) -> StoreChanges:
    """The stream names these, and no more."""
    effects = bench.frame(Changes(since, tuple(map(IdAlone, ids))))
    [store] = [one for one in effects if isinstance(one, StoreChanges)]
    return store


def lacking(bench: Bench, *ids: bytes) -> tuple[Hole, ...]:
    """The stream has named these, and none of them is here."""
    store = shown(bench, *ids)
    bench.session.stored(store.alone, bench.now)
    return store.alone


def wanted(bench: Bench) -> Want:
    [want] = sent(bench.session.want((), (), (), bench.now))
    assert isinstance(want, Want)
    return want


def receipted(bench: Bench) -> Seen:
    """Where the next receipt points."""
    bench.now += 60_000
    bench.frame(Ping(1))
    [made] = [one for one in bench.session.tick(bench.now) if isinstance(one, MakeReceipt)]
    return made.reached


class TestNamedAndNotGiven:
    """I1: an id alone for what is not here is a hole: wanted until it is held, and nothing counts beyond it."""

    def test_it_is_wanted_by_its_id(self) -> None:
        bench = Bench(AT_START).live()
        lacking(bench, FIRST)

        assert bench.session.lacking() == [FetchWants()]
        assert wanted(bench).ids == (FIRST,)

    def test_the_cursor_moves_on_and_no_receipt_goes_beyond_it(self) -> None:
        bench = Bench(AT_START).live()
        store = shown(bench, FIRST, SECOND)
        bench.session.stored(store.alone[1:], 0)

        assert bench.session.status.reached == Seen(LOG, 2, run(RUNNING_START, (FIRST, SECOND)))
        assert bench.session.status.held == receipted(bench) == Seen(LOG, 1, run(RUNNING_START, (FIRST,)))

    def test_what_this_device_pushed_is_none(self) -> None:
        bench = Bench(AT_START).live()
        store = shown(bench, bench.pushed())

        bench.session.stored((), 0)

        assert bench.session.status.held == store.reached

    def test_once_it_is_given_receipts_go_on(self) -> None:
        bench = Bench(AT_START).live()
        lacking(bench, FIRST)
        want = wanted(bench)
        assert bench.frame(Found(want.no, (b"first",), 1, False)) == [StoreFound((b"first",), ())]

        bench.session.held((FIRST,), 0)
        bench.session.found_stored()

        assert receipted(bench).sequence == 1
        assert bench.session.status.words == ""

    def test_what_comes_by_another_way_fills_it_too(self) -> None:
        bench = Bench(AT_START).live()
        holes = lacking(bench, FIRST)

        assert FindHeld(holes) in bench.session.changed()
        bench.session.held((FIRST,), 0)

        assert bench.session.status.held == bench.session.status.reached
        assert bench.session.changed() == []

    @pytest.mark.parametrize("answers", [True, False], ids=["left out of the answer", "never answered"])
    def test_a_relay_that_does_not_give_it_withholds_it_and_that_stays_said(self, answers: bool) -> None:
        bench = Bench(AT_START).live()
        lacking(bench, FIRST)
        want = wanted(bench)

        if answers:
            bench.frame(Found(want.no, (), 1, False))
            bench.session.found_stored()
        else:
            bench.now = PATIENCE_MS
            bench.frame(Ping(1))
            bench.session.tick(bench.now)

        assert "withholds a change" in bench.session.status.words
        again(bench)
        assert "withholds a change" in bench.session.status.words
        assert wanted(bench).ids == (FIRST,)
        bench.session.held((FIRST,), 0)
        assert bench.session.status.words == ""

    def test_what_was_given_and_cannot_be_used_yet_is_not_withheld(self) -> None:
        bench = Bench(AT_START).live()
        change = bench.change(b"words of somebody")
        lacking(bench, id_of(change))
        want = wanted(bench)

        bench.frame(Found(want.no, (change,), 1, False))
        bench.session.found_stored()

        assert bench.session.status.words == ""
        assert bench.session.status.held == AT_START

    def test_it_is_known_after_a_restart(self) -> None:
        bench = Bench(AT_START).live()
        holes = lacking(bench, FIRST)
        status = bench.session.status

        session = Session(
            bench.people.notebook, bench.device.certificate.id, "relay:8000", bench.members, status.reached, holes
        )

        assert session.status.held == AT_START

    def test_a_log_that_is_begun_anew_has_no_holes(self) -> None:
        bench = Bench(AT_START).live()
        lacking(bench, FIRST)
        bench.session.disconnected(0, "dropped", 0.0)
        bench.session.tick(0)

        bench.greeted(OTHER_LOG)

        assert bench.session.holes.ids == ()

    def test_more_than_can_be_told_apart_are_not_forgotten(self) -> None:
        """Nothing counts behind the first one too many; when the others are filled, the log is read again."""
        many = [Hole(number.to_bytes(32, "big"), Seen(LOG, number, bytes(32))) for number in range(1, HOLES_MAX + 3)]
        kept = told_apart(many, HOLES_MAX)
        holes = Holes(kept)
        assert holes.ids == tuple(hole.id for hole in many[:HOLES_MAX])
        assert holes.room == 0

        holes.fill(holes.ids)

        assert (holes.are_untold, holes.held(AT_START)) == (True, many[HOLES_MAX].before)

    def test_when_only_untold_ones_are_left_the_log_is_read_again(self) -> None:
        bench = Bench(AT_START).live()
        store = shown(bench, FIRST, SECOND)
        bench.session.stored((store.alone[0], Hole(UNTOLD, store.alone[1].before)), 0)
        assert wanted(bench).ids == (FIRST,)

        effects = bench.session.held((FIRST,), 0)

        assert StartOver(Why.LACKING, AT_START) in effects
        closed(effects)


class TestAcks:
    """I2: an ack is evidence, compared with the stream; what was never pushed is evidence of nothing."""

    def test_of_a_place_that_the_stream_has_passed_it_is_a_lie(self) -> None:
        bench = Bench(AT_START).live()
        shown(bench, FIRST)
        bench.session.stored((), 0)

        effects = bench.frame(Ack((1,), (bench.pushed(),)))

        self.assert_disowned(bench, effects)

    def test_of_a_place_passed_on_an_earlier_connection_too(self) -> None:
        bench = Bench(Seen(LOG, 7, bytes([8]) * 32)).live(7, bytes([8]) * 32, 7)

        effects = bench.frame(Ack((3,), (bench.pushed(),)))

        self.assert_disowned(bench, effects)

    def test_before_the_welcome_it_is_compared_with_what_comes(self) -> None:
        bench = Bench(Seen(LOG, 7, bytes([8]) * 32)).greeted()
        bench.session.outbox([], 0)
        assert bench.frame(Ack((3,), (bench.pushed(),))) == []

        effects = bench.frame(Welcome(LOG, 7, bytes([8]) * 32, 7, 1 << 24, 1 << 22))

        self.assert_disowned(bench, effects)

    def test_of_the_place_at_which_the_stream_has_just_shown_it_it_is_right(self) -> None:
        """Another device pushed the same, and this one's push is acked after the stream has shown it."""
        bench = Bench(AT_START).live()
        id = bench.pushed()
        shown(bench, id)
        bench.session.stored((), 0)

        assert bench.frame(Ack((1,), (id,))) == [Acked(((id, 1),))]

    def test_of_what_was_never_pushed_it_says_nothing(self) -> None:
        bench = Bench(AT_START).live()

        assert bench.frame(Ack((1,), (FIRST,))) == []

    def test_two_at_one_place_are_a_lie(self) -> None:
        bench = Bench(AT_START).live()
        one, other = bench.pushed(b"one"), bench.pushed(b"other")

        self.assert_disowned(bench, bench.frame(Ack((1, 1), (one, other))))

    def assert_disowned(self, bench: Bench, effects: list[Effect]) -> None:
        assert StartOver(Why.DIFFERS, AT_START) in effects
        assert not any(isinstance(effect, Acked) for effect in effects)
        closed(effects)
        bench.session.started_over()
        again(bench)
        assert "contradicts itself" in bench.session.status.words


class TestStalled:
    """A relay that answers pings and shows no more of a log that is said to reach further withholds it."""

    def test_what_was_acked_and_is_not_shown_counts_no_more(self) -> None:
        bench = Bench(AT_START).live()
        bench.frame(Ack((1,), (bench.pushed(),)))

        effects = self.patience_ends(bench)

        closed(effects)
        again(bench)
        assert "withholds" in bench.session.status.words
        assert bench.frame(Ack((1,), (bench.pushed(b"other"),))) == []

    def test_what_another_device_holds_and_is_not_shown_is_said_until_it_is_shown(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.claimed(1, 0)
        closed(self.patience_ends(bench))
        again(bench)
        assert not any(isinstance(effect, Close) for effect in self.patience_ends(bench)), "once is enough"
        assert "reach 1, and it shows no more than 0" in bench.session.status.words

        shown(bench, FIRST)

        assert bench.session.status.words == ""

    def test_it_is_said_while_catching_up_too(self) -> None:
        bench = Bench(AT_START).greeted()
        bench.session.outbox([], 0)
        bench.frame(Welcome(LOG, 2, bytes(32), 0, 1 << 24, 1 << 22))

        self.patience_ends(bench)

        assert "reach 2, and it shows no more than 0" in bench.session.status.words

    def test_a_stream_that_goes_on_is_given_time(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.claimed(2, 0)
        bench.now = PATIENCE_MS - 1
        shown(bench, FIRST)

        assert not any(isinstance(effect, Close) for effect in bench.session.tick(PATIENCE_MS))
        assert bench.session.status.words == ""

    def test_another_log_owes_nothing_for_this_one(self) -> None:
        bench = Bench(Seen(LOG, 1, bytes(32))).connected()
        bench.session.claimed(5, 0)
        bench.session.disconnected(0, "dropped", 0.0)
        bench.session.tick(0)
        bench.greeted(OTHER_LOG)
        bench.frame(Welcome(OTHER_LOG, 0, RUNNING_START, 0, 1 << 24, 1 << 22))

        self.patience_ends(bench)

        assert "withholds" not in bench.session.status.words

    def patience_ends(self, bench: Bench) -> list[Effect]:
        bench.now += PATIENCE_MS
        bench.frame(Ping(1))
        return bench.session.tick(bench.now)


def again(bench: Bench) -> None:
    """Lose the connection and be live on the next one."""
    reached = bench.session.status.reached
    assert reached is not None
    bench.session.disconnected(bench.now, "dropped", 0.0)
    bench.session.tick(bench.now)
    bench.session.connected(bench.now, NONCE)
    bench.greeting(LOG)
    bench.session.outbox([], 0)
    bench.frame(Welcome(LOG, reached.sequence, reached.running, reached.sequence, 1 << 24, 1 << 22))
