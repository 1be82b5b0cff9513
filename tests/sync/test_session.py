"""The session, rule by rule: one device's machine against frames written by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from carryon_sync.device.conversation import HINT_PATIENCE_MS, RECEIPT_MS, WINDOW_BYTES
from carryon_sync.device.effects import (
    Acked,
    Close,
    Effect,
    FetchOutbox,
    FetchWants,
    KeepReceipt,
    MakeReceipt,
    Notice,
    Sign,
    StartOver,
    StoreChanges,
    StoreFound,
    StoreMembers,
    Why,
)
from carryon_sync.device.holes import Hole
from carryon_sync.device.session import PATIENCE_MS
from carryon_sync.device.status import Phase
from carryon_sync.device.upstream import PAGE_CHANGES_MAX
from carryon_sync.device.wanting import AGAIN_MS, AGAIN_MS_MAX, ASKED_MAX
from carryon_sync.formats.change import Seen
from carryon_sync.formats.records import Role
from carryon_sync.formats.running import RUNNING_START, run
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.frames import (
    Ack,
    ByCertificate,
    Challenge,
    Changes,
    Error,
    Found,
    Got,
    Hello,
    IdAlone,
    MembersRecords,
    Ping,
    Pong,
    Push,
    Range,
    Receipt,
    Unknown,
    Want,
    Welcome,
    hello_signed,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.sync.bench import AT_START, LOG, NONCE, OTHER_LOG, PROOF, RELAY_NONCE, TAG, Bench, closed, id_of, sent


class TestHello:
    def test_a_new_relay_gets_the_whole_log_offered_before_the_hello(self) -> None:
        bench = Bench().connected()

        effects = bench.frame(Challenge(RELAY_NONCE, LOG, ()))

        assert effects == [StartOver(Why.FIRST, AT_START)]

    def test_the_proof_covers_notebook_origin_and_both_nonces(self) -> None:
        bench = Bench(Seen(LOG, 7, bytes([8]) * 32)).connected()

        (sign,) = bench.frame(Challenge(RELAY_NONCE, LOG, ()))

        hello = Hello(ByCertificate(bench.device.certificate.id), NONCE, LOG, 7, bytes([8]) * 32, (), PROOF)
        assert sign == Sign(hello_signed(bench.people.notebook, "relay:8000", RELAY_NONCE, hello))

    def test_records_that_the_relay_lacks_go_before_the_hello_and_pushes_right_behind(self) -> None:
        bench = Bench(Seen(LOG, 7, bytes([8]) * 32)).connected()
        bench.frame(Challenge(RELAY_NONCE, LOG, (bench.people.root.id,)))

        effects = bench.session.signed(PROOF, 0)

        records, hello = sent(effects)
        assert records == MembersRecords((bench.device.certificate.encode(),))
        assert isinstance(hello, Hello)
        assert (hello.cursor, hello.running, hello.tips) == (7, bytes([8]) * 32, bench.members.tips())
        assert effects[-1] == FetchOutbox(0, PAGE_CHANGES_MAX)

    def test_a_second_challenge_ends_the_connection(self) -> None:
        bench = Bench(AT_START).connected()
        bench.frame(Challenge(RELAY_NONCE, LOG, ()))

        assert closed(bench.frame(Challenge(RELAY_NONCE, LOG, ()))).code is Closing.BROKEN


class TestStartingOver:
    """The relay is never believed about the past, and nothing is deleted."""

    KNOWN = Seen(LOG, 2, run(RUNNING_START, (b"a" * 32, b"b" * 32)))

    def welcomed(self, welcome: Welcome) -> list[Effect]:
        bench = Bench(self.KNOWN).greeted()
        return bench.frame(welcome)

    def why(self, effects: list[Effect]) -> Why:
        (starting,) = [effect for effect in effects if isinstance(effect, StartOver)]
        assert starting.reached == AT_START
        assert any(isinstance(effect, Notice) and effect.code == "started-over" for effect in effects)
        return starting.why

    def test_another_log_was_replaced(self) -> None:
        bench = Bench(self.KNOWN).connected()

        effects = bench.frame(Challenge(RELAY_NONCE, OTHER_LOG, ()))

        assert effects[-1] == StartOver(Why.REPLACED, Seen(OTHER_LOG, 0, RUNNING_START))

    def test_a_head_behind_went_back(self) -> None:
        assert self.why(self.welcomed(Welcome(LOG, 1, b"x" * 32, 0, 1 << 24, 1 << 22))) is Why.WENT_BACK

    def test_another_hash_differs(self) -> None:
        assert self.why(self.welcomed(Welcome(LOG, 5, b"x" * 32, 0, 1 << 24, 1 << 22))) is Why.DIFFERS

    def test_a_relay_that_claims_to_agree_and_does_not_is_left_and_begun_anew(self) -> None:
        effects = self.welcomed(Welcome(LOG, 2, b"x" * 32, 2, 1 << 24, 1 << 22))

        assert self.why(effects) is Why.DIFFERS
        assert closed(effects).code is Closing.BROKEN

    def test_a_head_behind_the_agreed_cursor_is_left_and_begun_anew(self) -> None:
        effects = self.welcomed(Welcome(LOG, 1, b"x" * 32, 2, 1 << 24, 1 << 22))

        assert self.why(effects) is Why.DIFFERS

    def test_a_hash_that_is_not_what_the_welcome_named_is_left_and_begun_anew(self) -> None:
        bench = Bench(self.KNOWN).greeted()
        bench.frame(Welcome(LOG, 3, b"x" * 32, 2, 1 << 24, 1 << 22))

        effects = bench.frame(Changes(2, (IdAlone(b"c" * 32),)))

        assert self.why(effects) is Why.DIFFERS
        assert not any(isinstance(effect, StoreChanges) for effect in effects)

    def test_an_ack_that_the_stream_contradicts_is_left_and_begun_anew(self) -> None:
        bench = Bench(AT_START).live()
        bench.frame(Ack((1,), (bench.pushed(),)))

        effects = bench.frame(Changes(0, (IdAlone(b"else" * 8),)))

        assert self.why(effects) is Why.DIFFERS

    def test_a_welcome_of_another_log_after_acks_that_contradict_themselves_begins_anew_once(self) -> None:
        bench = Bench(self.KNOWN).greeted()
        bench.frame(Ack((9, 9), (bench.pushed(b"one"), bench.pushed(b"other"))))

        effects = bench.frame(Welcome(LOG, 1, b"x" * 32, 0, 1 << 24, 1 << 22))

        assert self.why(effects) is Why.WENT_BACK
        assert closed(effects).code is Closing.BROKEN
        assert bench.session.started_over() == []

    def test_while_starting_over_pushes_wait_for_the_stream_to_end(self) -> None:
        bench = Bench(self.KNOWN).greeted()
        bench.session.outbox([], 0)
        ids = [IdAlone(b"a" * 32), IdAlone(b"z" * 32)]
        bench.frame(Welcome(LOG, 2, run(RUNNING_START, [one.id for one in ids]), 0, 1 << 24, 1 << 22))

        assert bench.session.started_over() == []
        assert bench.session.changed() == []
        assert FetchOutbox(0, PAGE_CHANGES_MAX) in bench.frame(Changes(0, tuple(ids)))

    def test_an_unfinished_start_over_is_begun_again_on_the_next_connection(self) -> None:
        bench = Bench(self.KNOWN).connected()
        bench.frame(Challenge(RELAY_NONCE, OTHER_LOG, ()))
        bench.session.disconnected(0, "storage failed", 0.0)

        bench.session.tick(0)
        bench.session.connected(0, NONCE)
        effects = bench.frame(Challenge(RELAY_NONCE, OTHER_LOG, ()))

        assert effects[-1] == StartOver(Why.REPLACED, Seen(OTHER_LOG, 0, RUNNING_START))


class TestStream:
    def test_cursor_and_hash_advance_only_after_stored(self) -> None:
        bench = Bench(AT_START).live()
        change = bench.change()
        id = id_of(change)

        (store,) = bench.frame(Changes(0, (change, IdAlone(b"a" * 32))))

        after = Seen(LOG, 2, run(RUNNING_START, (id, b"a" * 32)))
        places = ((id, 1), (b"a" * 32, 2))
        between = Seen(LOG, 1, run(RUNNING_START, (id,)))
        assert store == StoreChanges((change,), places, (Hole(b"a" * 32, between),), AT_START, after)
        assert bench.session.status.reached == AT_START
        bench.session.stored((), 0)
        assert bench.session.status.reached == after

    def test_got_is_said_after_a_second_and_at_an_eighth_of_the_window(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.tick(0)
        bench.frame(Changes(0, (bench.change(),)))
        assert bench.session.stored((), 100) == []
        assert bench.session.next_tick == 1100
        assert Got(1) in sent(bench.session.tick(1100))

        bench.frame(Changes(1, (bench.change(bytes(WINDOW_BYTES // 8)),)))
        assert sent(bench.session.stored((), 2000)) == [Got(2)]

    def test_changes_out_of_place_end_the_connection(self) -> None:
        bench = Bench(AT_START).live()

        assert "after 5" in closed(bench.frame(Changes(5, (bench.change(),)))).words

    def test_changes_before_the_welcome_end_the_connection(self) -> None:
        bench = Bench(AT_START).greeted()

        assert closed(bench.frame(Changes(0, ()))).code is Closing.BROKEN

    def test_c9_a_change_whose_seal_is_broken_is_handed_on_with_the_rest(self) -> None:
        bench = Bench(AT_START).live()
        whole, other = bench.change(), bench.change(b"other")
        broken = whole[:-1] + bytes([whole[-1] ^ 1])

        (store,) = bench.frame(Changes(0, (broken, other)))

        assert isinstance(store, StoreChanges)
        assert store.changes == (broken, other)
        assert store.places[0] == (id_of(whole), 1)

    def test_what_has_no_id_is_no_part_of_a_stream(self) -> None:
        bench = Bench(Seen(LOG, 0, RUNNING_START)).live()

        assert "has no id" in closed(bench.frame(Changes(0, (b"\x09" + b"b" * 40,)))).words


class TestOutbox:
    def test_pushes_fill_the_window_and_go_on_with_acks(self) -> None:
        bench = Bench(AT_START).live()
        changes = [bench.change(bytes(WINDOW_BYTES // 4) + bytes([number])) for number in range(8)]
        assert bench.session.changed() == [FetchOutbox(0, PAGE_CHANGES_MAX)]

        pushed = [
            one for frame in sent(bench.session.outbox(changes, 8)) if isinstance(frame, Push) for one in frame.changes
        ]
        assert pushed == changes[:4]
        assert bench.session.status.unacked == 4

        effects = bench.frame(Ack((1, 2), tuple(id_of(change) for change in changes[:2])))
        assert effects[0] == Acked(((id_of(changes[0]), 1), (id_of(changes[1]), 2)))
        assert [one for frame in sent(effects) if isinstance(frame, Push) for one in frame.changes] == changes[4:6]

    def test_pages_follow_one_another_by_position(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.changed()

        effects = bench.session.outbox([bench.change(b"%d" % number) for number in range(PAGE_CHANGES_MAX)], 200)

        assert effects[-1] == FetchOutbox(200, PAGE_CHANGES_MAX)
        assert bench.session.outbox([], 200) == []
        assert bench.session.changed() == [FetchOutbox(200, PAGE_CHANGES_MAX)]

    def test_what_changes_while_a_page_is_read_is_read_after_it(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.changed()

        assert bench.session.changed() == []
        assert bench.session.outbox([], 0) == [FetchOutbox(0, PAGE_CHANGES_MAX)]

    def test_a_refused_change_leaves_the_window_and_is_said(self) -> None:
        bench = Bench(AT_START).live()
        change = bench.change()
        bench.session.changed()
        bench.session.outbox([change], 1)

        effects = bench.frame(Error("refused-change", "of another notebook", (id_of(change),)))

        assert effects[0] == Notice("refused-change", "of another notebook", (id_of(change),))
        assert bench.session.status.unacked == 0
        assert bench.session.status.words == "of another notebook"

    def test_what_is_out_is_not_pushed_twice_when_the_outbox_is_read_anew(self) -> None:
        bench = Bench(Seen(LOG, 2, run(RUNNING_START, (b"a" * 32, b"b" * 32)))).greeted()
        change = bench.change()
        assert len(sent(bench.session.outbox([change], 1))) == 1
        bench.frame(Welcome(LOG, 0, RUNNING_START, 0, 1 << 24, WINDOW_BYTES))

        assert bench.session.started_over() == [FetchOutbox(0, PAGE_CHANGES_MAX)]
        assert sent(bench.session.outbox([change], 1)) == []
        assert bench.session.status.unacked == 1

    def test_a_reader_does_not_even_read_its_outbox(self) -> None:
        bench = Bench(AT_START, Role.READER).live()

        assert bench.session.changed() == []

    def test_a_new_connection_begins_at_the_front_again(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.changed()
        bench.session.outbox([bench.change()], 9)
        bench.session.disconnected(0, "dropped", 0.0)
        bench.session.tick(0)
        bench.session.connected(0, NONCE)
        bench.frame(Challenge(RELAY_NONCE, LOG, ()))

        assert bench.session.signed(PROOF, 0)[-1] == FetchOutbox(0, PAGE_CHANGES_MAX)


class TestMembers:
    def test_received_records_are_stored_and_not_given_back(self) -> None:
        bench = Bench(AT_START).live()
        phone = bench.people.certificate("phone")

        assert bench.frame(MembersRecords((phone.encode(),))) == [StoreMembers((phone.encode(),))]
        bench.people.admit(phone)

        assert bench.session.members_changed() == []

    def test_new_records_are_given_at_once(self) -> None:
        bench = Bench(AT_START).live()
        phone = bench.people.admit(bench.people.certificate("phone"))

        assert sent(bench.session.members_changed()) == [MembersRecords((phone.encode(),))]
        assert bench.session.members_changed() == []


class TestWants:
    RANGE = Range(TAG, bytes(16), 1, 2)

    def test_when_live_it_asks_what_is_lacking(self) -> None:
        bench = Bench(AT_START).greeted()

        assert FetchWants() in bench.frame(Welcome(LOG, 0, RUNNING_START, 0, 1 << 24, 1 << 22))
        assert bench.session.want((), (), (), 0) == []

    def test_pages_are_asked_for_one_after_the_other_and_finish_their_tags(self) -> None:
        bench = Bench(AT_START).live()
        (want,) = sent(bench.session.want((TAG,), (self.RANGE,), (), 0))
        assert want == Want(1, 0, (TAG,), (self.RANGE,))

        assert bench.frame(Found(1, (b"one",), 40, True)) == [StoreFound((b"one",), ())]
        assert sent(bench.session.found_stored()) == [Want(2, 40, (TAG,), (self.RANGE,))]
        assert bench.frame(Found(2, (), 90, False)) == [StoreFound((), (TAG,))]
        assert bench.session.found_stored() == [FetchWants()]

    def test_the_same_is_not_asked_for_in_circles(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.want((), (self.RANGE,), (), 0)
        bench.frame(Found(1, (), 9, False))
        bench.session.found_stored()

        assert bench.session.want((), (self.RANGE,), (), 0) == []

    def test_what_is_still_lacking_is_asked_for_again_after_a_while_that_doubles(self) -> None:
        """What a relay gets later is asked for on the same connection; one that has it not is left in peace ever longer."""
        bench = Bench(AT_START).live()
        due, asked = 0, list[int]()
        while due <= 4 * AGAIN_MS_MAX:
            (want,) = sent(bench.session.want((TAG,), (self.RANGE,), (), due))
            asked.append(due)
            assert isinstance(want, Want)
            bench.frame(Found(want.no, (), 9, False))
            bench.session.found_stored()
            assert sent(bench.session.want((TAG,), (self.RANGE,), (), due)) == []
            due = bench.due(FetchWants())

        pauses = [after - before for before, after in pairwise(asked)]
        assert pauses[:3] == [AGAIN_MS, 2 * AGAIN_MS, 4 * AGAIN_MS]
        assert pauses[-1] == AGAIN_MS_MAX

    def test_where_nothing_is_lacking_any_more_nothing_is_asked_again(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.want((TAG,), (), (), 0)
        bench.frame(Found(1, (), 9, False))
        bench.session.found_stored()

        assert bench.session.want((), (), (), 5) == []
        assert bench.due(FetchWants(), 3 * AGAIN_MS) == 3 * AGAIN_MS
        (want,) = sent(bench.session.want((bytes(16),), (), (), 3 * AGAIN_MS))
        assert isinstance(want, Want)
        bench.frame(Found(want.no, (), 9, False))
        bench.session.found_stored()
        assert bench.due(FetchWants()) == 4 * AGAIN_MS

    def test_what_nobody_has_hides_nothing_behind_it(self) -> None:
        """E7: all that is lacking is offered each time; what was asked for is passed over, and the rest comes to its turn."""
        bench = Bench(Seen(LOG, 0, RUNNING_START)).live()
        ranges = tuple(Range(TAG, bytes(16), place, place) for place in range(1, 600))
        asked: list[Range] = []

        while wants := sent(bench.session.want((), ranges, (), 0)):
            [want] = wants
            assert isinstance(want, Want)
            asked += want.ranges
            bench.frame(Found(want.no, (), 9, False))
            bench.session.found_stored()

        assert asked == list(ranges)

    def test_what_is_asked_for_on_one_connection_is_bounded(self) -> None:
        bench = Bench(AT_START).live()
        asked = 0
        while bench.session.want((), [Range(TAG, bytes(16), no, no) for no in range(asked, asked + 256)], (), 0):
            asked += 256
            bench.frame(Found(asked // 256, (), 9, False))
            bench.session.found_stored()

        assert ASKED_MAX <= asked < ASKED_MAX + 256

    @pytest.mark.parametrize("found", [Found(9, (), 1, False), Found(1, (), 0, True)])
    def test_an_answer_to_nothing_or_without_progress_ends_the_connection(self, found: Found) -> None:
        bench = Bench(AT_START).live()
        bench.session.want((TAG,), (), (), 0)

        assert closed(bench.frame(found)).code is Closing.BROKEN


class TestReceipts:
    def test_a_receipt_is_made_when_live_and_a_second_after_more_came(self) -> None:
        bench = Bench(AT_START).live()
        assert bench.session.tick(0) == [MakeReceipt(AT_START)]
        assert sent(bench.session.receipt(b"sealed")) == [Receipt(bench.device.certificate.id, b"sealed")]

        bench.frame(Changes(0, (IdAlone(b"a" * 32),)))
        bench.session.stored((), 50)
        bench.frame(Changes(1, (IdAlone(b"b" * 32),)))
        bench.session.stored((), 60)

        (made,) = [one for one in bench.session.tick(50 + RECEIPT_MS) if isinstance(one, MakeReceipt)]
        assert made.reached.sequence == 2

    def test_others_receipts_are_kept(self) -> None:
        bench = Bench(AT_START).live()

        assert bench.frame(Receipt(b"c" * 32, b"sealed")) == [KeepReceipt(b"c" * 32, b"sealed")]


class TestLiveness:
    @pytest.mark.parametrize("phase", [Phase.OPENING, Phase.CONNECTED, Phase.GREETED])
    def test_no_answer_in_time_ends_the_connection(self, phase: Phase) -> None:
        bench = Bench(AT_START)
        match phase:
            case Phase.OPENING:
                bench.session.start(0)
            case Phase.CONNECTED:
                bench.connected()
            case _:
                bench.greeted()
        assert bench.session.status.phase is phase

        assert not any(isinstance(effect, Close) for effect in bench.session.tick(PATIENCE_MS - 1))
        assert closed(bench.session.tick(PATIENCE_MS)).code is Closing.SILENT

    def test_an_answer_in_time_is_enough_for_good(self) -> None:
        bench = Bench(AT_START).live()
        bench.now = 20_000
        bench.frame(Ping(1))

        assert not any(isinstance(effect, Close) for effect in bench.session.tick(PATIENCE_MS + 1))

    def test_silence_is_asked_into_and_then_ended(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.tick(0)

        (ping,) = sent(bench.session.tick(25_000))
        assert ping == Ping(1)
        assert closed(bench.session.tick(25_000 + PATIENCE_MS)).code is Closing.SILENT

    def test_a_pong_gives_the_round_trip_and_lets_it_live(self) -> None:
        bench = Bench(AT_START).live()
        bench.session.tick(0)
        bench.session.tick(25_000)
        bench.now = 25_040

        bench.frame(Pong(1))

        assert bench.session.status.round_trip == 40
        assert bench.session.next_tick == 50_040

    def test_a_ping_is_answered(self) -> None:
        bench = Bench(AT_START).live()

        assert sent(bench.frame(Ping(9))) == [Pong(9)]

    def test_a_hint_asks_a_live_connection_with_little_patience(self) -> None:
        bench = Bench(AT_START).live()

        assert sent(bench.session.hint_online(10)) == [Ping(1)]
        assert bench.session.hint_online(11) == []
        assert closed(bench.session.tick(10 + HINT_PATIENCE_MS)).code is Closing.SILENT


class TestReconnect:
    @given(st.floats(0, 1, exclude_max=True), st.integers(0, 40))
    def test_the_wait_is_full_jitter_over_a_bounded_backoff(self, jitter: float, failures: int) -> None:
        session = Bench().session
        session.start(0)
        for _ in range(failures):
            session.disconnected(0, "refused", 0.0)
            session.tick(0)

        session.disconnected(0, "refused", jitter)

        assert session.next_tick == int(min(60_000, 500 * 2**failures) * jitter)
        assert session.status.words == "refused"

    def test_the_relays_own_words_outlive_the_end_of_the_socket(self) -> None:
        bench = Bench(AT_START).greeted()
        bench.frame(Error("removed-device", "the device was removed from the notebook"))

        bench.session.disconnected(0, "closed with 4001", 0.0)

        assert bench.session.status.words == "the device was removed from the notebook"

    def test_live_forgets_failures_and_words(self) -> None:
        bench = Bench(AT_START)
        bench.session.start(0)
        bench.session.disconnected(0, "refused", 0.0)
        bench.session.stop()

        bench.live()

        assert bench.session.status.failures == 0
        assert bench.session.status.words == ""

    def test_stopped_it_opens_nothing_and_takes_nothing(self) -> None:
        bench = Bench(AT_START).live()

        assert bench.session.stop() == [Close(Closing.NORMAL, "the device stops syncing")]
        assert bench.session.disconnected(0, "closed", 0.0) == []
        assert bench.session.next_tick is None
        assert bench.frame(Ping(1)) == bench.session.tick(10**9) == bench.session.hint_online(0) == []
        assert bench.session.stop() == []


class TestPoison:
    @given(st.binary(max_size=100))
    def test_any_bytes_in_any_phase_raise_nothing(self, data: bytes) -> None:
        for bench in (
            Bench().connected(),
            Bench(AT_START).greeted(),
            Bench(AT_START).live(),
        ):
            bench.session.received(data, 0)

    def test_a_frame_of_a_newer_relay_is_noticed_and_passed_over(self) -> None:
        bench = Bench(AT_START).live()

        (notice,) = bench.frame(Unknown("digest"))

        assert isinstance(notice, Notice)
        assert "digest" in notice.words
        assert bench.session.status.phase is Phase.LIVE

    def test_a_frame_that_only_devices_send_ends_the_connection(self) -> None:
        bench = Bench(AT_START).live()

        assert closed(bench.frame(Push(()))).code is Closing.BROKEN

    def test_a_broken_frame_is_named_in_the_words(self) -> None:
        bench = Bench(AT_START).live()

        assert "not JSON" in closed(bench.session.received(b"}\n", 0)).words
        assert bench.session.received(b"}\n", 0) == []
