"""A commit is made and its caller does not hear of it: what is in the log is pushed and shown, and nothing is made twice."""

from __future__ import annotations

from collections import Counter

import pytest
from carryon.storage.memory_store import Commit, Fault, Step

from tests.core.home import Home, adds_to, at_step, holdings, mend, opened, rest, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until


async def two_devices(home: Home) -> tuple[Tab, Tab]:
    """Two devices at rest that show the same note."""
    one = await home.begin()
    other = await home.join(one, "Bert")
    assert one.note is not None
    await home.show(other, one.note)
    await home.together(one, other)
    return one, other


async def converge(home: Home, one: Tab, other: Tab) -> None:
    """Wait until both have all and show it, the relay too, with nobody pressing or looking."""

    def same() -> bool:
        return (
            all(tab.saved and rest(opened(tab)) for tab in (one, other))
            and set(holdings(one).ids) == set(holdings(other).ids) == home.ids(one)
            and one.text == other.text
            and opened(one).notebook.rows == opened(other).notebook.rows
        )

    await until(same, "both have all, and say so", 120.0)


def updates_twice(tab: Tab) -> list[bytes]:
    """Updates that stand more than once in the log of a tab's device."""
    here = holdings(tab)
    counts = Counter(update for id in here.ids for update in here.chronicle.bodies.of_id(id).updates)
    return [update for update, count in counts.items() if count > 1]


@pytest.mark.parametrize("number", range(22))
@rule
async def test_a_commit_that_was_made_and_answered_as_lost_is_pushed_and_shown(home: Home, number: int) -> None:
    """J5: edits, a new note, an import, and what comes from elsewhere, whichever commit of them was answered so."""
    one, other = await two_devices(home)
    at_step(other.worker.device, Commit, number, Fault.LOST_AFTER)

    other.type("mine ")
    one.type("theirs ")
    other.act("note.pin", note=str(other.note), pinned="true")
    other.act("import.files", files={"vault/a.md": b"from a file"})
    await converge(home, one, other)

    assert "mine " in one.text and "theirs " in other.text
    assert {row.title for row in opened(one).notebook.rows.values()} == {"Welcome", "a"}
    assert not holdings(other).entries("journal")
    assert not updates_twice(other)


@pytest.mark.parametrize("store", ["log", "journal"])
@rule
async def test_a_commit_of_the_log_whose_answer_is_lost_is_told_once(home: Home, store: str) -> None:
    """J5: an own change and its journal row, alone: nobody else does anything that would have it looked for."""
    one, other = await two_devices(home)
    struck: list[Step] = []

    def lose(_: str, step: Step) -> Fault | None:
        if adds_to(step, store) and not struck:
            struck.append(step)
            return Fault.LOST_AFTER
        return None

    other.worker.device.faults = lose
    other.type("mine ")
    await converge(home, one, other)

    assert struck
    assert not holdings(other).entries("journal")
    assert not updates_twice(other)
    assert len(holdings(other).entries("log")) == len(home.ids(one))


@pytest.mark.parametrize("wrote", ["nobody", "both"])
@rule
async def test_what_was_committed_while_its_session_ended_is_shown(home: Home, wrote: str) -> None:
    """J5: the person disconnects in the moment in which a change is received, or an edit is folded before it."""
    one, other = await two_devices(home)
    address = opened(other).syncing.address
    cut: list[Step] = []

    def disconnect(_: str, step: Step) -> Fault | None:
        if adds_to(step, "log") and not cut:
            cut.append(step)
            opened(other).syncing.connect("")
        return None

    other.worker.device.faults = disconnect
    if wrote == "both":
        other.type("mine ")
    one.type("theirs ")
    await until(lambda: bool(cut), "something is committed", 30.0)
    mend(other.worker.device)
    await until(lambda: wrote == "both" or "theirs " in other.text, "it is shown", 10.0)

    opened(other).syncing.connect(address)
    await converge(home, one, other)

    assert "theirs " in other.text
    assert not updates_twice(other)
