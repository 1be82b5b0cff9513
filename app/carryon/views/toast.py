"""What is said in passing, what went wrong, and that a new version waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from markupsafe import Markup

from carryon.views.action import Call, Outcome, Refused, Rule, Scene, words
from carryon.views.dates import counted
from carryon.views.device import Device, NotSaved, Toast
from carryon.views.orders import AcceptUpdate, DismissProblem, DismissToast, LetGo
from carryon.views.rendering import render

EXCERPT_CHARACTERS_MAX: Final = 1_000
"""Of words that are not saved: enough to know them by."""
PROBLEMS_MAX: Final = 3
"""Problems shown at once, the newest; the others come up as these are dismissed."""


class _NotSaved(NamedTuple):
    words: str
    excerpt: str
    size: str


class _Said(NamedTuple):
    toast: Toast | None
    problems: tuple[str, ...]
    not_saved: _NotSaved | None
    update_waiting: bool


def view(device: Device) -> Markup:
    """Render the region `toast`."""
    not_saved = _not_saved(device.not_saved) if device.not_saved is not None else None
    return render("toast", _Said(device.toast, device.problems[-PROBLEMS_MAX:], not_saved, device.update_waiting))


def _not_saved(told: NotSaved) -> _NotSaved:
    reasons = "; ".join(reason.removesuffix(".") for reason in told.reasons)
    size = counted(len(told.text), "character", "characters")
    words = f"Not saved: {reasons}. What was saved before is safe."
    way_out = " Copy the words that are not saved, then discard them here." if told.text else ""
    return _NotSaved(words + way_out, told.text[:EXCERPT_CHARACTERS_MAX], size)


def _copy_not_saved(scene: Scene) -> Outcome | Refused:
    told = scene.device.not_saved
    if told is None:
        return Refused("There are no words here any more that are not saved.")
    return Outcome(scene.tab, (), (Call("copy", {"text": told.text}),))


def _let_go(scene: Scene) -> Outcome:
    return Outcome(scene.tab, (LetGo(),))


def _dismiss(scene: Scene) -> Outcome:
    return Outcome(scene.tab, (DismissToast(),))


def _dismiss_problem(scene: Scene, problem: str) -> Outcome:
    return Outcome(scene.tab, (DismissProblem(problem),))


def _accept_update(scene: Scene) -> Outcome:
    return Outcome(scene.tab, (AcceptUpdate(),))


rules: Final[Mapping[str, Rule]] = {
    "toast.dismiss": Rule(_dismiss),
    "problem.dismiss": Rule(_dismiss_problem, {"problem": words}),
    "unsaved.copy": Rule(_copy_not_saved),
    "unsaved.discard": Rule(_let_go),
    "update.accept": Rule(_accept_update),
}
