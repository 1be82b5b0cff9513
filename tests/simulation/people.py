"""What people do: one random act of a person in one tab, as far as the page lets them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from tests.simulation import texts
from tests.simulation.habits import SWITCH, Habit
from tests.simulation.tab import Tab
from tests.simulation.texts import SECRET

FOLDERS: Final = ("", "Garden", "Garden/Beds", "Work")
FILES: Final = 3
_NOTEBOOKS: Final = re.compile(r'data-action="notebook\.switch" data-notebook="([^"]*)"')
_LISTED: Final = re.compile(r'data-action="note\.open" data-note="([^"]*)"')


def do_something(tab: Tab, random: Random, follows: Callable[[Habit], bool]) -> str:
    """Do one thing; gives its name. `follows` says whether a habit is followed."""
    weights = [weight for weight, _ in ACTIONS]
    [action] = random.choices([action for _, action in ACTIONS], weights)
    if action is _switch and not follows(SWITCH):
        action = _write
    return action(tab, random)


def _write(tab: Tab, random: Random) -> str:
    if tab.note is None:
        return _open(tab, random)
    tab.type(texts.words(random), random.randint(0, len(tab.text)))
    return "write"


def _write_much(tab: Tab, random: Random) -> str:
    if tab.note is None:
        return _open(tab, random)
    for letter in f"{SECRET} in a hurry":
        tab.type(letter)
    return "write much"


def _erase(tab: Tab, random: Random) -> str:
    if tab.note is None or len(tab.text) < 10:
        return _write(tab, random)
    start = random.randrange(len(tab.text))
    tab.erase(start, min(len(tab.text), start + random.randint(1, 12)))
    return "erase"


def _create(tab: Tab, random: Random) -> str:
    tab.act("note.create")
    return "create"


def _open(tab: Tab, random: Random) -> str:
    notes = listed(tab)
    if not notes:
        return _create(tab, random)
    tab.act("note.open", note=random.choice(notes))
    return "open"


def _rename(tab: Tab, random: Random) -> str:
    return _on_a_note(tab, random, "note.rename", value=texts.title(random))


def _move(tab: Tab, random: Random) -> str:
    return _on_a_note(tab, random, "note.move", value=random.choice(FOLDERS))


def _pin(tab: Tab, random: Random) -> str:
    return _on_a_note(tab, random, "note.pin", pinned=random.choice(("true", "false")))


def _trash(tab: Tab, random: Random) -> str:
    return _on_a_note(tab, random, "note.trash")


def _look_into_trash(tab: Tab, random: Random) -> str:
    tab.go("?at=trash")
    return "look into the trash"


def _restore(tab: Tab, random: Random) -> str:
    if "at=trash" not in tab.query:
        return _look_into_trash(tab, random)
    return _on_a_note(tab, random, "note.restore")


def _import(tab: Tab, random: Random) -> str:
    files = {}
    for number in random.sample(range(FILES), random.randint(1, FILES)):
        text = f"# {SECRET} {number}\n\nversion {random.randrange(3)}\n"
        files[f"vault/Garden/Plan {number}.md"] = text.encode()
    tab.act("import.files", files=files)
    return "import"


def _search(tab: Tab, random: Random) -> str:
    tab.act("list.search", value=random.choice(("", "hay", "löwe tag:garden")))
    return "search"


def _switch(tab: Tab, random: Random) -> str:
    notebooks = _NOTEBOOKS.findall(tab.regions.get("nav", ""))
    if len(notebooks) < 2:
        return _write(tab, random)
    tab.act("notebook.switch", notebook=random.choice(notebooks))
    return "switch"


def _home(tab: Tab, random: Random) -> str:
    tab.go("")
    return "go home"


def _look(tab: Tab, random: Random) -> str:
    tab.look()
    return "look"


def _on_a_note(tab: Tab, random: Random, action: str, **args: str) -> str:
    notes = listed(tab)
    if not notes:
        return _home(tab, random)
    tab.act(action, note=random.choice(notes), **args)
    return action.removeprefix("note.")


def listed(tab: Tab) -> Sequence[str]:
    """The notes that the tab's list shows."""
    return _LISTED.findall(tab.regions.get("list", ""))


ACTIONS: Final[Sequence[tuple[int, Callable[[Tab, Random], str]]]] = (
    (40, _write),
    (4, _write_much),
    (10, _erase),
    (8, _create),
    (12, _open),
    (6, _rename),
    (4, _move),
    (3, _pin),
    (4, _trash),
    (4, _restore),
    (3, _import),
    (2, _search),
    (3, _home),
    (4, _look),
    (3, _switch),
)
