"""What cores of this device beside this one have saved in the journal and not put into changes: no relay has it, whatever this core says.

1. Each core tells the others how many notes of its own wait, whenever that number becomes another.
2. A core that died tells nothing: the journal is counted too, whenever it is looked at for what the dead have left.
"""

from collections.abc import Callable, Mapping

from carryon.core.environment import Channel
from carryon.storage.journal import Journal, Journalled


class Unfolded:
    """How many notes of other cores wait, by author."""

    def __init__(self, own: bytes, journal: Journal, channel: Channel, is_known: Callable[[Journalled], bool]) -> None:
        """`is_known` tells whether a row is counted as this core's own."""
        self._own = own.hex()
        self._journal = journal
        self._channel = channel
        self._is_known = is_known
        self._notes_by_author: dict[str, int] = {}
        self._told = 0
        self._heard = 0

    @property
    def elsewhere(self) -> int:
        """How many notes wait whose rows other cores have written."""
        return sum(self._notes_by_author.values())

    def tell(self, notes: int) -> None:
        """So many notes of this core wait now."""
        if notes != self._told:
            self.tell_again(notes)

    def tell_again(self, notes: int) -> None:
        """Tell it to a core that has just come."""
        self._told = notes
        self._channel.post({"type": "unfolded", "author": self._own, "notes": notes})

    def heard(self, message: Mapping[str, str | int]) -> None:
        """Another core tells how many notes of its own wait."""
        self._heard += 1
        self._notes_by_author[str(message["author"])] = int(message["notes"])

    async def count(self) -> bool:
        """Count what lies in the journal; say whether that is another number than was known. Raises StorageError."""
        before, heard = self.elsewhere, -1
        while heard != self._heard:
            # What is told meanwhile is newer than what was read.
            heard, rows = self._heard, (await self._journal.read()).rows
        notes: dict[str, set[str]] = {}
        for one in rows:
            author = one.key[0].hex()
            if author != self._own or not self._is_known(one):
                notes.setdefault(author, set()).add(one.row.note)
        self._notes_by_author = {author: len(each) for author, each in notes.items()}
        return self.elsewhere != before
