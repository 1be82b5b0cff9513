"""The path of a keystroke: from a tab's editor into the notebook, the journal, the other tabs, and on to the log.

The editor has echoed itself already, so nothing here lies between the key and the paint. Read on in `writer` and `outgoing`; the mirror
image, a change from elsewhere, is `received`.
"""

from collections.abc import Sequence

from carryon.core.open_notebook import OpenNotebook
from carryon.core.tabs.messages import Edit
from carryon.core.tabs.sessions import TabSession
from carryon.notebook.facts import NoteEdited, UpdateRefused
from carryon.notes.written import text_written
from carryon.storage.journal import Journalled


async def edited(opened: OpenNotebook, session: TabSession, edit: Edit) -> None:
    """Take an edit of a tab, which is told when it is durable. What is refused stays with the tab, its words shown."""
    if opened.read_only:
        return refuse_edit(session, edit, opened.read_only)
    if not await opened.documents.use(edit.note):
        return refuse_edit(session, edit, "its note is not in this notebook")
    base = session.heads_shown(edit.note, edit.shown)
    if base is None:
        # Made against an earlier connection of this tab. Naming all that is held is safe: it only makes receivers wait for more.
        base = opened.documents.heads(edit.note)
    facts = opened.notebook.edit(edit.note, edit.update, opened.now(), session.name)
    for fact in facts:
        if isinstance(fact, UpdateRefused):
            if fact.dropped:
                opened.documents.forget(edit.note)
            return refuse_edit(session, edit, fact.reason)
    rows = [opened.journal_row(fact, base) for fact in facts if isinstance(fact, NoteEdited)]

    def durable(journalled: Sequence[Journalled]) -> None:
        opened.journalled(journalled)
        opened.show(facts, besides=session)
        session.saved(edit.seq)

    opened.writer.put(rows, durable, session)
    return None


def refuse_edit(session: TabSession, edit: Edit, reason: str) -> None:
    """Show that an edit cannot be saved, and have the tab's editor begin anew from what is."""
    session.refuse(edit.seq, reason, text_written(edit.update))
    session.astray.add(edit.note)
