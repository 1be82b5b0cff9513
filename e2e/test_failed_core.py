"""A core in which a fault of ours comes up: another one takes over, or the person is told; what was typed is there."""

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import expect

from e2e.device import Device
from e2e.relay import REPOSITORY, SITE, Relay

FAULTY: Final = "carryon/core/acts/edited"
# Appended to the module: a core of the device comes upon the one word once, every core upon the other.
FAULT: Final = """
import js

_edited = edited


async def edited(opened, session, edit):
    if b"%always" in edit.update or (b"%once" in edit.update and not await js.caches.has("met")):
        await js.caches.open("met")
        raise RuntimeError("a planted fault")
    return await _edited(opened, session, edit)
"""


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[Relay]:
    """A relay that serves a site whose core has a fault."""
    site = Path(shutil.copytree(SITE, tmp_path / "site"))
    [app] = site.glob("v/*/app.zip")
    with zipfile.ZipFile(app) as whole:
        files = {name: whole.read(name) for name in whole.namelist()}
    del files[f"{FAULTY}.pyc"]
    with zipfile.ZipFile(app, "w") as planted:
        for name, content in files.items():
            planted.writestr(name, content)
        planted.writestr(f"{FAULTY}.py", (REPOSITORY / "app" / f"{FAULTY}.py").read_text() + FAULT)
    for compressed in app.parent.glob("app.zip.*"):
        compressed.unlink()
    started = Relay(tmp_path / "relay", site)
    started.start()
    yield started
    started.stop()


def test_a_core_that_fails_is_replaced_and_takes_what_was_typed(
    faulty: Relay, new_device: Callable[..., Device]
) -> None:
    """The fault comes up in the one core of two tabs: both get another, and no letter is missing."""
    device = new_device(may_fail=True)
    first = device.open(faulty.url)
    first.new_note("Log", "start")
    second = device.open(faulty.url)
    second.open_note("Log")

    first.append(" %once")
    first.append(" and on")
    first.wait_saved()

    expect(second.body).to_have_text("start %once and on")
    for tab in (first, second):
        tab.wait_ready()
        expect(tab.page.get_by_role("alert")).to_be_hidden()
    assert device.failures


def test_a_core_that_fails_again_and_again_is_not_started_for_ever(
    faulty: Relay, new_device: Callable[..., Device]
) -> None:
    """The person reads what is wrong and what is safe; the text stays in the tab."""
    device = new_device(may_fail=True)
    tab = device.open(faulty.url)
    tab.new_note("Log", "start")

    tab.append(" %always")

    alert = tab.page.get_by_role("alert")
    expect(alert).to_contain_text("could not be kept running")
    expect(alert).to_contain_text("a planted fault")
    expect(tab.page.locator("html")).to_have_attribute("data-core", "failed")
    expect(tab.body).to_have_text("start %always")
