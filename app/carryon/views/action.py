"""Named actions: how what a person did in a page becomes a typed call of the place it belongs to.

1. An action comes from a tab and is decoded at the door: its name must be in a place's table, each argument is decoded
   by the rule's decoder, and what does not fit is `Refused` with words. Bad input never raises.
2. An action gives the tab's next state, commands for the notebook, orders for the core, and calls to the window:
   nothing has happened yet when it returns.
3. The same action twice does what it does once: what it creates is named by its nonce, and states are set, not toggled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from carryon.notebook.commands import Command
from carryon.notebook.notebook import Notebook
from carryon.views.device import Device
from carryon.views.orders import Order
from carryon.views.tab import NAME_CHARACTERS_MAX, QUERY_CHARACTERS_MAX, TITLE_CHARACTERS_MAX, Place, Tab, is_id


@dataclass(frozen=True, slots=True)
class Action:
    """What a tab sent: a name, arguments, and a fresh id that names what the action creates."""

    name: str
    args: Mapping[str, str]
    nonce: str


@dataclass(frozen=True, slots=True)
class Call:
    """What only the window can do: `copy {text}`, `focus {target, note}` (what a press has made), `stay {note}` (it has made nothing)."""

    name: str
    args: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action leads to. Commands are for the notebook, orders for the core, in the order to carry them out."""

    tab: Tab
    commands: tuple[Command | Order, ...] = ()
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """An action cannot be carried out, and why, in words for a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Where an action happens. `tab` has no longer what lasts until the next action only."""

    notebook: Notebook
    tab: Tab
    device: Device
    nonce: str


Decoder = Callable[[Scene, str | None], object]
"""Gives the value of an argument (None: it was not sent) or `Refused`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one action is decoded and run; `edits` tells that it needs a notebook that can be written."""

    run: Callable[..., Outcome | Refused]
    args: Mapping[str, Decoder] = field(default_factory=dict)
    edits: bool = False


def carry_out(rule: Rule, scene: Scene, args: Mapping[str, str]) -> Outcome | Refused:
    """Decode the arguments of an action and run it."""
    if rule.edits and scene.device.core != "ready":
        return Refused(scene.device.words or "This notebook can only be read at the moment.")
    values: dict[str, Any] = {}
    for name, decode in rule.args.items():
        value = decode(scene, args.get(name))
        if isinstance(value, Refused):
            return value
        values[name] = value
    return rule.run(scene, **values)


def note_here(scene: Scene, text: str | None) -> str | Refused:
    """Decode the id of a note that is in the notebook."""
    if text is None or not is_id(text) or text not in scene.notebook.rows:
        return Refused("This note is not in the notebook any more.")
    return text


def note_to_edit(scene: Scene, text: str | None) -> str | Refused:
    """Decode the id of a note that is in the notebook, or will be: of one that is not durable only who has made it knows."""
    is_made = text is not None and is_id(text) and scene.notebook.is_unsaved(text)
    return text if is_made and text is not None else note_here(scene, text)


def notebook_here(scene: Scene, text: str | None) -> str | Refused:
    """Decode the id of a notebook on this device."""
    if text is None or all(text != notebook for notebook, _ in scene.device.notebooks):
        return Refused("This notebook is not on this device.")
    return text


def flag(_: Scene, text: str | None) -> bool | Refused:
    """Decode `true` or `false`."""
    return text == "true" if text in ("true", "false") else Refused("An action did not say whether on or off.")


def place(_: Scene, text: str | None) -> Place | Refused:
    """Decode a place that a link can lead to."""
    match text:
        case "notes" | "trash" | "settings":
            return text
        case _:
            return Refused("There is no such place.")


def title(_: Scene, text: str | None) -> str | Refused:
    """Decode a note's title: one line."""
    return _line(text, "The title", TITLE_CHARACTERS_MAX)


def name(_: Scene, text: str | None) -> str | Refused:
    """Decode a name of a folder, a tag or a relay: one line, empty when it was not sent."""
    return _line(text or "", "The name", NAME_CHARACTERS_MAX)


def search(_: Scene, text: str | None) -> str | Refused:
    """Decode what is searched for; its end is kept, because more is being typed."""
    return _line(text, "The search", QUERY_CHARACTERS_MAX, strip=False)


def words(_: Scene, text: str | None) -> str | Refused:
    """Decode words that the page shows and gives back."""
    return text if text is not None else Refused("An action was sent without its words.")


def _line(text: str | None, what: str, characters_max: int, *, strip: bool = True) -> str | Refused:
    if text is None:
        return Refused(f"{what} was not sent.")
    line = " ".join(text.splitlines())
    if len(line) > characters_max:
        return Refused(f"{what} has {len(line):,} characters, the limit is {characters_max:,}: shorten it.")
    return line.strip() if strip else line
