"""Sealed-looking changes, and an at-rest sealer of the standard library, for the contracts of storage.

Storage never opens a change, so that its ciphertext may be anything; ids, chains and encodings are real.
"""

import hashlib
import hmac

from carryon_sync.formats.change import NO_PREV, Change, Header, Link

NOTEBOOK = bytes(range(16))
ALICE = b"alice of the hil"
BOB = b"bob of the river"


def tag(name: str) -> bytes:
    """Give the tag of a note."""
    return hashlib.sha256(name.encode()).digest()[:16]


def change(name: str, author: bytes, n: int, prev: bytes = NO_PREV, content: str = "") -> Change:
    """Make one change; its id follows from all of what is given."""
    header = Header(NOTEBOOK, tag(name), author, n, prev)
    seed = header.encode() + content.encode()
    commit = hashlib.sha256(seed).digest()
    return Change(header, commit, bytes(32), bytes(12), hashlib.sha512(seed).digest(), bytes(64))


def chain(name: str, author: bytes, length: int, content: str = "") -> list[Change]:
    """Make the first changes of one author's chain of a note."""
    changes: list[Change] = []
    for n in range(1, length + 1):
        changes.append(following(changes[-1], content) if changes else change(name, author, n, content=content))
    return changes


def following(previous: Change, content: str = "") -> Change:
    """Make a change that follows another."""
    header = Header(NOTEBOOK, previous.header.tag, previous.header.author, previous.header.n + 1, previous.id)
    seed = header.encode() + content.encode()
    return Change(header, hashlib.sha256(seed).digest(), bytes(32), bytes(12), hashlib.sha512(seed).digest(), bytes(64))


def link(change: Change) -> Link:
    """Give the link that names a change."""
    return Link(change.header.author, change.header.n, change.id)


class HmacAtRest:
    """An at-rest sealer that any bit flipped, and any other purpose, keeps shut."""

    def __init__(self, key: bytes = b"key") -> None:
        self._key = key

    async def seal(self, purpose: str, plaintext: bytes) -> bytes:
        """See `AtRest.seal`."""
        return self._mac(purpose, plaintext) + plaintext[::-1]

    async def open(self, purpose: str, data: bytes) -> bytes | None:
        """See `AtRest.open`."""
        plaintext = data[32:][::-1]
        return plaintext if hmac.compare_digest(data[:32], self._mac(purpose, plaintext)) else None

    def _mac(self, purpose: str, plaintext: bytes) -> bytes:
        return hmac.new(self._key, purpose.encode() + b"\0" + plaintext, hashlib.sha256).digest()
