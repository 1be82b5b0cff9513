"""J16: what is wrong with a relay stays said for as long as it is wrong, whatever happens beside it."""

from __future__ import annotations

from carryon_sync.device.complaints import COMPLAINTS_MAX, Complaints, Stands
from carryon_sync.formats.running import RUNNING_START
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.frames import Ack, Changes, Error, IdAlone, Ping, Pong, Welcome

from tests.sync.bench import AT_START, LOG, NONCE, Bench, sent

FULL = "the relay could not store this (disk full): nothing is lost, it will be sent again"


def words(bench: Bench) -> str:
    return bench.session.status.words


def lost(bench: Bench, why: str = "lost", code: int = Closing.NORMAL) -> None:
    bench.session.disconnected(bench.now, why, 0.0, code)
    bench.session.tick(bench.now)


def live_again(bench: Bench) -> None:
    bench.session.connected(bench.now, NONCE)
    bench.greeting()
    reached = bench.session.status.reached
    assert reached is not None
    bench.frame(Welcome(LOG, reached.sequence, reached.running, reached.sequence, 1 << 24, 1 << 22))


class TestRefusals:
    def test_a_refused_change_stays_said_until_it_is_on_the_relay(self) -> None:
        bench = Bench(AT_START).live()
        id = bench.pushed()
        bench.frame(Error("refused-change", "this device is certified to read only", (id,)))

        lost(bench)
        live_again(bench)
        assert words(bench) == "this device is certified to read only"

        bench.frame(Changes(0, (IdAlone(id),)))
        assert words(bench) == ""

    def test_one_of_two_refused_changes_is_not_both(self) -> None:
        bench = Bench(AT_START).live()
        one, other = bench.pushed(b"one"), bench.pushed(b"other")
        bench.frame(Error("refused-change", "too large", (one,)))
        bench.frame(Error("refused-change", "too large", (other,)))

        bench.frame(Changes(0, (IdAlone(one),)))

        assert words(bench) == "too large"

    def test_who_was_not_let_in_reads_why_while_the_relay_is_away_too(self) -> None:
        bench = Bench(AT_START).greeted()
        bench.frame(Error("removed-device", "this device was removed"))
        lost(bench, "this device was removed", Closing.NOT_LET_IN)

        lost(bench, "the relay cannot be reached")

        assert words(bench) == "this device was removed; the relay cannot be reached"
        live_again(bench)
        assert words(bench) == ""

    def test_what_is_refused_on_a_connection_outlives_its_going_live(self) -> None:
        """A record is refused before the welcome; it stands until a later connection has nothing against it."""
        bench = Bench(AT_START).greeted()
        bench.frame(Error("refused-record", "a record is not in order"))
        bench.session.outbox([], 0)
        bench.frame(Welcome(LOG, 0, RUNNING_START, 0, 1 << 24, 1 << 22))
        assert words(bench) == "a record is not in order"

        lost(bench)
        live_again(bench)

        assert words(bench) == ""


class TestNotStored:
    def test_it_stays_said_until_the_relay_stores(self) -> None:
        bench = Bench(AT_START).live()
        bench.pushed()
        lost(bench, FULL, Closing.FAILED)

        live_again(bench)
        assert words(bench) == FULL

        bench.frame(Ack((1,), (bench.pushed(b"again"),)))
        assert words(bench) == ""

    def test_with_nothing_to_store_it_goes_when_the_connection_lives_on(self) -> None:
        bench = Bench(AT_START).live()
        lost(bench, FULL, Closing.FAILED)
        live_again(bench)
        bench.session.outbox([], 0)
        assert words(bench) == FULL

        bench.now = 25_000
        [ping] = [frame for frame in sent(bench.session.tick(bench.now)) if isinstance(frame, Ping)]
        bench.frame(Pong(ping.no))

        assert words(bench) == ""


class TestComplaints:
    def test_a_relay_cannot_complain_without_end(self) -> None:
        """A relay names the codes of its errors."""
        complaints = Complaints()

        for number in range(COMPLAINTS_MAX + 1):
            complaints.say(f"code {number}", f"words {number}", Stands.FOR_GOOD)

        assert complaints.words == "; ".join(f"words {number}" for number in range(1, COMPLAINTS_MAX + 1))

    def test_the_same_words_are_said_once(self) -> None:
        complaints = Complaints()

        complaints.say("one", "the same", Stands.FOR_GOOD)
        complaints.say("other", "the same", Stands.FOR_GOOD)

        assert complaints.words == "the same"

    def test_a_log_that_was_begun_anew_is_said_until_a_later_connection_is_live(self) -> None:
        bench = Bench(AT_START).live()
        bench.frame(Changes(0, (IdAlone(b"a" * 32),)))
        bench.session.stored((), 0)
        lost(bench)
        bench.session.connected(0, NONCE)
        bench.greeting()
        bench.frame(Welcome(LOG, 0, RUNNING_START, 0, 1 << 24, 1 << 22))
        bench.session.started_over()
        assert "rolled back" in words(bench)
        assert bench.session.status.reached == AT_START

        lost(bench)
        live_again(bench)

        assert words(bench) == ""
