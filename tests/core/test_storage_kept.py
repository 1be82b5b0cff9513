"""What Settings say of the storage: the browser's promise, asked for on a press only and not forgotten, and where the key lies."""

from __future__ import annotations

from tests.core.home import Home, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

PROMISED = "The browser has promised to keep these notes"
NOT_PROMISED = "The browser may clear these notes"
BESIDE = "The key lies beside the notes"


def settings(tab: Tab) -> str:
    return tab.regions.get("note", "") + tab.regions.get("list", "")


def asked(tab: Tab) -> bool:
    """Whether the core had the tab ask the browser."""
    return any(call.name == "persist" for call in tab.calls)


@rule
async def test_the_browser_is_asked_when_the_person_says_so_and_not_before(home: Home) -> None:
    """A prompt that nobody called for is refused, and a refusal is for good."""
    tab = await home.tab(home.device("Anna").worker(), "?at=settings")
    await until(lambda: NOT_PROMISED in settings(tab), "it is said")
    assert not asked(tab)

    tab.act("storage.keep")

    await until(lambda: PROMISED in settings(tab), "it is said")
    assert asked(tab)


@rule
async def test_a_promise_is_known_at_the_next_start_without_asking_again(home: Home) -> None:
    """The next core learns it from the browser."""
    device = home.device("Anna")
    first = await home.tab(device.worker(), "?at=settings")
    first.act("storage.keep")
    await until(lambda: PROMISED in settings(first), "it is promised")
    first.close()

    again = await home.tab(device.worker(), "?at=settings")

    await until(lambda: PROMISED in settings(again), "it is known")
    assert not asked(again)


@rule
async def test_settings_say_when_the_key_lies_beside_the_notes(home: Home) -> None:
    """A browser that keeps no key out of reach is named, and only such a one."""
    plain, sound = home.device("Anna"), home.device("Bert")
    plain.key_lies_beside = True

    exposed = await home.tab(plain.worker(), "?at=settings")
    safe = await home.tab(sound.worker(), "?at=settings")

    await until(lambda: BESIDE in settings(exposed), "it is said")
    await until(lambda: NOT_PROMISED in settings(safe), "settings are shown")
    assert BESIDE not in settings(safe)
