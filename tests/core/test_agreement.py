"""Devices compare what a relay shows them, and what they make of it: another log, or another text of the same changes, is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from carryon.core.relays.agreement import Agreement
from carryon.crypto.receipts import Receipt, open_receipt
from carryon.notes.note import Note
from carryon_sync.formats.change import Seen
from carryon_sync.formats.running import MARK_STEP, RUNNING_START, run
from carryon_sync.protocol.frames import Changes, Frame

from tests.core.home import Home, opened, rule
from tests.core.test_lies import two_devices, write
from tests.simulation.virtual_loop import until

LOG, OTHER = bytes([1]) * 16, bytes([2]) * 16
BERT = bytes([3]) * 32
IDS = [bytes([number]) * 32 for number in range(200)]


def hash_at(sequence: int, ids: list[bytes] = IDS) -> bytes:
    return run(RUNNING_START, ids[:sequence])


def receipt(sequence: int, ids: list[bytes] = IDS, log: bytes = LOG) -> Receipt:
    mark = hash_at(sequence - sequence % MARK_STEP, ids)
    return Receipt(log, sequence, hash_at(sequence, ids), mark, 0, 0, 0, 0)


def at(sequence: int) -> Agreement:
    agreement = Agreement({}, Seen(LOG, 0, RUNNING_START))
    agreement.followed(Seen(LOG, 0, RUNNING_START), IDS[:sequence])
    return agreement


class TestAgreement:
    def test_a_receipt_counts_as_far_as_it_was_found_to_agree(self) -> None:
        agreement = at(70)

        agreement.heard(BERT, receipt(70))

        assert agreement.agreed == {BERT: 70}

    def test_one_that_is_ahead_counts_up_to_its_mark_and_more_when_this_device_has_got_there(self) -> None:
        agreement = at(66)
        agreement.heard(BERT, receipt(100))
        assert agreement.agreed == {BERT: 64}

        agreement.followed(Seen(LOG, 66, hash_at(66)), IDS[66:100])

        assert agreement.agreed == {BERT: 100}

    def test_another_log_under_the_same_id_is_noticed_and_counts_for_nothing(self) -> None:
        forked = [*IDS[:5], bytes(32), *IDS[5:]]
        agreement = at(70)
        agreement.heard(BERT, receipt(4))

        agreement.heard(BERT, receipt(70, forked))
        agreement.heard(BERT, receipt(4))

        assert agreement.differing == {BERT}
        assert agreement.agreed == {}

    def test_a_later_receipt_that_agrees_ends_it_and_an_older_one_shown_again_does_not(self) -> None:
        forked = [*IDS[:5], bytes(32), *IDS[5:]]
        agreement = at(70)
        agreement.heard(BERT, replace(receipt(4), time=5))
        agreement.heard(BERT, replace(receipt(70, forked), time=7))
        agreement.heard(BERT, replace(receipt(4), time=5))
        agreement.heard(BERT, replace(receipt(70, forked), time=7))
        assert agreement.differing == {BERT}

        agreement.heard(BERT, replace(receipt(70), time=9))

        assert agreement.differing == set()
        assert agreement.agreed == {BERT: 70}

    def test_a_receipt_that_was_heard_before_a_change_differed_does_not_end_it(self) -> None:
        agreement = at(70)
        agreement.heard(BERT, replace(receipt(4), time=5))
        agreement.seen_by(BERT, Seen(LOG, MARK_STEP, bytes(32)))

        agreement.heard(BERT, replace(receipt(4), time=5))

        assert agreement.differing == {BERT}

    def test_what_a_change_says_of_a_mark_is_compared_long_after(self) -> None:
        agreement = Agreement({MARK_STEP: hash_at(MARK_STEP)}, Seen(LOG, 190, hash_at(190)))

        agreement.seen_by(BERT, Seen(OTHER, MARK_STEP, bytes(32)))
        assert agreement.differing == set()
        agreement.seen_by(BERT, Seen(LOG, MARK_STEP, bytes(32)))

        assert agreement.differing == {BERT}

    def test_the_marks_that_are_passed_are_to_be_kept(self) -> None:
        agreement = Agreement({}, Seen(LOG, 0, RUNNING_START))

        marks = agreement.followed(Seen(LOG, 0, RUNNING_START), IDS[:130])

        assert marks == [Seen(LOG, place, hash_at(place)) for place in (64, 128)]
        assert agreement.mark_before(63) is None
        assert agreement.mark_before(130) == marks[-1]


@rule
async def test_i4_two_logs_under_one_id_are_noticed_and_said_on_both(home: Home) -> None:
    """A relay hides a change from Bert and shows him all that follows one place earlier: nobody is said to have seen it."""
    relay, anna, bert = await two_devices(home)
    hidden: set[bytes] = set()
    shift = [0]

    def hide(device: str, frame: Frame) -> list[Frame]:
        if device != "Bert" or not isinstance(frame, Changes):
            return [frame]
        kept = tuple(item for item in frame.items if not (isinstance(item, bytes) and _is_new(item)))
        since = frame.since - shift[0]
        shift[0] += len(frame.items) - len(kept)
        return [Changes(since, kept)] if kept else []

    def _is_new(item: bytes) -> bool:
        if not hidden:
            hidden.add(item)
        return item in hidden

    relay.down_hand = hide
    await write(anna, "hidden")
    await until(lambda: hidden, "it is hidden", 30.0)
    await write(anna, "shown")

    for words in ("more", "and more"):
        await asyncio.sleep(5.0)
        await write(anna, words)
    await until(lambda: "different log" in opened(anna).syncing.standing().words, "Anna is told", 120.0)
    await until(lambda: "different log" in opened(bert).syncing.standing().words, "Bert is told", 120.0)
    await asyncio.sleep(5.0)
    assert not anna.status.startswith("Seen by")


@rule
async def test_a_note_that_reads_differently_at_the_same_heads_is_said(home: Home) -> None:
    """C1: a divergence inside the CRDT is a word on the screen, not a surprise."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    note = anna.note
    await home.show(bert, note)
    anna.type("one ")
    await home.together(anna, bert)
    document = opened(bert).notebook.note(note)
    assert document is not None
    document.apply(_an_edit_of(document))

    await write(anna, "so that receipts are given")
    await home.together(anna, bert)

    await until(lambda: "read differently" in opened(anna).syncing.standing().words, "it is said", 60.0)


def _an_edit_of(document: Note) -> bytes:
    twin = Note.load(document.id, 77, document.state())
    return twin.write(1, body="another text " + document.body)


@rule
async def test_a_clock_that_is_set_back_makes_no_receipt_older_than_the_last(home: Home) -> None:
    """Others believe the newest of a device's receipts: after what was wrong with the relay has ended, it would count for a day."""
    tab = await home.begin()
    device = tab.worker.device
    await home.quiet(tab)

    async def time_of_receipt() -> int:
        link, identity = opened(tab).syncing._link, opened(tab).identity
        assert link is not None and link._session.status.reached is not None
        sealed = await link._receipt(link._session.status.reached)
        made = await open_receipt(identity.keyring, sealed, identity.signing.public)
        assert isinstance(made, Receipt)
        return made.time

    times = [await time_of_receipt()]
    device.skew_ms -= 3_600_000
    times.append(await time_of_receipt())
    tab.crash()
    tab = await home.tab(device.worker())
    await home.quiet(tab)
    times.append(await time_of_receipt())

    assert times == sorted(set(times))
    assert opened(tab).syncing.standing().seen_by == ()
