"""The path of a keystroke: from a tab's editor into the notebook, the journal, the other tabs, and on to the log.

The editor has echoed itself already, so nothing here lies between the key and the paint. Read on in `writer` and `outgoing`; the mirror
image, a change from elsewhere, is `received`.
"""

from collections.abc import Sequence

from carryon.core.open_notebook import OpenNotebook
from carryon.core.tabs.messages import Edit
from carryon.core.tabs.sessions import TabSession
from carryon.notebook.facts import NoteEdited, UpdateRefused
from carryon.storage.journal import Journalled


async def edited(opened: OpenNotebook, session: TabSession, edit: Edit) -> str | None:
    """Take an edit of a tab; None, or the words of why it was refused. The tab is told when it is durable."""
    if opened.read_only:
        return f"An edit was refused: {opened.read_only} What you typed is still in the editor: copy it into another notebook."
    if not await opened.documents.use(edit.note):
        return "An edit was refused: its note is not in this notebook. What you typed is still in the editor: copy it into another note."
    base = session.heads_shown(edit.shown)
    if base is None:
        # Made against an earlier connection of this tab. Naming all that is held is safe: it only makes receivers wait for more.
        base = opened.documents.heads(edit.note)
    facts = opened.notebook.edit(edit.note, edit.update, opened.now(), session.name)
    for fact in facts:
        if isinstance(fact, UpdateRefused):
            if fact.dropped:
                opened.documents.forget(edit.note)
            return f"An edit was refused: {fact.reason}. What was saved before is safe: reload the page."
    rows = [opened.journal_row(fact, base) for fact in facts if isinstance(fact, NoteEdited)]

    def durable(journalled: Sequence[Journalled]) -> None:
        opened.journalled(journalled)
        opened.show(facts, besides=session)
        session.saved(edit.seq)

    await opened.writer.put(rows, durable)
    return None
