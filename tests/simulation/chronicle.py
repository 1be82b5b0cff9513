"""Logs as a witness reads them: every change opened once, each log causal, none twice; and the notes that changes make."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Coroutine
from typing import Any, Final, TypeVar

from carryon.core.log.identity import note_text
from carryon.crypto.keyring import Keyring
from carryon_sync.formats.change import NO_PREV, Body, Change, change_id, commit_input, decode_body, unpacked
from carryon_sync.formats.rejected import Rejected
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

T = TypeVar("T")
READER: Final = 0xC0FFEE


class Bodies:
    """The opened bodies of all changes that were ever seen anywhere: each is opened once, and is the same everywhere."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        # Whether one author may have written two changes of one number: copies of a profile do.
        self.may_fork = False
        # Changes that rotted on some device, or in a copy of it.
        self.rotted: set[bytes] = set()
        self._by_id: dict[bytes, tuple[Change, Body]] = {}
        self._id_by_place: dict[tuple[bytes, bytes, int], bytes] = {}

    def of(self, change: Change) -> Body:
        """The body of a change, which must be the change that was seen under its id before, at a place of its own."""
        known = self._by_id.get(change.id)
        if known is not None:
            assert known[0].header == change.header, f"two changes are called {change.id.hex()[:8]}"
            return known[1]
        body = self._opened(change)
        header = change.header
        first = self._id_by_place.setdefault((header.tag, header.author, header.n), change.id)
        assert self.may_fork or first == change.id, f"{header.author.hex()[:8]} wrote two changes numbered {header.n}"
        self._by_id[change.id] = change, body
        return body

    def of_id(self, id: bytes) -> Body:
        """The body of a change that was seen."""
        return self._by_id[id][1]

    def change(self, id: bytes) -> Change:
        """A change that was seen, as it was when it was whole."""
        return self._by_id[id][0]

    def updates(self, ids: Collection[bytes]) -> set[tuple[str, bytes]]:
        """What some of the changes bring: each update, with its note."""
        opened = (self._by_id[id][1] for id in ids)
        return {(note_text(body.note), update) for body in opened for update in body.updates}

    def _opened(self, change: Change) -> Body:
        header = change.header.encode()
        key = at_once(self.keyring.content_key(change.epoch, change.header.author))
        encoded = unpacked(AESGCM(key).decrypt(change.nonce, change.ciphertext, header + change.commit))
        assert not isinstance(encoded, Rejected), encoded
        made = hmac.digest(at_once(self.keyring.commit_key(change.epoch)), commit_input(header, encoded), "sha256")
        assert (made, change_id(header, made)) == (change.commit, change.id), "a change is not what its id says"
        body = decode_body(encoded)
        assert not isinstance(body, Rejected), body
        return body


class Chronicle:
    """A log that is read on and on, and must be causal, unless it is `patched`."""

    def __init__(self, name: str, bodies: Bodies, *, patched: bool = False) -> None:
        self.name = name
        self.patched = patched
        self.bodies = bodies
        self.ids: set[bytes] = set()

    def read(self, change: Change) -> Body:
        """Take the next change."""
        body, header = self.bodies.of(change), change.header
        assert change.id not in self.ids, f"{self.name} holds {change.id.hex()[:8]} twice"
        needs = [link.id for link in body.needs] + ([] if header.prev == NO_PREV else [header.prev])
        missing = [id.hex()[:8] for id in needs if id not in self.ids]
        assert self.patched or not missing, f"{self.name} holds {change.id.hex()[:8]} before {missing}, which it needs"
        self.ids.add(change.id)
        return body


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits, here and now."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError(f"{work} waits for something")
