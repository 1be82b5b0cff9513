"""Give the editor of a tab's open note what it lacks: all of the note, or what the holder of a state vector has not."""

from collections.abc import Callable
from typing import Final

from carryon.core.log.documents import UNREADABLE
from carryon.core.open_notebook import OpenNotebook
from carryon.core.tabs.messages import Bind
from carryon.core.tabs.sessions import TabSession
from carryon.notes.note import BadUpdate

# The state vector of an empty document.
NOTHING_HELD: Final = b"\0"


async def bind(
    opened: OpenNotebook, session: TabSession, held: str | None, vector: bytes | None, due: Callable[[], None]
) -> str | None:
    """Bind the editor of the open note; `due` is called when nothing keeps it from that any more, to bind it then.

    None, or the words of why there is nothing to give, or of what was wrong with the vector: all of the state is right for any holder,
    only longer.
    """
    note = session.state.note if session.state is not None else None
    if note is not None and not opened.notebook.sees(session.name, note):
        note = None
    if note is None or note == session.bound:
        session.bound = note
        return None
    session.bound = None
    if not await opened.documents.use(note):
        opened.documents.once_readable(note, session.name, due)
        return UNREADABLE
    if opened.writer.waiting(note, besides=session):
        # Another tab is given an edit only when it is durable; what was before it can be read meanwhile, in the regions.
        opened.writer.put((), lambda _rows: due(), session)
        return None
    document = opened.notebook.note(note)
    assert document is not None, "a document that is in use is in memory"
    session.bound = note
    problem, anew = None, note in session.astray
    session.astray.discard(note)
    lacking = vector if held == note and not anew else None
    try:
        update = document.update_since(NOTHING_HELD if lacking is None else lacking)
    except BadUpdate as fault:
        problem = f"A tab could not say what it has of its note, and was given all of it: {fault.reason}."
        update = document.update_since(NOTHING_HELD)
    shown = session.number(note, opened.documents.heads(note))
    session.post(Bind(opened.notebook.id, note, update, document.vector(), shown, anew))
    return problem
