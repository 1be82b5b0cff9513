"""A notebook to test with, and the ids of its notes."""

from itertools import count

from carryon.notebook.facts import Fact, NoteEdited
from carryon.notebook.notebook import Notebook

NOTEBOOK = "0" * 26
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
clients = count(1)


def id_of(number: int) -> str:
    """Return the id of the note with this number."""
    digits = ""
    while number:
        number, digit = divmod(number, 32)
        digits = ALPHABET[digit] + digits
    return digits.rjust(26, "0")


def a_notebook(author: str = "aa") -> Notebook:
    """Return an empty notebook of a core start of its own."""
    return Notebook(NOTEBOOK, next(clients), "Mine", author)


def updates_of(facts: list[Fact]) -> list[bytes]:
    """Return the updates that the journal gets."""
    return [fact.update for fact in facts if isinstance(fact, NoteEdited)]
