"""Several cores of one device (no SharedWorker, two releases, a lock that lied): one leads, all live, none is lost."""

from __future__ import annotations

import asyncio

import pytest
from carryon.core.log.derived import REST_S, TAIL_MAX
from carryon.storage.errors import Fenced
from carryon.storage.memory_store import Fault

from tests.core.home import Home, adds_to, holdings, mend, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until


async def two_cores(home: Home) -> tuple[Tab, Tab]:
    """Two tabs that are two cores, with the same note open; the first one leads."""
    one = await home.begin()
    await home.quiet(one)
    other = await home.tab(one.worker.device.worker(), one.query)
    await until(lambda: other.note == one.note, "both have it open")
    return one, other


def leads(tab: Tab) -> bool:
    return tab.worker.core is not None and opened(tab).syncing._link is not None


@pytest.mark.parametrize("killed", [0, 1])
@rule
async def test_either_core_may_be_killed_at_any_time(home: Home, killed: int) -> None:
    """D1: what both wrote on one note is there, in both tabs, and on the relay."""
    tabs = await two_cores(home)
    for word in ("here ", "and ", "there "):
        for tab in tabs:
            tab.type(word)
    tabs[killed].worker.kill()
    tabs[1 - killed].type("meanwhile ")

    await until(lambda: all(tab.ready == "ready" and tab.saved for tab in tabs), "both are saved")
    await until(lambda: tabs[0].text == tabs[1].text, "both show the same", 30.0)
    await home.quiet(tabs[0])

    note = tabs[0].note
    assert note is not None
    assert tabs[0].text.count("there ") == 2
    assert tabs[0].text.count("meanwhile ") == 1
    held = holdings(tabs[0])
    held.read_on()
    assert held.documents[note].body == tabs[0].text


@rule
async def test_the_next_core_leads_at_once_when_the_leading_one_dies(home: Home) -> None:
    """D3: hand-over within 5 s; the dead core's worker is not started again."""
    one, other = await two_cores(home)
    assert leads(one) and not leads(other)

    one.crash()
    await until(lambda: leads(other), "the other leads", 5.0)
    other.type("sent by the next one")
    await until(lambda: other.saved, "it is saved")
    await home.quiet(other)

    await until(lambda: other.status.startswith("On the relay"), "it says so", 1.0)


@rule
async def test_a_leader_that_is_silent_loses_the_lead_and_its_session_writes_are_refused(home: Home) -> None:
    """D3: a frozen core keeps its lock; it is stolen, and the fencing token refuses what the zombie still writes."""
    one, other = await two_cores(home)
    zombie = opened(one)
    fence = zombie.syncing._link._fence if zombie.syncing._link else 0
    # It posts nothing more, as when its page is frozen: nobody hears it beat.
    zombie._channel.post = lambda _message: None  # type: ignore[method-assign]

    await until(lambda: leads(other), "the lead was stolen", 5.0)

    with pytest.raises(Fenced):
        await zombie.log.relays.filled("http://relay.test:8000/", {bytes(32): 1}, fence)


@rule
async def test_words_of_a_core_that_died_are_folded_by_another_one(home: Home) -> None:
    """D1: what was saved by a window that is closed does not wait for it to be opened again."""
    one, other = await two_cores(home)
    one.type("left behind")
    await until(lambda: one.saved, "it is saved")

    one.crash()
    await until(lambda: "left behind" in other.text, "the other core shows it", 10.0)
    await home.quiet(other)

    assert not holdings(other).entries("journal")


def say_nothing(tab: Tab, *types: str) -> None:
    """A tab's core posts no messages of these types any more, as if it had died between its commit and its words."""
    channel = opened(tab)._channel
    post = channel.post
    channel.post = lambda message: None if message["type"] in types else post(message)  # type: ignore[method-assign]


async def commit_untold(tab: Tab, words: str, *silent: str) -> None:
    """Type, and have it in the log with nobody told."""
    say_nothing(tab, "log", *silent)
    tab.type(words)
    await until(lambda: tab.saved and not opened(tab).outgoing.waiting, "it is in the log")


@pytest.mark.parametrize("comes", ["nobody", "another core"])
@rule
async def test_what_the_leading_core_committed_and_told_nobody_is_shown(home: Home, comes: str) -> None:
    """D1: it died between the commit and its word of it; whoever leads next looks, and whoever opens says that it is there."""
    one, other = await two_cores(home)
    await commit_untold(one, "untold", "standing")
    if comes == "another core":
        await home.tab(one.worker.device.worker())
    else:
        one.crash()

    await until(lambda: "untold" in other.text, "the other shows it", 10.0)


@rule
async def test_a_following_core_that_is_behind_the_leading_one_looks(home: Home) -> None:
    """The standing says where the log ends: a word that was lost is made up for."""
    one, other = await two_cores(home)
    await commit_untold(one, "untold")

    await until(lambda: "untold" in other.text, "the other shows it", 10.0)


@rule
async def test_a_core_whose_own_change_stands_behind_another_looks(home: Home) -> None:
    """What the following core committed and told nobody is shown where the next change is written."""
    one, other = await two_cores(home)
    await commit_untold(other, "untold ")
    assert "untold" not in one.text

    one.type("told ")

    await until(lambda: "untold" in one.text, "it has looked", 10.0)


@rule
async def test_a_core_begins_with_what_another_one_has_in_its_journal(home: Home) -> None:
    """D1: all that is saved on the device is there when a core has started, whichever core saved it."""
    one = await home.begin()
    note = one.act("note.create")
    await until(lambda: one.saved, "it is saved")
    assert holdings(one).entries("journal")

    other = await home.tab(one.worker.device.worker(), f"?note={note}")

    assert note in opened(other).notebook.rows


@rule
async def test_a_core_lists_no_note_that_lies_in_the_journal_of_another_one(home: Home) -> None:
    """B1: the first cannot fold a new note, and writes its rows; the second starts from them, and can open whatever it lists."""
    one = await home.begin()
    await home.quiet(one)
    device = one.worker.device
    device.faults = lambda _database, step: Fault.FULL if adds_to(step, "log") else None
    note = one.act("note.create")
    await until(lambda: one.saved, "it is saved")
    await asyncio.sleep(5.0)

    other = await home.tab(device.worker(), f"?note={note}")
    assert note not in opened(other).notebook.rows

    mend(device)
    await home.show(other, note)
    one.type("from the first")
    await until(lambda: other.text == "from the first", "the second shows it", 10.0)


@rule
async def test_a_following_core_reads_changes_by_members_that_only_the_leading_one_has_met(home: Home) -> None:
    """A third device joins while two cores live: neither dies of its first change."""
    one, other = await two_cores(home)
    note = one.note
    assert note is not None
    joined = await home.join(one, "Bert")
    await home.show(joined, note)

    joined.type("from Bert")
    await until(lambda: "from Bert" in other.text, "the following core shows it", 30.0)

    assert not one.worker.device.failures


@rule
async def test_the_following_core_says_what_the_leading_one_knows(home: Home) -> None:
    """The evidence of the status reaches every core, and no further than what it covers."""
    one, other = await two_cores(home)
    await until(lambda: other.status.startswith("On the relay"), "it says so", 10.0)
    home.relay.crash()

    other.type("not on the relay")
    await until(lambda: other.saved, "it is saved")
    await until(lambda: other.status.startswith("Saved on this device"), "it says so", 10.0)

    home.relay.start()
    one.look()
    await until(lambda: other.status.startswith("On the relay"), "it is on the relay", 90.0)


@rule
async def test_eight_cores_opened_at_once_have_one_leader(home: Home) -> None:
    """D9: one leads, all live."""
    first = await home.begin()
    await home.quiet(first)
    tabs = [first]
    for _ in range(7):
        tabs.append(await home.tab(first.worker.device.worker()))
    await asyncio.sleep(5.0)

    assert sum(leads(tab) for tab in tabs) == 1
    assert all(tab.ready == "ready" for tab in tabs)


@rule
async def test_a_stale_core_of_the_same_author_takes_no_words_away(home: Home) -> None:
    """J13: its lock was given away while it was frozen; the rows it knows are folded by the next core, which numbers others after them."""
    one = await home.begin()
    note, device = one.note, one.worker.device
    assert note is not None
    await home.quiet(one)
    device.faults = lambda _database, step: Fault.FULL if adds_to(step, "log") else None
    one.type("a")
    one.type("b")
    await until(lambda: one.saved, "saved, and not folded", 5.0)
    frozen = opened(one).outgoing
    frozen._due = dict.fromkeys(frozen._due, 1e9)
    frozen.hurry = lambda: None  # type: ignore[method-assign]
    del device.local.held[f"author-{opened(one).author.id.hex()}"]
    mend(device)

    other = await home.tab(device.worker(), one.query)
    assert opened(other).author.id == opened(one).author.id
    await until(lambda: other.note == note and not holdings(other).entries("journal"), "the next core has folded them")
    opened(other).outgoing._is_watched = lambda: False
    other.type("SAVED ")
    other.type("WORDS ")
    await until(lambda: other.saved, "saved", 5.0)
    frozen._due = dict.fromkeys(frozen._due, 0.0)
    frozen._wake.set()
    await asyncio.sleep(10.0)

    here = holdings(other)
    assert here.mentions(note, b"SAVED ") and here.mentions(note, b"WORDS ")
    await home.quiet(other)
    await until(lambda: one.text == other.text and "WORDS" in one.text, "both show all of it", 10.0)


@rule
async def test_a_state_never_names_heads_whose_words_it_lacks(home: Home) -> None:
    """J7: what another core left is folded here before this core has its words; a state that is written in between lacks the heads too."""
    one, other = await two_cores(home)
    note, core = one.note, opened(one)
    assert note is not None
    other.type("LEFT BEHIND ")
    await until(lambda: other.saved, "saved", 5.0)
    other.crash()

    async with core.receiving._turn:
        await core._inherit()
        assert not holdings(one).entries("journal")
        core.documents.tails[note] = TAIL_MAX + 1
        await core.derived.write()
    assert holdings(one).entries("states")
    await until(lambda: "LEFT BEHIND" in one.text, "it is followed", 10.0)
    await asyncio.sleep(5 * REST_S)
    one.crash()

    again = await home.tab(one.worker.device.worker(), f"?note={note}")
    await until(lambda: again.note == note and "LEFT BEHIND" in again.text, "it is shown", 10.0)


@rule
async def test_j13_what_another_core_wrote_as_the_same_author_is_folded_and_shown(home: Home) -> None:
    """A lock was given away that was still held: who goes on as that author finds the rows that it does not know."""
    one = await home.begin()
    await home.quiet(one)
    device, author = one.worker.device, opened(one).author.id
    device.local.free(device.local.held[f"author-{author.hex()}"])
    other = await home.tab(device.worker(), one.query)
    await until(lambda: other.note == one.note, "both have it open")
    assert opened(other).author.id == author
    for word in ("first ", "second ", "third "):
        one.type(word)
    await until(lambda: one.saved, "it is saved")
    one.crash()

    await until(lambda: "first second third" in other.text, "the other shows it", 30.0)
    assert not opened(other).outgoing.waiting
    assert not holdings(other).journal()
