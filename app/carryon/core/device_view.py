"""What the views are told of the device, put together from evidence: status, devices, relay, work in progress."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never
from urllib.parse import urlsplit

from carryon_sync.formats.records import Role
from carryon_sync.formats.rejected import Rejected

from carryon.core.log.attention import FORK, by_note, group_name
from carryon.core.open_notebook import OpenNotebook
from carryon.core.relays.syncing import Standing
from carryon.core.tabs.sessions import TabSession
from carryon.crypto.device_names import open_name
from carryon.storage.quarantine import Kind, Quarantined
from carryon.views.device import (
    CoreState,
    Device,
    ImportReport,
    Invite,
    Joining,
    Member,
    Progress,
    Relay,
    Status,
    Toast,
    Trouble,
)

PROBLEMS_MAX: Final = 20
FORKED: Final = (
    "Two devices have written on as the same one: one of them was restored or copied. "
    "The changes of both are kept, and nothing is lost."
)


@dataclass(slots=True)
class Shown:
    """What is shown of the device beside what the open notebook knows itself."""

    notebooks: tuple[tuple[str, str], ...] = ()
    invite: Invite | None = None
    joining: Joining | None = None
    importing: Progress | None = None
    report: ImportReport | None = None
    exporting: Progress | None = None
    toast: Toast | None = None
    problems: tuple[str, ...] = ()
    update_waiting: bool = False
    persisted: bool | None = None
    core: CoreState = "ready"
    words: str = ""
    names: dict[bytes, str] = field(default_factory=dict)

    def problem(self, words: str) -> None:
        """Show an error until the person dismisses it."""
        if words not in self.problems:
            self.problems = (*self.problems, words)[-PROBLEMS_MAX:]


async def read_names(shown: Shown, opened: OpenNotebook) -> None:
    """Open the names of devices whose records have come."""
    for certificate in opened.identity.members.certificates():
        if certificate.id not in shown.names:
            name = await open_name(opened.identity.keyring, certificate)
            shown.names[certificate.id] = f"Device {certificate.id.hex()[:4]}" if isinstance(name, Rejected) else name


def device_of(opened: OpenNotebook, session: TabSession, shown: Shown) -> Device:
    """Put together what the views need for one tab."""
    environment, standing = opened.environment, opened.syncing.standing()
    status = status_of(opened, standing, shown)
    return Device(
        now=environment.now(),
        release=environment.place.release,
        status=status,
        name=shown.names.get(opened.identity.certificate, environment.place.device_name),
        notebooks=shown.notebooks,
        note_status=_note_status(opened, session, status),
        relay=_relay(opened, standing),
        devices=_devices(opened, shown),
        invite=shown.invite,
        joining=shown.joining,
        importing=shown.importing,
        report=shown.report,
        exporting=shown.exporting,
        troubles=troubles_of(opened),
        note_trouble=_note_trouble(opened, session),
        toast=shown.toast,
        problems=shown.problems,
        update_waiting=shown.update_waiting,
        persisted=shown.persisted,
        core=shown.core,
        words=shown.words,
        offset=session.hello.offset if session.hello else 0,
    )


def status_of(opened: OpenNotebook, standing: Standing, shown: Shown) -> Status:
    """How far the notebook's last words have come."""
    problem = opened.writer.problem or opened.outgoing.problem
    if opened.writer.problem is not None or opened.writer.is_late:
        return Status("unsaved", (), problem or "the disk is slow")
    waiting = standing.waiting + opened.outgoing.waiting
    if not standing.on_relay or opened.outgoing.waiting:
        return Status("saved", (), problem or _waiting_words(opened, standing, waiting))
    names = tuple(
        shown.names.get(each, "another device") for each in standing.seen_by if each != opened.identity.certificate
    )
    connection = "" if standing.live else "offline"
    return Status("seen", names, connection) if names else Status("relay", (), connection)


def _waiting_words(opened: OpenNotebook, standing: Standing, waiting: int) -> str:
    if not opened.syncing.address:
        return ""
    if not standing.live:
        return f"{waiting} {'change waits' if waiting == 1 else 'changes wait'} for the relay" if waiting else "offline"
    return f"sending {waiting}" if waiting else ""


def _note_status(opened: OpenNotebook, session: TabSession, status: Status) -> str:
    note = session.state.note if session.state else None
    if note is None or status.level == "unsaved":
        return "Not saved" if note and opened.outgoing.problem is None and status.level == "unsaved" else ""
    if opened.outgoing.unfolded(note) or not opened.syncing.is_acked(opened.identity.tag(note)):
        return "Saved on this device"
    if status.level == "seen":
        return f"Seen by {', '.join(status.seen_by)}"
    return "On the relay"


def _relay(opened: OpenNotebook, standing: Standing) -> Relay:
    address = opened.syncing.address
    offered = opened.environment.place.site if not address else ""
    return Relay(address or "", standing.live, standing.words, offered)


def _devices(opened: OpenNotebook, shown: Shown) -> tuple[Member, ...]:
    roles = {Role.OWNER: "owner", Role.EDITOR: "can edit", Role.READER: "can read"}
    own = opened.identity.certificate
    return tuple(
        Member(shown.names.get(each.id, "another device"), roles[each.role], each.id == own)
        for each in opened.identity.members.certificates()
    )


def troubles_of(opened: OpenNotebook) -> tuple[Trouble, ...]:
    """What needs attention and was not dismissed, things of one kind about one note as one."""
    attention = opened.attention
    troubles = [
        _trouble(opened, kind, tag, unseen)
        for (kind, tag), items in by_note(attention.items).items()
        if (unseen := [item for item in items if not item.seen])
    ]
    troubles += [_about(opened, tag, FORKED, group_name(FORK, tag)) for tag in attention.forked]
    waiting = opened.receiving.holdback.count
    if waiting:
        changes = (
            "A change that came builds on others" if waiting == 1 else f"{waiting:,} changes that came build on others"
        )
        troubles.append(
            Trouble(f"{changes} that are not here yet. They are kept, and shown as soon as those come.", can_ask=True)
        )
    return tuple(troubles)


def _trouble(opened: OpenNotebook, kind: str, tag: bytes, items: Sequence[Quarantined]) -> Trouble:
    first = items[0]
    can_ask = first.kind in (Kind.DAMAGED, Kind.REFUSED) and first.change is not None
    return _about(opened, tag, _trouble_words(items), group_name(kind, tag), can_ask=can_ask)


def _about(opened: OpenNotebook, tag: bytes, words: str, name: str, *, can_ask: bool = False) -> Trouble:
    note = opened.attention.note_of(tag)
    title = opened.notebook.rows[note].title if note is not None else ""
    return Trouble(words, note, title, name, can_ask)


def _trouble_words(items: Sequence[Quarantined]) -> str:
    first, number = items[0], len(items)
    changes = _counted(number, "change")
    match first.kind:
        case Kind.DAMAGED if first.change is not None:
            return f"{changes} of it {_are(number)} damaged on this device, and asked for again wherever it connects."
        case Kind.DAMAGED:
            return f"{_counted(number, 'record')} of this device ({first.store}) {_are(number)} damaged and left out."
        case Kind.REFUSED:
            again = "" if first.change is None else " What is whole is asked for."
            return f"{changes} came damaged or forged and {_were(number)} not taken: {first.reason}.{again}"
        case Kind.EARLY:
            return (
                f"{changes} came by a device, or under a key, that is not known here yet. Tried again as soon as it is."
            )
        case Kind.BEYOND:
            return f"{changes} came from a device after it was removed, and {_were(number)} not taken."
        case Kind.UNREAD:
            return f"{changes} of it cannot be read, or not whole: {first.reason}. All the rest is shown."
        case _:
            assert_never(first.kind)


def _note_trouble(opened: OpenNotebook, session: TabSession) -> str:
    note = session.state.note if session.state else None
    items = opened.attention.of_note(note) if note is not None else ()
    number = len({item.change for item in items if item.kind in (Kind.DAMAGED, Kind.UNREAD)})
    if not number:
        return ""
    return f"{_counted(number, 'change')} of this note cannot be read on this device: what is shown is the rest. Settings says more."


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def host_of(address: str) -> str:
    """The host of an address, for people."""
    return urlsplit(address).netloc
