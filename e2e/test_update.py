"""A new release while people type: nothing lost, nothing doubled, never a mix; half a release does not install."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from e2e.device import Device, Tab
from e2e.relay import REPOSITORY, SITE, Relay


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of the site, which the test may change."""
    return Path(shutil.copytree(SITE, tmp_path / "site"))


@pytest.fixture
def relay(tmp_path: Path, site: Path) -> "Relay":  # type: ignore[misc]
    """A relay that serves the copy."""
    started = Relay(tmp_path / "relay", site)
    started.start()
    yield started
    started.stop()


def build_release(target: Path, mark: str) -> None:
    """Build another release of the same sources."""
    command = [sys.executable, "-m", "tools.site", "--target", str(target), "--mark", mark]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)


def release_of(tab: Tab) -> str:
    """The release that a tab runs."""
    return str(tab.page.evaluate("document.documentElement.dataset.release"))


def look_for_update(tab: Tab) -> None:
    """Have the browser look for a new release now, as it does by itself now and then."""
    tab.page.evaluate("async () => { await (await navigator.serviceWorker.ready).update(); }")


def test_a_release_takes_over_while_two_tabs_type(relay: Relay, site: Path, new_device: Callable[..., Device]) -> None:
    """Release 2 arrives while two tabs type; the person lets it in; every key is there once, and both tabs run release 2."""
    device = new_device()
    first = device.open(relay.url)
    first.wait_offline_ready()
    first.new_note("Log", "start")
    second = device.open(relay.url)
    second.open_note("Log")
    before = release_of(first)

    build_release(site, "two")
    look_for_update(first)
    update = first.button("Update")
    expect(update).to_be_visible()
    for n in range(10):
        first.append(f" a{n}.")
        second.append(f" b{n}.")
    update.click()
    # Nobody waits: these keys are pressed while the old release gives way.
    second.page.keyboard.insert_text(" last.")
    for tab in (first, second):
        tab.page.wait_for_load_state()
        expect(tab.page.locator("html")).not_to_have_attribute("data-release", before)
        tab.wait_ready()

    assert release_of(first) == release_of(second) != before
    for tab in (first, second):
        expect(tab.body).to_contain_text("last.")
        expect(tab.body).to_contain_text("a9.")
        text = tab.body.inner_text()
        for n in range(10):
            assert text.count(f"a{n}.") == 1
            assert text.count(f"b{n}.") == 1
        assert text.count("last.") == 1


def test_half_a_release_does_not_install(relay: Relay, site: Path, new_device: Callable[..., Device]) -> None:
    """A release whose upload broke off is never offered, and the one that runs goes on, offline too."""
    device = new_device()
    tab = device.open(relay.url)
    tab.wait_offline_ready()
    tab.new_note("Steady", "as before")
    before = release_of(tab)

    build_release(site, "half")
    [new] = [folder for folder in (site / "v").iterdir() if folder.name != before]
    for name in ("core.js", "core.js.br", "core.js.gz"):
        (new / name).unlink(missing_ok=True)
    with pytest.raises(Exception, match=r"."):
        look_for_update(tab)
        tab.page.evaluate(
            """async () => {
              const registration = await navigator.serviceWorker.ready;
              while (registration.installing) await new Promise((resolve) => setTimeout(resolve, 20));
              if (!registration.waiting) throw new Error("nothing installed");
            }"""
        )

    expect(tab.button("Update")).to_have_count(0)
    relay.kill()
    tab.page.reload()
    tab.wait_ready()
    assert release_of(tab) == before
    expect(tab.body).to_contain_text("as before")
