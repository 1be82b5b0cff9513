"""What the views are told of the device, put together from evidence: status, devices, relay, work in progress."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, assert_never
from urllib.parse import urlsplit

from carryon_sync.formats.records import Role
from carryon_sync.formats.rejected import Rejected

from carryon.core.log.attention import FORK, by_note, group_name
from carryon.core.log.identity import Identity
from carryon.core.open_notebook import OpenNotebook
from carryon.core.relays.syncing import Standing
from carryon.core.tabs.sessions import TabSession
from carryon.crypto.device_names import open_name
from carryon.storage.quarantine import Kind, Quarantined
from carryon.views.device import (
    Device,
    ImportReport,
    Invite,
    Member,
    NotSaved,
    Progress,
    Relay,
    Status,
    Toast,
    Trouble,
    fetched_words,
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
    importing: Progress | None = None
    report: ImportReport | None = None
    exporting: Progress | None = None
    toast: Toast | None = None
    problems: tuple[str, ...] = ()
    update_waiting: bool = False
    persisted: bool | None = None
    names: dict[bytes, str] = field(default_factory=dict)

    def problem(self, words: str) -> None:
        """Show an error until the person dismisses it."""
        if words not in self.problems:
            self.problems = (*self.problems, words)[-PROBLEMS_MAX:]


async def read_names(shown: Shown, opened: OpenNotebook) -> list[bytes]:
    """Open the names of devices whose records have come, and return whose; one that does not open is tried again with the next record."""
    new: list[bytes] = []
    for id, certificate in opened.identity.members.certificates():
        if id not in shown.names:
            name = await open_name(opened.identity.keyring, certificate)
            if not isinstance(name, Rejected):
                shown.names[id] = name
                new.append(id)
    return new


def was_invited_by(identity: Identity, certificate: bytes) -> bool:
    """Whether a device came by an invite of this one."""
    record = identity.members.get(certificate)
    invite = None if record is None else identity.members.get(record.issuer)
    return (
        invite is not None and identity.members.certificate(invite.id) is None and invite.issuer == identity.certificate
    )


def _name_of(shown: Shown, certificate: bytes) -> str:
    return shown.names.get(certificate, f"Device {certificate.hex()[:4]}")


def device_of(opened: OpenNotebook, session: TabSession, shown: Shown) -> Device:
    """Put together what the views need for one tab."""
    environment, standing = opened.environment, opened.syncing.standing()
    refused = Status("unsaved", (), "see the words that could not be saved") if session.not_kept else None
    status = refused or status_of(opened, standing, shown)
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
        joining=session.invitation.shown if session.invitation is not None else None,
        importing=shown.importing,
        report=shown.report,
        exporting=shown.exporting,
        fetching=_fetching(opened, standing),
        troubles=troubles_of(opened),
        note_trouble=_note_trouble(opened, session),
        toast=shown.toast,
        problems=shown.problems,
        not_saved=_not_saved(session),
        update_waiting=shown.update_waiting,
        persisted=shown.persisted,
        key_lies_beside=environment.key_lies_beside,
        core="read-only" if opened.read_only else "ready",
        words=opened.read_only,
        offset=session.hello.offset if session.hello else 0,
    )


def status_of(opened: OpenNotebook, standing: Standing, shown: Shown) -> Status:
    """How far the notebook's last words have come."""
    problem = opened.writer.problem or opened.outgoing.problem or opened.owed
    if opened.writer.problem is not None or opened.writer.is_late:
        return Status("unsaved", (), problem or "the disk is slow")
    unfolded = opened.outgoing.waiting + opened.unfolded.elsewhere
    # How much has come is told in the list: a status that changes all the time is read out all the time.
    fetching = "fetching the notes" if fetched_words(_fetching(opened, standing)) else ""
    if not standing.on_relay or unfolded:
        return Status("saved", (), problem or fetching or _waiting_words(opened, standing, standing.waiting + unfolded))
    names = tuple(_name_of(shown, each) for each in standing.seen_by if each != opened.identity.certificate)
    connection = fetching or (_trouble(standing) if standing.live else "offline")
    return Status("seen", names, connection) if names else Status("relay", (), connection)


def _fetching(opened: OpenNotebook, standing: Standing) -> Progress | None:
    """How much of the relay's log has come; nothing is known of it before the relay has answered.

    A notebook that was made here holds its first note: one with an empty log was joined, and nothing of it has come.
    """
    if standing.fetching is not None:
        return Progress(*standing.fetching)
    return Progress(0, 0) if not standing.live and opened.log.changes.position == 0 else None


def _waiting_words(opened: OpenNotebook, standing: Standing, waiting: int) -> str:
    if not opened.syncing.address:
        return ""
    if not standing.live:
        return f"{waiting} {'change waits' if waiting == 1 else 'changes wait'} for the relay" if waiting else "offline"
    return _trouble(standing) or (f"sending {waiting}" if waiting else "")


def _trouble(standing: Standing) -> str:
    return "something is wrong with the relay: see Settings" if standing.words else ""


def _note_status(opened: OpenNotebook, session: TabSession, status: Status) -> str:
    note = session.state.note if session.state else None
    if note is None or status.level == "unsaved":
        return "Not saved" if note and opened.outgoing.problem is None and status.level == "unsaved" else ""
    # Which notes other cores have written to is not known here.
    is_unfolded = opened.outgoing.unfolded(note) or opened.unfolded.elsewhere
    if is_unfolded or not opened.syncing.is_acked(opened.identity.tag(note)):
        return "Saved on this device"
    if status.level == "seen":
        return f"Seen by {', '.join(status.seen_by)}"
    return "On the relay"


def _not_saved(session: TabSession) -> NotSaved | None:
    if not session.not_kept:
        return None
    told = [session.not_kept[seq] for seq in sorted(session.not_kept)]
    return NotSaved(tuple(dict.fromkeys(one.reason for one in told)), "".join(one.text for one in told))


def _relay(opened: OpenNotebook, standing: Standing) -> Relay:
    address = opened.syncing.address
    offered = opened.environment.place.site if not address else ""
    return Relay(address or "", standing.live, standing.words, offered)


def _devices(opened: OpenNotebook, shown: Shown) -> tuple[Member, ...]:
    roles = {None: "removed", Role.OWNER: "owner", Role.EDITOR: "can edit", Role.READER: "can read"}
    own = opened.identity.certificate
    return tuple(
        Member(_name_of(shown, each.id), roles[each.role], each.id == own) for each in opened.identity.members.devices()
    )


def troubles_of(opened: OpenNotebook) -> tuple[Trouble, ...]:
    """What needs attention and was not dismissed, things of one kind about one note as one."""
    attention = opened.attention
    troubles = [
        _trouble_of(opened, kind, tag, unseen)
        for (kind, tag), items in by_note(attention.items).items()
        if (unseen := [item for item in items if not item.seen])
    ]
    troubles += [_about(opened, tag, FORKED, group_name(FORK, tag)) for tag in attention.forked]
    holdback = opened.receiving.holdback
    unvouched = len(holdback.unvouched)
    if unvouched:
        words = f"{_counted(unvouched, 'change')} {_were(unvouched)} written by a device that was removed, without knowing of it."
        kept = "They are kept, and shown when a member's device that has them went on from them."
        troubles.append(Trouble(f"{words} {kept}"))
    waiting = holdback.count - unvouched
    if waiting:
        changes = (
            "A change that came builds on others" if waiting == 1 else f"{waiting:,} changes that came build on others"
        )
        troubles.append(
            Trouble(f"{changes} that are not here yet. They are kept, and shown as soon as those come.", can_ask=True)
        )
    return tuple(troubles)


def _trouble_of(opened: OpenNotebook, kind: str, tag: bytes, items: Sequence[Quarantined]) -> Trouble:
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
