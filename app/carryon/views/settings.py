"""Settings: what needs attention, this device, adding one, who has the notebook, the relay, storage, export, what runs here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from markupsafe import Markup

from carryon.notebook.notebook import Notebook
from carryon.views import checklist
from carryon.views.action import Call, Outcome, Refused, Rule, Scene, name
from carryon.views.dates import counted
from carryon.views.device import Device, Member, Relay, Trouble
from carryon.views.orders import (
    AddDevice,
    AskAgain,
    CloseInvite,
    ConnectRelay,
    DisconnectRelay,
    DismissTrouble,
    ExportNotebook,
    KeepStorage,
    Order,
)
from carryon.views.rendering import render
from carryon.views.tab import Tab

TROUBLES_MAX: Final = 50
"""Troubles that are shown; beyond it says how many more."""
_local_hosts: Final = ("localhost", "127.0.0.1", "::1")


class _Invite(NamedTuple):
    link: str
    words: str
    copied: bool
    this_machine_only: bool
    code: Markup


class _Settings(NamedTuple):
    name: str
    notebook: str
    notes: str
    core: str
    troubles: tuple[Trouble, ...]
    more_troubles: str
    can_ask: bool
    todo: tuple[checklist.Item, ...]
    invite: _Invite | None
    devices: tuple[Member, ...]
    relay: Relay
    persisted: bool | None
    key_lies_beside: bool
    exporting: bool
    release: str


def view(notebook: Notebook, tab: Tab, device: Device) -> Markup:
    """Render the place `settings`, which has the room of list and note."""
    counts = notebook.counts()
    model = _Settings(
        name=device.name,
        notebook=notebook.name,
        notes=counted(counts["notes"], "note", "notes"),
        core=device.core,
        troubles=device.troubles[:TROUBLES_MAX],
        more_troubles=_more(len(device.troubles) - TROUBLES_MAX),
        can_ask=device.core == "ready" and any(each.can_ask for each in device.troubles),
        todo=checklist.open_items(notebook, device),
        invite=_invite(device, tab),
        devices=device.devices,
        relay=device.relay,
        persisted=device.persisted,
        key_lies_beside=device.key_lies_beside,
        exporting=device.exporting is not None,
        release=device.release,
    )
    return render("settings", model)


def _more(number: int) -> str:
    return f"{counted(number, 'thing more needs', 'things more need')} attention." if number > 0 else ""


def _invite(device: Device, tab: Tab) -> _Invite | None:
    invite = device.invite
    if invite is None:
        return None
    return _Invite(invite.link, invite.words, tab.copied, _is_local(invite.link), _code(invite.link))


def _is_local(link: str) -> bool:
    """Tell whether a link leads to whatever machine opens it."""
    try:
        host = urlsplit(link).hostname or ""
    except ValueError:
        return False
    return host in _local_hosts or host.endswith(".localhost")


@lru_cache(maxsize=2)
def _code(link: str) -> Markup:
    """Return the link as a QR code: one path, a unit a module, four modules of quiet around."""
    import segno  # It is wanted once in a device's life, and costs every start if it is imported above.

    quiet = 4
    rows = [bytes(row) for row in segno.make(link, error="m", micro=False).matrix]
    size = len(rows) + 2 * quiet
    strokes = [
        f"M{x + quiet} {y + quiet}h1v1h-1z" for y, row in enumerate(rows) for x, module in enumerate(row) if module
    ]
    markup = (
        '<svg class="qr" role="img" aria-label="Invite link as a QR code" viewBox="0 0 {0} {0}"><path d="{1}"/></svg>'
    )
    return Markup(markup).format(size, "".join(strokes))


def _connect(scene: Scene, address: str) -> Outcome | Refused:
    if not address:
        return Refused("Type the address of a relay first, such as https://notes.example.org.")
    return Outcome(scene.tab, (ConnectRelay(address),))


def _copy(scene: Scene) -> Outcome | Refused:
    invite = scene.device.invite
    if invite is None:
        return Refused("There is no invite link any more: add the device again.")
    return Outcome(scene.tab, (), (Call("copy", {"text": invite.link}),))


def _dismiss(scene: Scene, trouble: str) -> Outcome:
    return Outcome(scene.tab, (DismissTrouble(trouble),))


def _add_device(scene: Scene) -> Outcome:
    return Outcome(Tab(scene.tab.notebook, place="settings", rows=scene.tab.rows), (AddDevice(),))


def _order(order: Order) -> Rule:
    def run(scene: Scene) -> Outcome:
        return Outcome(scene.tab, (order,))

    return Rule(run)


rules: Final[Mapping[str, Rule]] = {
    "trouble.ask": _order(AskAgain()),
    "trouble.dismiss": Rule(_dismiss, {"trouble": name}),
    "device.add": Rule(_add_device, edits=True),
    "invite.copy": Rule(_copy),
    "invite.close": _order(CloseInvite()),
    "relay.connect": Rule(_connect, {"address": name}),
    "relay.disconnect": _order(DisconnectRelay()),
    "storage.keep": _order(KeepStorage()),
    "notebook.export": _order(ExportNotebook()),
}
