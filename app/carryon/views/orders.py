"""Orders to the core: what a person asks of the device rather than of the notebook's notes.

The views make them, the core carries them out; files that a person chose travel beside `ImportFiles`.
"""

from __future__ import annotations

from dataclasses import dataclass

from carryon.views.device import Toast


@dataclass(frozen=True, slots=True)
class ImportFiles:
    """Import the files that came with the action."""


@dataclass(frozen=True, slots=True)
class CancelImport:
    """Stop the import; what is in stays."""


@dataclass(frozen=True, slots=True)
class CloseReport:
    """Forget the report of the last import."""


@dataclass(frozen=True, slots=True)
class ExportNotebook:
    """Give the notebook as a zip of Markdown."""


@dataclass(frozen=True, slots=True)
class ExportNote:
    """Give one note as Markdown."""

    note: str


@dataclass(frozen=True, slots=True)
class AddDevice:
    """Make an invite for a device."""


@dataclass(frozen=True, slots=True)
class CloseInvite:
    """Show the invite no longer."""


@dataclass(frozen=True, slots=True)
class Join:
    """Join the notebook of `Device.joining`."""


@dataclass(frozen=True, slots=True)
class DeclineJoin:
    """Forget the invitation of `Device.joining`."""


@dataclass(frozen=True, slots=True)
class ConnectRelay:
    """Sync with the relay at an address, as it was typed."""

    address: str


@dataclass(frozen=True, slots=True)
class DisconnectRelay:
    """Sync with no relay, until the person connects again."""


@dataclass(frozen=True, slots=True)
class SwitchNotebook:
    """Open another notebook of this device in the tab."""

    notebook: str


@dataclass(frozen=True, slots=True)
class AcceptUpdate:
    """Let the waiting release take over."""


@dataclass(frozen=True, slots=True)
class ShowToast:
    """Show passing words, for as long as the core sees fit."""

    toast: Toast


@dataclass(frozen=True, slots=True)
class DismissToast:
    """Take the passing words away."""


@dataclass(frozen=True, slots=True)
class DismissProblem:
    """The person has read a problem."""

    words: str


@dataclass(frozen=True, slots=True)
class LetGo:
    """Forget the words of `Device.not_saved`."""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Ask the relay once more for everything that is not here whole."""


@dataclass(frozen=True, slots=True)
class DismissTrouble:
    """The person has seen a trouble, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class KeepStorage:
    """Ask the browser to keep the storage."""


Order = (
    ImportFiles
    | CancelImport
    | CloseReport
    | ExportNotebook
    | ExportNote
    | AddDevice
    | CloseInvite
    | Join
    | DeclineJoin
    | ConnectRelay
    | DisconnectRelay
    | SwitchNotebook
    | AcceptUpdate
    | ShowToast
    | DismissToast
    | DismissProblem
    | LetGo
    | AskAgain
    | DismissTrouble
    | KeepStorage
)
