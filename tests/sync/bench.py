"""A session on the bench: frames written by hand go in, effects come out, answers are given by hand."""

from __future__ import annotations

from collections.abc import Sequence

from carryon_sync.device.conversation import WINDOW_BYTES
from carryon_sync.device.effects import Close, Effect, Open, Send, Sign, StartOver
from carryon_sync.device.session import Session
from carryon_sync.device.status import Phase
from carryon_sync.formats.change import Seen, id_in
from carryon_sync.formats.members import Members
from carryon_sync.formats.records import Role
from carryon_sync.formats.rejected import Rejected
from carryon_sync.formats.running import RUNNING_START
from carryon_sync.protocol.codec import decode, encode
from carryon_sync.protocol.frames import Challenge, Frame, Ping, Pong, Push, Welcome

from tests.sync.people import People

LOG, OTHER_LOG = bytes([1]) * 16, bytes([2]) * 16
RELAY_NONCE, NONCE = bytes([3]) * 32, bytes([4]) * 32
PROOF, TAG = bytes([5]) * 64, bytes([6]) * 16
AT_START = Seen(LOG, 0, RUNNING_START)


class Bench:
    """A session on the bench: frames in, effects out, answers given by hand."""

    def __init__(self, reached: Seen | None = None, role: Role = Role.EDITOR) -> None:
        self.people = People()
        self.device = self.people.device("laptop", role)
        self.members: Members = self.people.members
        certificate = self.device.certificate.id
        self.session = Session(self.people.notebook, certificate, "relay:8000", self.members, reached)
        self.now = 0
        self.position = 0

    def connected(self) -> Bench:
        """Get as far as the open socket."""
        if self.session.status.phase is Phase.STOPPED:
            assert self.session.start(self.now) == [Open()]
        assert self.session.connected(self.now, NONCE) == []
        return self

    def greeted(self, log: bytes = LOG) -> Bench:
        """Get as far as the hello."""
        return self.connected().greeting(log)

    def greeting(self, log: bytes = LOG) -> Bench:
        """Get from the open socket to the hello."""
        effects = self.frame(Challenge(RELAY_NONCE, log, self.members.tips()))
        if any(isinstance(effect, StartOver) for effect in effects):
            effects = self.session.started_over()
        assert isinstance(effects[-1], Sign)
        self.session.signed(PROOF, self.now)
        return self

    def live(self, head: int = 0, running: bytes = RUNNING_START, since: int = 0) -> Bench:
        """Get as far as the welcome, at the head."""
        self.greeted()
        self.session.outbox([], 0)
        self.frame(Welcome(LOG, head, running, since, 1 << 24, WINDOW_BYTES))
        return self

    def frame(self, frame: Frame) -> list[Effect]:
        return self.session.received(encode(frame), self.now)

    def due(self, effect: Effect, until: int = 1 << 32) -> int:
        """Let time pass, with a relay that answers pings, until the session does this by itself; return when, or `until`."""
        while (tick := self.session.next_tick) is not None and tick < until:
            self.now = max(self.now, tick)
            effects = self.session.tick(self.now)
            for frame in sent(effects):
                if isinstance(frame, Ping):
                    self.frame(Pong(frame.no))
            if effect in effects:
                return self.now
        self.now = until
        return until

    def change(self, words: bytes = b"words") -> bytes:
        return self.device.change(TAG, words).encode()

    def pushed(self, words: bytes = b"words") -> bytes:
        """Push a change; return its id."""
        change = self.change(words)
        self.session.changed()
        frames = sent(self.session.outbox([change], self.position + 1))
        assert any(isinstance(frame, Push) for frame in frames), frames
        self.position += 1
        return id_of(change)


def id_of(data: bytes) -> bytes:
    id = id_in(data)
    assert id is not None
    return id


def sent(effects: Sequence[Effect]) -> list[Frame]:
    frames = (decode(effect.data) for effect in effects if isinstance(effect, Send))
    return [frame for frame in frames if not isinstance(frame, Rejected)]


def closed(effects: Sequence[Effect]) -> Close:
    assert isinstance(effects[-1], Close), effects
    return effects[-1]
