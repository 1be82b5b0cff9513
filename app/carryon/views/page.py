"""The page: its regions from a notebook, a tab and a device, and the one door for what a person does in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, assert_never

from markupsafe import Markup

from carryon.notebook.notebook import Notebook
from carryon.views import importing, join, listing, nav, note, settings, status, toast, trash
from carryon.views.action import Action, Outcome, Refused, Rule, Scene, carry_out
from carryon.views.device import Device
from carryon.views.legible import legible
from carryon.views.tab import Tab

RULES: Final[Mapping[str, Rule]] = {
    **nav.rules,
    **listing.rules,
    **note.rules,
    **trash.rules,
    **settings.rules,
    **join.rules,
    **importing.rules,
    **toast.rules,
}


def view(notebook: Notebook, tab: Tab, device: Device) -> dict[str, str]:
    """Return the inner HTML of every region."""
    regions = {
        "nav": nav.view(notebook, tab, device),
        "list": listing.view(notebook, tab, device),
        "note": _main(notebook, tab, device),
        "status": status.view(device),
        "dialog": importing.view(tab, device),
        "toast": toast.view(device),
    }
    return {name: str(html) for name, html in regions.items()}


def title_of(notebook: Notebook, tab: Tab) -> str:
    """Return the title of the document: what is shown, then the app."""
    row = notebook.rows.get(tab.note) if tab.note else None
    match tab.place:
        case "notes" | "trash":
            shown = (row.title or "Untitled") if row else listing.name_of(tab)
        case "settings":
            shown = "Settings"
        case "join":
            shown = "Join a notebook"
        case _:
            assert_never(tab.place)
    return f"{legible(shown)} · Carryon"


def act(notebook: Notebook, tab: Tab, device: Device, action: Action) -> Outcome | Refused:
    """Return what an action leads to, or why it cannot be carried out; nothing has happened yet."""
    rule = RULES.get(action.name)
    if rule is None:
        return Refused(f"This version knows no action named {action.name[:40]!r}: reload the page.")
    return carry_out(rule, Scene(notebook, replace(tab, copied=False), device, action.nonce), action.args)


def _main(notebook: Notebook, tab: Tab, device: Device) -> Markup:
    match tab.place:
        case "notes" | "trash":
            return note.view(notebook, tab, device)
        case "settings":
            return settings.view(notebook, tab, device)
        case "join":
            return join.view(device)
        case _:
            assert_never(tab.place)
