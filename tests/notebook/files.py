"""Files for import, and an import as the core does it."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path

import pytest
from carryon.notebook.commands import CreateNote
from carryon.notebook.facts import NoteEdited, RowChanged
from carryon.notebook.importing import Import, NoteFile, Tally, read_file
from carryon.notebook.notebook import Notebook
from carryon.notes.note import Note

from tests.notebook.world import id_of

SHARED = Path(__file__).parent.parent.parent.parent / "shared" / "data"
_numbers = count(1_000)


def import_files(notebook: Notebook, files: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> Tally:
    """Bring files in as the core does, and return what became of them."""
    running = Import(notebook, lambda: id_of(next(_numbers)))
    for path, data in files.items() if isinstance(files, Mapping) else files:
        for found in read_file(path, data):
            if isinstance(found, NoteFile):
                for command in running.commands(found):
                    facts = notebook.act(command, now=1_700_000_000_000 if found.time is None else found.time)
                    assert {type(fact) for fact in facts} <= {NoteEdited, RowChanged}
                    assert facts or not isinstance(command, CreateNote)
    return running.tally


def brought_in(notebook: Notebook, note: str) -> Note:
    """Return a document that is in memory."""
    document = notebook.note(note)
    assert document
    return document


def vault() -> dict[str, bytes]:
    """Return the sample vault's files by their paths in it, or skip the test."""
    folder = SHARED / "vault"
    if not folder.is_dir():
        pytest.skip("there is no ../shared/data/vault beside this clone")
    return dict(_files(folder))


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
