"""J10: patience is measured in progress. Large frames travel in parts, and each thing that is heard begins it anew."""

from __future__ import annotations

import pytest
from carryon_sync.device.effects import Close, Effect
from carryon_sync.device.patience import PATIENCE_MS_MAX
from carryon_sync.device.session import PATIENCE_MS
from carryon_sync.formats.rejected import Rejected
from carryon_sync.formats.running import RUNNING_START
from carryon_sync.protocol.codec import decode, encode
from carryon_sync.protocol.frames import (
    FRAME_BYTES_MAX,
    PART_BYTES,
    Challenge,
    Changes,
    Frame,
    Part,
    Ping,
    Pong,
    Push,
    Welcome,
)
from carryon_sync.protocol.parts import Reader, messages
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.bench import AT_START, LOG, NONCE, RELAY_NONCE, Bench, sent


def read(reader: Reader, *frames: bytes) -> list[Frame | Rejected]:
    read = (reader.read(one) for one in frames)
    return [one for one in read if one is not None]


class TestParts:
    @given(st.integers(1, 5 * PART_BYTES))
    def test_a_frame_comes_out_as_it_went_in_with_a_ping_between_two_parts(self, size: int) -> None:
        frame = Push((bytes(size),))
        reader = Reader()

        out = messages(encode(frame))

        *pings, last = read(reader, *out)
        assert (last, reader.size) == (frame, len(encode(frame)))
        assert pings == [Ping(0)] * (len(out) // 2)
        assert all(len(one) <= PART_BYTES + 100 for one in out)

    def test_a_part_that_comes_twice_is_passed_over(self) -> None:
        frame = Push((bytes(3 * PART_BYTES),))
        twice = [one for one in messages(encode(frame)) for _ in range(2)]

        assert read(Reader(), *twice)[-1] == frame

    @pytest.mark.parametrize("parts", [[1], [0, 2], [0, 1, 0]], ids=str)
    def test_a_part_that_is_missing_is_no_frame(self, parts: list[int]) -> None:
        out = [encode(Part(no, 3, b"part")) for no in parts]

        [rejected] = read(Reader(), *out)

        assert isinstance(rejected, Rejected)
        assert "is due" in rejected.reason

    def test_parts_of_two_frames_do_not_mix(self) -> None:
        [rejected] = read(Reader(), encode(Part(0, 3, b"one")), encode(Part(1, 4, b"other")))

        assert isinstance(rejected, Rejected)

    def test_a_part_in_a_part_is_no_frame(self) -> None:
        inner = encode(Part(0, 2, bytes(PART_BYTES)))

        [rejected] = [one for one in read(Reader(), *messages(inner)) if one != Ping(0)]

        assert rejected == Rejected("a part of a frame holds a part")

    def test_parts_are_bounded_together_before_they_are_joined(self) -> None:
        reader = Reader()
        parts = [encode(Part(no, 4, bytes(PART_BYTES))) for no in range(4)]

        results = [reader.read(part, 2 * PART_BYTES) for part in parts[:3]]

        assert results[:2] == [None, None]
        assert isinstance(results[2], Rejected)

    def test_a_frame_of_the_largest_size_has_parts_that_are_read(self) -> None:
        frame = bytes(FRAME_BYTES_MAX)

        assert all(not isinstance(decode(one), Rejected) for one in messages(frame))


class TestPatience:
    def test_whatever_is_heard_begins_it_anew(self) -> None:
        """A change that takes ten minutes on its way down is heard part by part."""
        bench = Bench(AT_START).live()
        out = messages(encode(Changes(0, (bench.change(bytes(40 * PART_BYTES)),))))
        bench.session.tick(25_000)

        effects: list[Effect] = []
        for part in out:
            bench.now += PATIENCE_MS // 2
            effects += bench.session.received(part, bench.now)
            effects += bench.session.tick(bench.now)

        assert not any(isinstance(effect, Close) for effect in effects)
        assert Pong(0) in sent(effects)

    def test_what_goes_up_is_heard_by_the_pongs_between_its_parts(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.tick(25_000)

        for _ in range(40):
            bench.now += PATIENCE_MS // 2
            bench.frame(Pong(0))
            assert not any(isinstance(effect, Close) for effect in bench.session.tick(bench.now))

    def test_a_link_that_was_slow_is_given_more_time(self) -> None:
        bench = Bench(AT_START).live()
        bench.now = 25_000
        bench.session.tick(bench.now)
        bench.now += 20_000
        bench.frame(Pong(1))
        bench.session.tick(bench.now + 25_000)

        assert not ended(bench, bench.now + 25_000 + 3 * 20_000 - 1)
        assert ended(bench, bench.now + 25_000 + 3 * 20_000)

    def test_a_hint_has_no_less_patience_than_the_link_has_shown_to_need(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.tick(25_000)
        bench.now = 25_000 + 8_000
        bench.frame(Pong(1))

        bench.session.hint_online(bench.now)

        assert not ended(bench, bench.now + 8_000)

    def test_a_device_is_heard_all_along_though_nothing_is_answered_yet(self) -> None:
        """A far relay hears it every 25 seconds, or would take it for silent."""
        bench = Bench(AT_START)
        bench.connected()

        pings = [frame for now in range(0, PATIENCE_MS, 1000) for frame in sent(bench.session.tick(now))]

        assert pings == [Ping(1)]
        assert bench.session.next_tick == PATIENCE_MS

    def test_each_connection_that_ends_for_silence_doubles_the_patience_of_the_next(self) -> None:
        bench = Bench(AT_START)
        bench.session.start(0)
        lasted = [silent(bench) for _ in range(12)]

        assert lasted[:4] == [PATIENCE_MS, 2 * PATIENCE_MS, 4 * PATIENCE_MS, 8 * PATIENCE_MS]
        assert lasted[-2:] == [PATIENCE_MS_MAX, PATIENCE_MS_MAX]

    def test_from_twenty_minutes_away_it_goes_live_and_needs_no_second_try_the_next_time(self) -> None:
        bench = Bench(AT_START)
        bench.session.start(0)
        one_way = 20 * 60 * 1000
        while silent(bench, one_way) < one_way:
            continue
        far(bench, one_way)
        assert bench.session.status.failures == 0

        bench.session.disconnected(bench.now, "dropped", 0.0)
        bench.session.tick(bench.now)
        bench.session.connected(bench.now, NONCE)

        assert silent(bench, one_way) == one_way

    def test_a_near_relay_is_given_little_again(self) -> None:
        bench = Bench(AT_START)
        bench.session.start(0)
        for _ in range(5):
            silent(bench)
        bench.session.connected(bench.now, NONCE)
        bench.greeting()
        bench.session.outbox([], 0)
        bench.frame(Welcome(LOG, 0, RUNNING_START, 0, 1 << 24, 1 << 22))
        bench.now += 25_000
        bench.session.tick(bench.now)

        assert ended(bench, bench.now + PATIENCE_MS)

    def test_a_socket_that_does_not_open_is_tried_again_soon_however_far_the_relay_was(self) -> None:
        bench = Bench(AT_START)
        bench.session.start(0)
        for _ in range(5):
            silent(bench)

        assert ended(bench, bench.now + PATIENCE_MS)


def ended(bench: Bench, now: int) -> bool:
    """Let the time pass, tick by tick; say whether the connection was ended."""
    while (due := bench.session.next_tick) is not None and due <= now:
        if any(isinstance(effect, Close) for effect in bench.session.tick(due)):
            bench.now = due
            return True
    return False


def silent(bench: Bench, until: int = PATIENCE_MS_MAX) -> int:
    """Open a socket on which nothing is heard; return for how long it was waited, `until` at most."""
    bench.session.connected(bench.now, NONCE)
    begun = bench.now
    if not ended(bench, begun + until):
        bench.now = begun + until
        return until
    bench.session.disconnected(bench.now, "silent", 0.0)
    bench.session.tick(bench.now)
    return bench.now - begun


def far(bench: Bench, one_way: int) -> None:
    """On a socket open for one way: the challenge comes, and the welcome a round trip behind the hello."""
    pings = [one_way - asked for asked in range(0, one_way, 25_000)]
    bench.frame(Challenge(RELAY_NONCE, LOG, bench.members.tips()))
    bench.session.signed(bytes(64), bench.now)
    bench.session.outbox([], 0)
    begun = bench.now
    assert not ended(bench, begun + one_way + 25_000)
    for no in range(1, len(pings)):
        bench.now = begun + one_way + no * 25_000
        assert not ended(bench, bench.now)
        bench.frame(Pong(no))
    bench.now = begun + 2 * one_way
    bench.frame(Welcome(LOG, 0, RUNNING_START, 0, 1 << 24, 1 << 22))
