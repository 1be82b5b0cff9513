"""The path of an action: what a person pressed or typed into a field, decided by the views and carried out here.

Commands change the notebook and go the way of an edit (`edited`): applied, journalled, and shown to other tabs when durable. Orders are for
the device; `Orders` carries them out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from carryon.core.log.documents import UNREADABLE
from carryon.core.open_notebook import OpenNotebook
from carryon.core.tabs.messages import Act, FileEntry
from carryon.core.tabs.sessions import TabSession
from carryon.notebook.commands import Command, CreateNote
from carryon.notebook.facts import CommandRefused, Fact, NoteEdited
from carryon.notebook.unsaved import NOBODY
from carryon.storage.errors import StorageError
from carryon.storage.journal import Journalled
from carryon.views.action import Action, Call, Outcome, Refused
from carryon.views.device import Device
from carryon.views.orders import Order
from carryon.views.page import act as decide
from carryon.views.tab import Tab

RENAME: Final = "note.rename"


class Orders(Protocol):
    """Who carries out what is asked of the device."""

    async def carry_out(
        self, order: Order, opened: OpenNotebook, session: TabSession, files: Sequence[FileEntry]
    ) -> str | None:
        """Carry out an order of a tab about a notebook; None, or the words of why it could not be done."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an action leaves to do: the words of why it was refused, and calls to the window once it shows what has changed."""

    problem: str | None
    calls: tuple[Call, ...]


async def acted(
    opened: OpenNotebook,
    session: TabSession,
    tab: Tab,
    device: Device,
    act: Act,
    orders: Orders,
    *,
    is_taken: bool = False,
) -> Done:
    """Take an action of a tab in a notebook, which may be another one than it shows by now; the tab is told when it is durable.

    `is_taken` where it was taken before: then nothing is changed once more, and the tab is answered.
    """
    with opened.notebook.seen_by(session.name):
        decided = decide(opened.notebook, tab, device, Action(act.name, act.args, act.nonce))
    match decided:
        case Refused() if is_taken:
            session.saved(act.seq)
            return Done(None, (_stay(act),))
        case Refused(reason):
            _refuse(session, act, reason)
            return Done(reason, (_stay(act),))
        case Outcome():
            pass
    is_here = session.state is not None and session.state.notebook == opened.notebook.id
    if is_here and decided.tab.notebook == opened.notebook.id:
        # Another notebook is shown once it is open.
        session.state = decided.tab
    problems: list[str] = []
    is_written = False
    for command in decided.commands:
        if isinstance(command, Command) and (is_taken or act.nonce in opened.acts_under_way):
            # Done twice, it would take back what was done since.
            opened.notebook.given_again(command, session.name)
            is_written = True
            problem = None
        elif isinstance(command, Command):
            problem = await commanded(opened, session, command)
            is_written = is_written or problem is None
        else:
            problem = await _ordered(command, opened, session, act, orders)
        problems += [problem] if problem else []
    if is_written:
        opened.acts_under_way.add(act.nonce)
        opened.writer.put((), lambda _rows: _taken(opened, session, act), session, act=act.nonce)
    elif problems:
        _refuse(session, act, problems[0])
    else:
        session.saved(act.seq)
    return Done(next(iter(problems), None), decided.calls if is_here else (_stay(act),))


def _taken(opened: OpenNotebook, session: TabSession, act: Act) -> None:
    opened.acts_under_way.discard(act.nonce)
    session.saved(act.seq)


def _refuse(session: TabSession, act: Act, reason: str) -> None:
    # A title is what somebody has written: it is shown until the person lets go of it.
    if act.name == RENAME and act.args.get("value"):
        session.refuse(act.seq, reason, act.args["value"])
    else:
        session.dropped(act.seq)


def _stay(act: Act) -> Call:
    return Call("stay", {"note": act.nonce})


async def _ordered(order: Order, opened: OpenNotebook, session: TabSession, act: Act, orders: Orders) -> str | None:
    try:
        return await orders.carry_out(order, opened, session, act.files)
    except StorageError as error:
        # An order that failed has changed nothing that anybody was told of: it is said, and can be given again.
        return f"This could not be done: {error}."


async def commanded(
    opened: OpenNotebook, session: TabSession | None, command: Command, time: int | None = None
) -> str | None:
    """Carry out a command on a note, of now or of another `time` (ms since 1970); None, or the words of why it was refused."""
    held = await opened.documents.use(command.note)
    if not held and command.note in opened.notebook.rows:
        return UNREADABLE
    maker = session.name if session else NOBODY
    facts = opened.notebook.act(command, opened.now() if time is None else time, maker)
    refused = [fact.reason for fact in facts if isinstance(fact, CommandRefused)]
    if refused:
        return refused[0]
    if isinstance(command, CreateNote) and not held:
        opened.documents.created(command.note)
    base = opened.documents.heads(command.note)
    rows = [opened.journal_row(fact, base) for fact in facts if isinstance(fact, NoteEdited)]

    def durable(journalled: Sequence[Journalled], facts: Sequence[Fact] = facts) -> None:
        opened.journalled(journalled)
        opened.show(facts, besides=session)

    opened.writer.put(rows, durable, session)
    _show_in_own_editor(session, facts, opened)
    return None


def _show_in_own_editor(session: TabSession | None, facts: Sequence[Fact], opened: OpenNotebook) -> None:
    # The acting tab's editor is a replica too; what its own person did is shown there at once.
    for fact in facts:
        if session is not None and isinstance(fact, NoteEdited):
            session.update(fact.note, fact.update, opened.documents.heads(fact.note))
