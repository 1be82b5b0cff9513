"""What waits for the relay, and how far own words lie in its log, is counted whatever is answered late, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from carryon.core.relays.evidence import Evidence
from carryon.storage.changes import Page
from carryon.storage.errors import Lost
from carryon.storage.memory_store import Commit, Fault, Step
from carryon.storage.store import Delete
from carryon_sync.formats.change import Seen
from carryon_sync.formats.running import RUNNING_START

from tests.core.home import Home, mend, opened, rest, rule
from tests.core.test_cores import leads, two_cores
from tests.simulation.virtual_loop import until

TAG = bytes(16)


def reached(sequence: int) -> Seen:
    return Seen(bytes([1]) * 16, sequence, RUNNING_START)


class TestEvidence:
    def test_what_the_stream_has_shown_does_not_wait_when_it_is_heard_of_late(self) -> None:
        evidence = Evidence()
        evidence.counted({}, 4)

        evidence.shown(6, 9)
        evidence.entered(6, TAG)
        evidence.entered(5, TAG)

        assert evidence.waiting == 1
        assert evidence.own_sequence == 9

    @pytest.mark.parametrize("acked", [False, True])
    def test_what_has_left_the_outbox_unheard_is_noticed(self, acked: bool) -> None:
        evidence = Evidence()
        assert not evidence.counted({3: TAG, 4: TAG}, 4)
        if acked:
            evidence.acked(3)

        assert evidence.counted({4: TAG}, 4)
        assert evidence.waiting == 1

    def test_own_words_are_looked_for_no_further_back_than_they_may_lie(self) -> None:
        evidence = Evidence()
        evidence.own_reach(reached(7))
        evidence.own_reach(reached(5))
        evidence.own_reach(None)

        assert evidence.own_sequence == 7


@rule
async def test_a_start_without_network_says_seen_by_of_nothing_that_was_not_seen(home: Home) -> None:
    """What Anna wrote while Bert was away lies in the relay's log behind all that he was shown."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    await until(lambda: anna.status.startswith("Seen by"), "Bert has seen all", 60.0)
    device, name = anna.worker.device, anna.query
    bert.crash()
    await asyncio.sleep(60)
    anna.type("while he was away ")
    await home.quiet(anna)
    anna.crash()
    home.network.go_offline(device.name, told=True)

    again = await home.tab(device.worker(), name)
    said: list[str] = []
    await until(lambda: said.append(again.status) or "On the relay" in again.status, "it is said", 30.0)  # type: ignore[func-returns-value]
    await asyncio.sleep(5)

    assert not [words for words in [*said, again.status] if words.startswith("Seen by")]


@rule
async def test_a_commit_that_took_shown_changes_out_and_was_answered_as_failed_is_no_witness(home: Home) -> None:
    """The stream's word of them was lost with the answer: nobody is said to have seen them before he has."""
    anna = await home.begin()
    await home.join(anna, "Bert")
    await until(lambda: anna.status.startswith("Seen by"), "Bert has seen all", 60.0)
    home.network.go_offline("Bert", told=True)
    device, struck = anna.worker.device, []

    def strike(_: str, step: Step) -> Fault | None:
        operations = step.operations if isinstance(step, Commit) else ()
        if struck or not any(isinstance(one, Delete) and one.store == "outbox" for one in operations):
            return None
        struck.append(step)
        return Fault.LOST_AFTER

    device.faults = strike
    said: list[str] = []
    anna.type("Bert is away ")
    await until(lambda: struck, "it has left the outbox", 30.0)
    mend(device)

    def is_on_relay() -> bool:
        said.append(anna.status)
        return rest(opened(anna))

    await until(is_on_relay, "it is on the relay", 60.0)
    await asyncio.sleep(5)
    said.append(anna.status)

    assert not [words for words in said if words.startswith("Seen by")]


@rule
async def test_a_follower_goes_by_what_its_leader_has_counted_not_by_the_end_of_the_log(home: Home) -> None:
    """The leader may have read on in the log before it knows what of it waits."""
    one, other = await two_cores(home)
    leader, follower = (one, other) if leads(one) else (other, one)
    led = opened(leader)
    follow, counted = led.receiving.follow, asyncio.Event()

    async def late() -> object:
        # It knows that the log has grown, and has not counted yet.
        await led.log.changes.refresh()
        led.syncing._tell()
        await counted.wait()
        return await follow()

    led.receiving.follow = late  # type: ignore[assignment, method-assign]
    home.relay.crash()
    follower.type("not on the relay ")
    await until(lambda: follower.saved and not opened(follower).outgoing.waiting, "it is in the log", 30.0)
    await asyncio.sleep(2)

    assert follower.status.startswith("Saved on this device")
    counted.set()
    home.relay.start()


@rule
async def test_words_written_while_the_log_is_followed_stay_absorbed(home: Home) -> None:
    """A page that was read before them knows nothing of them."""
    anna = await home.begin()
    await home.quiet(anna)
    receiving, log = opened(anna).receiving, opened(anna).log
    entries = log.changes.entries

    async def read_late(after: int = 0, limit: int | None = None) -> Page:
        page = await entries(after, limit)
        log.changes.entries = entries  # type: ignore[method-assign]
        anna.type("meanwhile ")
        await until(lambda: anna.saved, "it is saved")
        await opened(anna).outgoing.fold_all()
        return page

    log.changes.entries = read_late  # type: ignore[method-assign]
    await receiving.follow()

    assert receiving.absorbed == receiving.accounted == log.changes.position


@rule
async def test_what_was_followed_is_counted_though_the_next_page_does_not_read(home: Home) -> None:
    """It is told with the next look: a status rests on it."""
    one, other = await two_cores(home)
    leader, follower = (one, other) if leads(one) else (other, one)
    home.relay.crash()
    led, failed = opened(leader), []
    entries = led.log.changes.entries

    async def fails_once(after: int = 0, limit: int | None = None) -> Page:
        page = await entries(after, limit)
        if page.entries and not failed:
            failed.append(page)
            return replace(page, more=True)
        if len(failed) == 1:
            failed.append(page)
            raise Lost("memory")
        return page

    led.log.changes.entries = fails_once  # type: ignore[method-assign]
    follower.type("counted ")
    await until(lambda: len(failed) == 2, "a page did not read", 30.0)
    await asyncio.sleep(5)

    assert led.syncing.standing().waiting == 1
    home.relay.start()
