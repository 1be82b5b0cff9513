"""Several notebooks on one device: each opens, or does not, for itself, and none is ever deleted."""

from __future__ import annotations

import pytest
from carryon.core.notebooks import LASTING_WAY_OUT, NOTHING_LOST, PASSING_WAY_OUT
from carryon.storage import device as device_layout
from carryon.storage.memory_store import Fault, MemoryDisk, Read
from carryon.storage.store import Range

from tests.core.home import Home, mend, opened, rule
from tests.simulation.device import Device, Worker
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

ALL = Range(False, None, None, None, False)


def shown(tab: Tab) -> list[str]:
    """The notebooks that a tab's core lists."""
    assert tab.worker.core is not None
    return [notebook for notebook, _ in tab.worker.core.notebooks.shown.notebooks]


def current_of(device: Device) -> str:
    """The notebook that the device is to show."""
    [entry] = disk_of(device).read("settings", Range(False, "current", "current", None, False))
    return entry.value[1:].decode()


def disk_of(device: Device) -> MemoryDisk:
    return device.disks[device_layout.NAME]


async def join(home: Home, device: Device, anna: Tab, worker: Worker | None = None) -> Tab:
    """A tab of a device that has joined Anna's notebook."""
    tab = await home.tab(worker or device.worker(), "?join", await home.link(anna))
    tab.act("join.accept")
    joined = opened(anna).notebook.id
    await until(lambda: tab.saved and opened(tab).notebook.id == joined, "joined", 60.0)
    return tab


async def two_notebooks(home: Home) -> tuple[Device, str, str]:
    """A device at rest with a notebook of its own and a joined one, which is the current one."""
    anna = await home.begin("Anna")
    bert = await home.begin("Bert")
    own = opened(bert).notebook.id
    bert.type("its own ")
    await home.quiet(bert)
    bert.close()
    tab = await join(home, bert.worker.device, anna)
    await home.quiet(tab)
    tab.close()
    return bert.worker.device, own, opened(anna).notebook.id


def damage_record(device: Device, notebook: str) -> None:
    disk_of(device).rot("notebooks", notebook, b"\x01rot")


def damage_secrets(device: Device, notebook: str) -> None:
    disk_of(device).rot("secrets", (notebook, 1), b"\x01rot")


def empty_database(device: Device, notebook: str) -> None:
    [disk] = [disk for name, disk in device.disks.items() if notebook in name]
    disk.clear("meta")


def lose_reads(device: Device, notebook: str) -> None:
    device.faults = lambda name, step: Fault.LOST if notebook in name and isinstance(step, Read) else None


@pytest.mark.parametrize("hurt", [damage_record, damage_secrets, empty_database, lose_reads])
@pytest.mark.parametrize("is_current", [True, False])
@rule
async def test_a_notebook_that_cannot_be_opened_keeps_no_other_from_opening(
    home: Home, hurt: object, is_current: bool
) -> None:
    """J11: it is named in words, with what is safe and the way out; where it is the current one another is shown."""
    device, own, joined = await two_notebooks(home)
    hurt_one, other = (joined, own) if is_current else (own, joined)
    assert current_of(device) == joined and callable(hurt)
    hurt(device, hurt_one)

    tab = await home.tab(device.worker())
    await until(lambda: "cannot be opened" in tab.regions["toast"], "it is said", 30.0)

    way_out = PASSING_WAY_OUT if hurt is lose_reads else LASTING_WAY_OUT
    assert NOTHING_LOST in tab.regions["toast"] and way_out in tab.regions["toast"]
    assert opened(tab).notebook.id == other and sorted(shown(tab)) == sorted((own, joined))
    tab.act("notebook.switch", notebook=hurt_one)
    await until(lambda: tab.saved, "it is tried again")
    assert opened(tab).notebook.id == other
    created = tab.act("note.create")
    await until(lambda: tab.saved and tab.note == created, "the other one is written in")


@rule
async def test_a_notebook_opens_when_what_kept_it_from_it_is_over(home: Home) -> None:
    """J11: nothing of it was changed; it is the current one still."""
    device, own, joined = await two_notebooks(home)
    lose_reads(device, joined)
    tab = await home.tab(device.worker())
    assert opened(tab).notebook.id == own

    mend(device)
    tab.act("notebook.switch", notebook=joined)

    await until(lambda: opened(tab).notebook.id == joined, "it opens", 10.0)
    assert current_of(device) == joined


@rule
async def test_a_device_whose_only_notebook_never_opens_has_a_new_one_beside_it(home: Home) -> None:
    """J11: what a person writes needs a place; the old one stays, listed and said, whenever the device is opened."""
    tab = await home.begin()
    old = opened(tab).notebook.id
    tab.type("words of the old one ")
    await home.quiet(tab)
    tab.close()
    damage_secrets(tab.worker.device, old)

    for _ in range(2):
        again = await home.tab(tab.worker.device.worker())
        await until(lambda again=again: "cannot be opened" in again.regions["toast"], "it is said", 30.0)
        assert opened(again).notebook.id != old
        assert sorted(shown(again)) == sorted((old, opened(again).notebook.id))
        again.close()


@rule
async def test_a_device_whose_notebook_cannot_be_reached_makes_no_other(home: Home) -> None:
    """J11: that passes; a new, empty notebook would look as if all were gone."""
    home.may_fail = True
    tab = await home.begin()
    device = tab.worker.device
    await home.quiet(tab)
    tab.close()
    lose_reads(device, current_of(device))

    again = Tab(device.worker(), device.random).open()
    await until(lambda: again.ready == "failed" and "cannot be opened" in again.words, "it is said", 30.0)

    assert len(disk_of(device).read("notebooks", ALL)) == 1
    mend(device)
    await until(lambda: again.ready == "ready", "the next core opens it", 30.0)


@rule
async def test_an_untouched_notebook_is_out_of_sight_after_a_join(home: Home) -> None:
    """J1: what the join has replaced is no more than a welcome note; its keys and its database stay."""
    anna = await home.begin("Anna")
    bert = await home.begin("Bert")
    first = opened(bert).notebook.id
    bert.close()

    tab = await join(home, bert.worker.device, anna)

    assert shown(tab) == [opened(anna).notebook.id]
    tab.close()
    again = await home.tab(tab.worker.device.worker())
    assert shown(again) == [opened(anna).notebook.id]
    assert any(entry.key == (first, 1) for entry in disk_of(tab.worker.device).read("secrets", ALL))


@pytest.mark.parametrize("is_same_core", [True, False], ids=["in the same core", "in another core"])
@rule
async def test_words_written_in_a_notebook_while_another_window_joins_one_are_kept(
    home: Home, is_same_core: bool
) -> None:
    """J1: whichever core they were written by, the notebook is listed, with its words, however the join went."""
    anna = await home.begin("Anna")
    writing = await home.begin("Bert")
    device, first, note = writing.worker.device, opened(writing).notebook.id, writing.note

    tab = await join(home, device, anna, writing.worker if is_same_core else None)
    assert opened(writing).notebook.id == first and writing.note == note
    writing.type("all my words")
    await until(lambda: writing.saved, "it is saved")
    if is_same_core:
        await until(lambda: first in shown(tab), "it is listed", 5.0)
    query = writing.query
    writing.crash()
    tab.crash()

    again = await home.tab(device.worker(), f"?in={first}&note={note}")
    assert sorted(shown(again)) == sorted((first, opened(anna).notebook.id)), query
    await until(lambda: again.note == note and "all my words" in again.text, "they are there", 30.0)


@rule
async def test_words_that_a_join_overtook_in_a_hidden_notebook_bring_it_back(home: Home) -> None:
    """J1: an edit that was on its way when its tab went to the joined notebook is saved where it belongs."""
    anna = await home.begin("Anna")
    tab = await home.tab(home.device("Bert").worker(), "?join", await home.link(anna))
    first = opened(tab).notebook.id
    [welcome] = opened(tab).notebook.rows
    await home.show(tab, welcome)
    joined = opened(anna).notebook.id

    tab.act("join.accept")
    await until(lambda: opened(tab).notebook.id == joined, "joined", 60.0)
    assert shown(tab) == [joined] and tab.replica is not None and tab.replica.notebook == first
    tab.type("on its way")
    await until(lambda: tab.saved, "it is saved")

    await until(lambda: sorted(shown(tab)) == sorted((first, joined)), "it is listed", 5.0)


@rule
async def test_a_notebook_with_an_invitation_out_is_listed(home: Home) -> None:
    """J1: somebody may come into it."""
    anna = await home.begin("Anna")
    bert = await home.begin("Bert")
    first = opened(bert).notebook.id
    await home.link(bert)
    bert.close()

    tab = await join(home, bert.worker.device, anna)

    assert first in shown(tab)
