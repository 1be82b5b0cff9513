"""A device's greeting, from the relay's challenge to its welcome: who this is, which log it knows, and whether it is still that one.

1. The proof signs both nonces and the relay's origin (`frames.hello_signed`): it is good for this connection only.
2. The relay is never believed about the past. Its challenge names its log and its welcome the head: what does not go with
   what it showed before is a reason to start over at 0, or a lie where it claims to go on from there.
3. It keeps no cursor and decides nothing for the session, which starts over, disowns or follows the stream.
"""

from __future__ import annotations

from dataclasses import replace

from carryon_sync.device.downstream import Lied
from carryon_sync.device.effects import Sign, Why
from carryon_sync.formats.change import Seen
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.frames import ByCertificate, Challenge, Hello, Welcome, hello_signed


class Greeting:
    """How one connection begins."""

    def __init__(self, notebook: bytes, certificate: bytes, origin: str, nonce: bytes) -> None:
        """Begin with a nonce of this connection's own, 32 random bytes."""
        self._notebook = notebook
        self._certificate = certificate
        self._origin = origin
        self._nonce = nonce
        self._challenge: Challenge | None = None
        self._hello: Hello | None = None

    @property
    def tips(self) -> tuple[bytes, ...]:
        """Return the tips of the members' records that the relay has."""
        assert self._challenge is not None, "the challenge names them"
        return self._challenge.tips

    def challenged(self, frame: Challenge, reached: Seen | None) -> Why | None:
        """Take the challenge; return why to start over, where its log is not the one that was reached."""
        self._challenge = frame
        if reached is None or (reached.log != frame.log and not reached.sequence):
            return Why.FIRST
        return None if reached.log == frame.log else Why.REPLACED

    def proof(self, reached: Seen) -> Sign:
        """Ask for the proof of a hello that names this cursor."""
        assert self._challenge is not None, "a proof answers a challenge"
        who = ByCertificate(self._certificate)
        self._hello = Hello(who, self._nonce, reached.log, reached.sequence, reached.running, (), b"")
        return Sign(hello_signed(self._notebook, self._origin, self._challenge.nonce, self._hello))

    def hello(self, proof: bytes, tips: tuple[bytes, ...]) -> Hello | None:
        """Return the hello with its proof; None when none was asked for."""
        return None if self._hello is None else replace(self._hello, tips=tips, proof=proof)


def judge(welcome: Welcome, reached: Seen) -> Why | Lied | Rejected | None:
    """Hold a welcome against what was reached of this log: None where the stream goes on from there."""
    if welcome.log != reached.log or welcome.since not in (0, reached.sequence):
        return Rejected("the welcome is not for the log that the challenge named")
    if welcome.since == reached.sequence:
        same = welcome.head != reached.sequence or welcome.running == reached.running
        goes_on = welcome.head >= reached.sequence and same
        return None if goes_on else Lied("the relay's log is not the one that it showed before")
    return Why.WENT_BACK if welcome.head < reached.sequence else Why.DIFFERS
