"""Bringing files in and taking them out: the choice of files, the progress of long work, the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from markupsafe import Markup

from carryon.views.action import Outcome, Rule, Scene
from carryon.views.dates import counted
from carryon.views.device import Device, ImportReport, Progress
from carryon.views.orders import CancelImport, CloseReport, ImportFiles
from carryon.views.rendering import render
from carryon.views.tab import Tab

LISTED_MAX: Final = 100
"""Files that a report names, of each kind; beyond it says how many more."""


class _Listed(NamedTuple):
    heading: str
    reasons: tuple[tuple[str, tuple[str, ...]], ...]
    more: int


class _Report(NamedTuple):
    result: str
    facts: tuple[str, ...]
    refused: _Listed | None
    left: _Listed | None


class _Dialog(NamedTuple):
    choosing: bool
    importing: Progress | None
    exporting: Progress | None
    report: _Report | None
    read_only: str


def view(tab: Tab, device: Device) -> Markup:
    """Render the region `dialog`."""
    model = _Dialog(
        choosing=tab.dialog == "import" and device.importing is None,
        importing=device.importing,
        exporting=device.exporting,
        report=_report(device.report) if device.report and device.importing is None else None,
        read_only=device.words if device.core == "read-only" else "",
    )
    return render("dialog", model)


def _report(report: ImportReport) -> _Report:
    facts = []
    if report.cancelled:
        facts.append("The import was cancelled. What is in stays, and importing again goes on from there.")
    if report.beside:
        facts.append(
            f"{counted(report.beside, 'of them stands', 'of them stand')} beside a note with other words, "
            "which was here before: both are kept."
        )
    if report.updated:
        facts.append(f"{counted(report.updated, 'note', 'notes')} brought up to date.")
    if report.unchanged:
        facts.append(f"{counted(report.unchanged, 'note was', 'notes were')} here already, unchanged.")
    return _Report(
        result=f"{counted(report.imported, 'note', 'notes')} imported",
        facts=tuple(facts),
        refused=_listed(report.refused, "file could not be imported", "files could not be imported"),
        left=_listed(report.left, "file was left out", "files were left out"),
    )


def _listed(files: tuple[tuple[str, str], ...], one: str, many: str) -> _Listed | None:
    if not files:
        return None
    paths_by_reason: dict[str, list[str]] = {}
    for path, reason in files[:LISTED_MAX]:
        paths_by_reason.setdefault(reason, []).append(path)
    reasons = tuple((reason, tuple(paths)) for reason, paths in paths_by_reason.items())
    return _Listed(counted(len(files), one, many), reasons, max(len(files) - LISTED_MAX, 0))


def _open(scene: Scene) -> Outcome:
    return Outcome(replace(scene.tab, dialog="import"))


def _close(scene: Scene) -> Outcome:
    return Outcome(replace(scene.tab, dialog=None))


def _import_files(scene: Scene) -> Outcome:
    return Outcome(replace(scene.tab, dialog=None), (ImportFiles(),))


def _cancel(scene: Scene) -> Outcome:
    return Outcome(scene.tab, (CancelImport(),))


def _close_report(scene: Scene) -> Outcome:
    return Outcome(scene.tab, (CloseReport(),))


rules: Final[Mapping[str, Rule]] = {
    "import.open": Rule(_open, edits=True),
    "import.close": Rule(_close),
    "import.files": Rule(_import_files, edits=True),
    "import.cancel": Rule(_cancel),
    "report.close": Rule(_close_report),
}
