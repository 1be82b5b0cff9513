"""An opened invitation: what is being joined, and the one press that joins it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from markupsafe import Markup

from carryon.views.action import Outcome, Refused, Rule, Scene
from carryon.views.device import Device, Joining
from carryon.views.orders import DeclineJoin, Join
from carryon.views.rendering import render
from carryon.views.tab import Tab


class _Join(NamedTuple):
    joining: Joining | None


def view(device: Device) -> Markup:
    """Render the place `join`, which has the room of list and note."""
    return render("join", _Join(device.joining))


def _join(scene: Scene) -> Outcome | Refused:
    joining = scene.device.joining
    if joining is None:
        return Refused("There is no invitation here any more: open the link again.")
    if joining.problem:
        return Refused(joining.problem)
    return Outcome(scene.tab, () if joining.busy else (Join(),))


def _decline(scene: Scene) -> Outcome:
    return Outcome(Tab(scene.tab.notebook, rows=scene.tab.rows), (DeclineJoin(),))


rules: Final[Mapping[str, Rule]] = {"join.accept": Rule(_join), "join.decline": Rule(_decline)}
