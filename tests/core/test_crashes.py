"""The core dies, or a read or a write of it fails, at every step of storage: it opens again, and nothing saved is gone."""

from __future__ import annotations

import pytest
from carryon.core.log.outgoing import Outgoing
from carryon.core.tabs.messages import Saved, ToTab
from carryon.storage.memory_store import Commit, Fault, Read

from tests.core.home import Home, at_step, holdings, listen, mend, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

STEPS = 40


async def live_a_little(home: Home, tab: Tab) -> list[dict[str, object]]:
    """Write, create, rename, sync; gives the edits that were said to be saved."""
    told: list[dict[str, object]] = []

    def watch(message: ToTab) -> None:
        if isinstance(message, Saved):
            told.extend(edit for edit in tab.kept if edit["seq"] == message.seq and edit["type"] == "edit")

    listen(tab, watch)
    tab.type("first words")
    note = tab.act("note.create")
    tab.act("note.rename", note=note, value="A title")
    await until(lambda: tab.ready == "ready" and tab.saved, "it is saved", 60.0)
    await until(lambda: tab.note, "a note is open", 60.0)
    tab.type("second words")
    await until(lambda: tab.ready == "ready" and tab.saved, "it is saved", 60.0)
    return told


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
@pytest.mark.parametrize("number", range(0, STEPS, 3))
@rule
async def test_a_core_that_dies_at_any_write_opens_again_with_all_that_was_saved(
    home: Home, number: int, fault: Fault
) -> None:
    """E5: before or after each commit of a short life."""
    tab = await home.begin()
    at_step(tab.worker.device, Commit, number, fault)

    told = await live_a_little(home, tab)
    mend(tab.worker.device)
    await home.quiet(tab)

    held = holdings(tab)
    held.read_on()
    assert all(held.holds(str(edit["note"]), bytes(edit["update"])) for edit in told)  # type: ignore[call-overload]
    assert tab.note is not None
    assert held.documents[tab.note].body == tab.text
    assert {row.title for row in opened(tab).notebook.rows.values()} >= {"Welcome"}
    assert not tab.worker.device.failures


@pytest.mark.parametrize("number", range(0, 90, 6))
@rule
async def test_a_read_that_fails_once_writes_nothing_back(home: Home, number: int) -> None:
    """A9: an error at loading is said, and never stored as a blank note."""
    home.may_fail = True
    tab = await home.begin()
    tab.type(" kept for ever")
    await home.quiet(tab)
    note, text = tab.note, tab.text
    assert note is not None
    device = tab.worker.device
    at_step(device, Read, number, Fault.LOST)

    tab.worker.kill()
    await until(lambda: tab.ready == "ready" and tab.text == text, "the core is back", 60.0)
    await live_a_little(home, tab)
    mend(device)
    await home.quiet(tab)

    held = holdings(tab)
    held.read_on()
    assert "kept for ever" in held.documents[note].body
    assert len(held.documents) == len(opened(tab).notebook.rows) == 2


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
@pytest.mark.parametrize("number", range(0, 24, 2))
@rule
async def test_a_first_start_that_dies_at_any_write_leaves_no_half_a_notebook(
    home: Home, number: int, fault: Fault
) -> None:
    """E5: the next start makes a whole one, or finds one."""
    device = home.device("Anna")
    at_step(device, Commit, number, fault)

    tab = await home.tab(device.worker())
    await until(lambda: tab.note or opened(tab).notebook.rows, "there is a notebook", 60.0)

    [row] = opened(tab).notebook.rows.values()
    assert row.title == "Welcome"


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.FULL])
@pytest.mark.parametrize("number", range(8))
@rule
async def test_a_join_that_fails_at_any_write_can_be_made_again(home: Home, number: int, fault: Fault) -> None:
    """G2: keys are kept before the certificate leaves, and an invite is never used for nothing."""
    tab = await home.begin()
    secret = await home.link(tab)
    notebook = opened(tab).notebook.id
    joining = await home.tab(home.device("Bert").worker(), "?join", secret)
    await until(lambda: opened(joining).syncing.standing().live, "its own notebook is at rest")
    at_step(joining.worker.device, Commit, number, fault)

    def joined() -> bool:
        return joining.ready == "ready" and any(
            one.notebook.id == notebook
            for one in (joining.worker.core.notebooks.opened() if joining.worker.core else ())
        )

    joining.act("join.accept")
    await until(lambda: joining.ready == "ready" and joining.saved, "it was tried", 60.0)
    mend(joining.worker.device)
    if not joined():
        joining.act("join.accept")
    await until(joined, "joined", 60.0)
    joining.go("")
    await until(lambda: opened(joining).notebook.id == notebook, "it is shown", 30.0)
    await home.together(tab, joining)

    await until(
        lambda: opened(joining).notebook.rows.keys() == opened(tab).notebook.rows.keys(), "the same notes", 10.0
    )


@rule
async def test_a_fold_reads_again_and_survives_that_head_or_rows_moved(home: Home) -> None:
    """DATA 2, rule 1: another core that wrote under the same author makes the fold begin anew, and nothing is twice."""
    tab = await home.begin()
    tab.type("folded once")
    await until(lambda: tab.saved, "it is saved")
    notebook = opened(tab)
    [entry] = holdings(tab).entries("journal")
    assert isinstance(entry.key, tuple)
    rows = (await notebook.log.journal.read(notebook.author.id)).rows
    before = notebook.log.changes.position

    # The rows are folded by somebody else, as after a lock that lied.
    other = Outgoing(
        notebook.author.id,
        notebook.log,
        notebook.identity,
        notebook.documents,
        seen=tuple,
        folded=lambda _: None,
        left_behind=lambda: None,
        changed=lambda: None,
        is_watched=lambda: True,
    )
    other.journalled(rows)
    await other.fold_all()
    notebook.hint()
    await until(lambda: not notebook.outgoing.waiting, "the core has seen it", 10.0)

    assert notebook.log.changes.position == before + 1
    assert not holdings(tab).entries("journal")
    held = holdings(tab)
    held.read_on()
    assert tab.note is not None
    assert held.documents[tab.note].body.count("folded once") == 1
