"""A device that joins fetches the members' records with the invite's key; then it certifies itself and syncs.

    connected(nonce) ─ receive challenge ─ Sign (with the invite's key) ─ signed ─ Send hello
    receive members ─ StoreMembers ─ members_stored ─ … ─ receive welcome ─ Joined ─ Close

The relay gives the records before the welcome. `Joined` says that all are there; whether the invite is among them, and
what it wraps, is for `carryon.crypto`. The certificate goes to the relay as the first record of the session that
follows; that session's welcome says that it was taken. There is no retry here: a person is looking on.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from carryon_sync.device.effects import Close, Joined, JoiningEffect, NotJoined, Send, Sign, StoreMembers
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.codec import encode
from carryon_sync.protocol.frames import (
    ByInvite,
    Challenge,
    Error,
    Hello,
    MembersRecords,
    Ping,
    Pong,
    Unknown,
    Welcome,
    hello_signed,
)
from carryon_sync.protocol.parts import Reader

Effects = list[JoiningEffect]


class _Step(Enum):
    CONNECTED = 1
    PROVING = 2
    GREETED = 3
    OVER = 4


class Joining:
    """One attempt to fetch a notebook's members' records with an invite."""

    def __init__(self, notebook: bytes, invite: bytes, origin: str, nonce: bytes) -> None:
        """Begin on a fresh socket: `invite` is the invite's public signing key, `nonce` 32 random bytes."""
        self._notebook = notebook
        self._origin = origin
        self._step = _Step.CONNECTED
        self._reader = Reader()
        self._hello = Hello(ByInvite(invite), nonce, bytes(16), 0, bytes(32), (), b"")

    def received(self, data: bytes) -> Effects:
        """Take in one message."""
        if self._step is _Step.OVER:
            return []
        match self._reader.read(data):
            case None:
                return []
            case Challenge(nonce=nonce) if self._step is _Step.CONNECTED:
                self._step = _Step.PROVING
                return [Sign(hello_signed(self._notebook, self._origin, nonce, self._hello))]
            case MembersRecords(records) if self._step is _Step.GREETED:
                return [StoreMembers(records)]
            case Welcome() if self._step is _Step.GREETED:
                self._step = _Step.OVER
                return [Joined(), Close(Closing.NORMAL, "the records are here")]
            case Error(code, words):
                return self._over(code, words)
            case Ping(no):
                return [Send(encode(Pong(no)))]
            case Unknown():
                return []
            case Rejected(reason):
                return self._over("broken", f"the relay does not keep to the protocol: {reason}")
            case frame:
                return self._over("broken", f"the relay does not keep to the protocol: {type(frame).__name__} now")

    def signed(self, proof: bytes) -> Effects:
        """Say hello with the invite's proof."""
        self._step = _Step.GREETED
        return [Send(encode(replace(self._hello, proof=proof)))]

    def disconnected(self, words: str) -> Effects:
        """Note that the socket ended, or that nothing came for too long."""
        if self._step is _Step.OVER:
            return []
        self._step = _Step.OVER
        return [NotJoined("disconnected", words)]

    def _over(self, code: str, words: str) -> Effects:
        self._step = _Step.OVER
        return [NotJoined(code, words), Close(Closing.NORMAL, "not joined")]
