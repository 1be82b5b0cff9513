"""Several tabs, cores that die, browsers that are killed: what was shown as saved is there, once."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from e2e.device import Device, Tab
from e2e.relay import Relay


def body_of(tab: Tab) -> str:
    """The whole text of the open note, which is short enough to be in view."""
    return tab.body.inner_text()


def test_two_tabs_in_one_note_merge_every_key_once(relay: Relay, new_device: Callable[..., Device]) -> None:
    """D1, C12: two tabs type into one note at once; both show the same text, each key once, and no echo follows."""
    device = new_device()
    first = device.open(relay.url)
    first.new_note("Shared", "start")
    second = device.open(relay.url)
    second.open_note("Shared")

    for n in range(20):
        first.append(f" a{n}.")
        second.append(f" b{n}.")
    for tab in (first, second):
        tab.wait_saved()
        expect(tab.body).to_contain_text("a19.")
        expect(tab.body).to_contain_text("b19.")

    text = body_of(first)
    assert body_of(second) == text
    for n in range(20):
        assert text.count(f"a{n}.") == 1
        assert text.count(f"b{n}.") == 1


def test_two_cores_in_one_note_merge_and_either_may_die(relay: Relay, new_device: Callable[..., Device]) -> None:
    """D1: where each tab has a core of its own, edits meet in the log, and a killed tab takes nothing saved with it."""
    device = new_device(without_shared_worker=True)
    first = device.open(relay.url)
    first.new_note("Shared", "start")
    second = device.open(relay.url)
    second.open_note("Shared")
    second.append(" second")
    second.wait_saved()
    expect(first.body).to_contain_text("second")
    first.append(" first")
    first.wait_saved()

    first.page.close()

    expect(second.body).to_contain_text("first")
    second.append(" alone")
    second.wait_saved()
    third = device.open(relay.url)
    third.open_note("Shared")
    expect(third.body).to_contain_text("alone")
    assert sorted(body_of(third).split()) == sorted(["start", "second", "first", "alone"])


def test_what_was_saved_survives_a_killed_browser(
    relay: Relay, new_device: Callable[..., Device], tmp_path: Path
) -> None:
    """A4: the browser's processes are killed right after a key; what the tab had been told is saved is there."""
    device = new_device()
    tab = device.open(relay.url)
    tab.new_note("Black box", "taxi")
    tab.append(" take-off")
    tab.wait_saved()
    tab.append(" landing")

    kill_browser(tmp_path / "profile-0")
    device.launch()

    tab = device.open(relay.url)
    tab.open_note("Black box")
    expect(tab.body).to_contain_text("taxi take-off")


def test_a_core_that_dies_is_replaced_and_nothing_typed_is_lost(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """D4: the SharedWorker is ended by the browser; tabs notice, start another, and give it what it lacks."""
    device = new_device()
    first = device.open(relay.url)
    first.new_note("Turbulence", "before")
    second = device.open(relay.url)
    second.open_note("Turbulence")

    end_shared_workers(first)
    first.append(" during")

    first.wait_ready()
    first.wait_saved()
    expect(second.body).to_contain_text("before during")
    second.append(" after")
    second.wait_saved()
    expect(first.body).to_contain_text("before during after")


def test_keys_pressed_before_the_core_is_ready_are_kept(relay: Relay, new_device: Callable[..., Device]) -> None:
    """A8: New note pressed and typed into while Python is still starting."""
    device = new_device()
    tab = device.open(relay.url)
    tab.wait_offline_ready()
    tab.new_note("First", "one")
    expect(tab.row("First")).to_be_visible()
    end_shared_workers(tab)
    tab.page.reload(wait_until="commit")

    tab.button("New note").click()
    tab.page.keyboard.type("Early bird")

    tab.wait_ready()
    expect(tab.title).to_have_value("Early bird")
    tab.body.click()
    tab.wait_saved()
    expect(tab.row("Early bird")).to_be_visible()


def test_no_third_party_is_ever_asked(relay: Relay, new_device: Callable[..., Device], vault: Path) -> None:
    """SECURITY: every request of a full session goes to the site's own origin."""
    device = new_device()
    tab = device.open(relay.url)
    tab.import_folder(vault)
    tab.open_note("Getting Started")
    tab.button("Preview").click()
    tab.invite()

    assert device.requests
    own = (relay.url, f"blob:{relay.url}")
    assert [url for url in device.requests if not url.startswith(own) and not re.match(r"data:|about:", url)] == []
    assert device.errors == []


def end_shared_workers(tab: Tab) -> None:
    """End every SharedWorker as the browser may at any time."""
    session = tab.page.context.new_cdp_session(tab.page)
    targets = session.send("Target.getTargets")["targetInfos"]
    workers = [target["targetId"] for target in targets if target["type"] == "shared_worker"]
    assert workers, "a core runs in a SharedWorker"
    for worker in workers:
        session.send("Target.closeTarget", {"targetId": worker})


def kill_browser(profile: Path) -> None:
    """Kill all processes of the browser on a profile, as a power cut would."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"--user-data-dir={profile}".encode() in command:
                os.kill(int(entry.name), signal.SIGKILL)
