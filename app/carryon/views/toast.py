"""What is said in passing, what went wrong, and that a new version waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from markupsafe import Markup

from carryon.views.action import Outcome, Rule, Scene, words
from carryon.views.device import Device, Toast
from carryon.views.orders import AcceptUpdate, DismissProblem, DismissToast
from carryon.views.rendering import render

PROBLEMS_MAX: Final = 3
"""Problems shown at once, the newest; the others come up as these are dismissed."""


class _Said(NamedTuple):
    toast: Toast | None
    problems: tuple[str, ...]
    update_waiting: bool


def view(device: Device) -> Markup:
    """Render the region `toast`."""
    return render("toast", _Said(device.toast, device.problems[-PROBLEMS_MAX:], device.update_waiting))


def _dismiss(scene: Scene) -> Outcome:
    return Outcome(scene.tab, (DismissToast(),))


def _dismiss_problem(scene: Scene, problem: str) -> Outcome:
    return Outcome(scene.tab, (DismissProblem(problem),))


def _accept_update(scene: Scene) -> Outcome:
    return Outcome(scene.tab, (AcceptUpdate(),))


rules: Final[Mapping[str, Rule]] = {
    "toast.dismiss": Rule(_dismiss),
    "problem.dismiss": Rule(_dismiss_problem, {"problem": words}),
    "update.accept": Rule(_accept_update),
}
