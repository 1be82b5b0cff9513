"""Multi-value registers: what two devices set apart from each other is kept twice, shown as a conflict, and settled
by the next set.

Format, in the flat map `fields` of a note's document:
    key    `<field>/<client>.<counter>`: the number of the core start that set it, and its counter of sets; decimal
    value  a string; what it means is the field's own affair
1. Setting a field deletes all of its keys that are present and adds one, in one transaction.
2. No key is ever written twice, so the map's own rule for equal keys (one writer loses) is never needed.
3. Reading picks the greatest key as the winner, so that every device shows the same until a person chooses.
4. A key that does not have this form is not ours: it is kept and ignored.
5. A value is read up to `value_characters_max`: a field is no place for a text, whatever another device puts there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

value_characters_max = 64_000


@dataclass(frozen=True, slots=True)
class Field:
    """What a field holds: every value set and not yet replaced, as (key, value), the winner first."""

    values: tuple[tuple[str, str], ...]

    @property
    def value(self) -> str | None:
        """The winner's value; None where the field was never set."""
        return self.values[0][1] if self.values else None

    @property
    def conflicting(self) -> bool:
        """Whether devices that had not seen each other set different values."""
        return len({value for _, value in self.values}) > 1


def key_of(field: str, client: int, counter: int) -> str:
    """Return the key under which a core start sets a field for the `counter`-th time."""
    return f"{field}/{client}.{counter}"


def read_field(fields: Mapping[str, object], name: str) -> Field:
    """Return what the field `name` holds in the map of a document."""
    prefix = name + "/"
    found = [
        (key, value[:value_characters_max])
        for key, value in fields.items()
        if key.startswith(prefix) and isinstance(value, str) and _ours(key, prefix)
    ]
    return Field(tuple(sorted(found, reverse=True)))


def _ours(key: str, prefix: str) -> bool:
    client, dot, counter = key[len(prefix) :].partition(".")
    return bool(dot) and client.isdecimal() and counter.isdecimal()
