"""Devices and a relay without sockets: real machines, a ledger in memory, pipes that a test can cut anywhere."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from carryon_sync.device.effects import (
    Acked,
    Close,
    Effect,
    FetchOutbox,
    FetchWants,
    FindHeld,
    KeepReceipt,
    MakeReceipt,
    Notice,
    Open,
    Send,
    Sign,
    StartOver,
    StoreChanges,
    StoreFound,
    StoreMembers,
    Why,
)
from carryon_sync.device.holes import Hole, told_apart
from carryon_sync.device.session import Session
from carryon_sync.device.status import Phase
from carryon_sync.formats.change import Change, Seen, decode_change, id_in
from carryon_sync.formats.members import Members, SignedBy
from carryon_sync.formats.records import decode_record
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.frames import Range
from carryon_sync.relay.ledger import Ledger
from carryon_sync.relay.memory_ledger import MemoryLedger
from carryon_sync.relay.room import Room
from carryon_sync.relay.room_effects import Commit, Deliver, Find, HangUp, Read, Report, RoomEffect

from tests.sync.people import Device, People, verify

ORIGIN = "relay.test:8000"
ORIGINS = ("relay.test", ORIGIN)
DATE = 1_700_000_000_000
TAG = bytes([9]) * 16


@dataclass
class Pipe:
    """One connection: what is on its way in each direction, and whether it still stands."""

    no: int
    up: deque[bytes] = field(default_factory=deque)
    down: deque[bytes] = field(default_factory=deque)
    standing: bool = True


class Relay:
    """A room's shell: a ledger whose work is done when the test says so, and connections to devices."""

    def __init__(self, people: People, ledger: Ledger | None = None) -> None:
        self.people = people
        self._logs = 0
        self.ledger: Ledger = MemoryLedger(self._new_log) if ledger is None else ledger
        self.pipes: dict[int, Pipe] = {}
        self.jobs: deque[Commit | Read | Find] = deque()
        self.reports: list[Report] = []
        self.up = True
        self.connections = 0
        self.date = DATE
        self.room = self._opened()

    def _new_log(self) -> bytes:
        self._logs += 1
        return hashlib.sha256(f"log {self._logs}".encode()).digest()[:16]

    def _opened(self) -> Room:
        return Room(self.people.notebook, self.ledger.open(self.people.notebook), ORIGINS, verify)

    def connect(self, pipe: Pipe, now: int) -> None:
        self.pipes[pipe.no] = pipe
        nonce = hashlib.sha256(f"relay nonce {pipe.no}".encode()).digest()
        self.perform(self.room.joined(pipe.no, nonce, now))

    def perform(self, effects: list[RoomEffect]) -> None:
        for effect in effects:
            match effect:
                case Deliver(connections, data):
                    for no in connections:
                        self.pipes[no].down.append(data)
                case HangUp(no):
                    self.pipes[no].standing = False
                case Report():
                    self.reports.append(effect)
                case _:
                    self.jobs.append(effect)

    def work(self, now: int) -> bool:
        """Do the oldest job of the ledger; say whether there was one."""
        if not self.jobs:
            return False
        job = self.jobs.popleft()
        notebook = self.people.notebook
        match job:
            case Commit(batch):
                committed = self.ledger.commit({notebook: batch})[notebook]
                self.perform(self.room.committed(committed, now))
            case Read(connection, after, bytes_max):
                self.perform(self.room.read(connection, self.ledger.page(notebook, after, bytes_max), now))
            case Find(connection, want, bytes_max):
                self.perform(self.room.found(connection, want.no, self.ledger.find(notebook, want, bytes_max)))
        return True

    def crash(self) -> None:
        """Lose everything but the ledger, at once."""
        self.up = False
        self.jobs.clear()
        for pipe in self.pipes.values():
            pipe.standing = False
            pipe.down.clear()
        self.pipes.clear()

    def restart(self, ledger: Ledger | None = None) -> None:
        """Come back, with the ledger as it was committed or with another one."""
        if self.up:
            self.crash()
        self.ledger = self.ledger if ledger is None else ledger
        self.room, self.up = self._opened(), True

    def wipe(self) -> None:
        """Come back with an empty ledger."""
        self.restart(MemoryLedger(self._new_log))


class Shell:
    """A device's shell: a log, an outbox and a cursor that survive, a session that a test can drive."""

    def __init__(self, world: World, device: Device, members: Members) -> None:
        self.world = world
        self.device = device
        self.members = members
        self.log: dict[bytes, bytes] = {}
        self.outbox: list[bytes] = []
        self.reached: Seen | None = None
        self.holes: dict[bytes, Hole] = {}
        self.receipts: dict[bytes, bytes] = {}
        self.acked: dict[bytes, int] = {}
        self.notices: list[Notice] = []
        self.started_over: list[Why] = []
        self.wanted: tuple[tuple[bytes, ...], tuple[Range, ...]] = ((), ())
        self.receipted: Seen | None = None
        self.found: list[bytes] = []
        self.pushed = 0
        self.jitter = 0.5
        self.pipe: Pipe | None = None
        self.session = self._fresh_session()

    def _fresh_session(self) -> Session:
        certificate = self.device.certificate.id
        return Session(
            self.device.certificate.notebook, certificate, ORIGIN, self.members, self.reached, self.holes.values()
        )

    def restart(self) -> None:
        """Be killed and started again: only what is durable is left."""
        self.disconnect("killed")
        self.session = self._fresh_session()
        self.start()

    def start(self) -> None:
        self.perform(self.session.start(self.world.now))

    def write(self, words: bytes, tag: bytes = TAG) -> Change:
        """Write a change into log and outbox, as a fold does."""
        change = self.device.change(tag, words)
        self.log[change.id] = change.encode()
        self.outbox.append(change.id)
        self.perform(self.session.changed())
        return change

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            self.perform(self._answer(effect))

    def _answer(self, effect: Effect) -> list[Effect]:
        session, now = self.session, self.world.now
        match effect:
            case Open():
                self.world.opening.append(self)
            case Close(_, words):
                self.disconnect(words)
            case Send(data):
                if self.pipe is not None and self.pipe.standing:
                    self.pipe.up.append(data)
            case Sign(message):
                return session.signed(self.device.key.sign(message), now)
            case StoreMembers(records):
                for data in records:
                    self._keep_record(data)
                return session.members_stored()
            case StartOver(why, reached):
                self.started_over.append(why)
                self.reached, self.outbox, self.holes = reached, list(self.log), {}
                return session.started_over()
            case StoreChanges():
                for data in effect.changes:
                    self._keep(data)
                holes = told_apart([hole for hole in effect.alone if hole.id not in self.outbox], session.holes.room)
                shown = {id for id, _ in effect.places}
                self.outbox = [id for id in self.outbox if id not in shown]
                self.holes |= {hole.id: hole for hole in holes}
                self.reached = effect.reached
                return [*session.stored(holes, now), *session.lacking()]
            case StoreFound(changes):
                self.found += changes
                for data in changes:
                    self._keep(data)
                given = [id for data in changes if (id := id_in(data)) is not None]
                return [*self._hold(given), *session.found_stored()]
            case FindHeld(holes):
                return self._hold([hole.id for hole in holes if hole.id in self.outbox])
            case FetchOutbox(after, limit):
                positions = {id: position for position, id in enumerate(self.log, 1)}
                page = [id for id in self.outbox if positions[id] > after][:limit]
                self.pushed += len(page)
                return session.outbox([self.log[id] for id in page], positions[page[-1]] if page else after)
            case FetchWants():
                return session.want(*self.wanted, (), now)
            case Acked(sequences):
                self.acked.update(sequences)
            case KeepReceipt(certificate, sealed):
                self.receipts[certificate] = sealed
            case MakeReceipt(reached):
                self.receipted = reached
                return session.receipt(f"{self.device.name} at {reached.sequence}".encode())
            case Notice():
                self.notices.append(effect)
        return []

    def _hold(self, ids: list[bytes]) -> list[Effect]:
        for id in ids:
            self.holes.pop(id, None)
        self.outbox = [id for id in self.outbox if id not in ids]
        return self.session.held(ids, self.world.now)

    def _keep(self, data: bytes) -> None:
        change = decode_change(data)
        assert isinstance(change, Change)
        self.log.setdefault(change.id, data)

    def _keep_record(self, data: bytes) -> None:
        record = decode_record(data)
        assert not isinstance(record, Rejected)
        verdict = self.members.check(record)
        if isinstance(verdict, SignedBy) and verify(verdict.public, record.signature, record.signed):
            self.members.add(record)

    def disconnect(self, words: str) -> None:
        if self.pipe is not None:
            self.pipe.standing = False
            self.pipe = None
        if self in self.world.opening:
            self.world.opening.remove(self)
        self.perform(self.session.disconnected(self.world.now, words, self.jitter))

    @property
    def live(self) -> bool:
        return self.session.status.phase is Phase.LIVE

    def texts(self) -> set[bytes]:
        """Return what the changes in the log say."""
        changes = (decode_change(data) for data in self.log.values())
        return {change.ciphertext[:-48] for change in changes if isinstance(change, Change)}


class World:
    """A notebook, one relay, any number of devices, and time."""

    def __init__(self, people: People | None = None) -> None:
        self.people = people or People()
        self.relay = Relay(self.people)
        self.shells: list[Shell] = []
        self.opening: list[Shell] = []
        self.now = 1_000_000
        self.nonces = 0
        self.reachable = True
        self.on_message: Callable[[], None] = lambda: None

    def device(self, name: str, **certificate: object) -> Shell:
        """Certify a device; what it knows of the members is what there is now."""
        device = self.people.device(name, **certificate)  # type: ignore[arg-type]
        return self.admit(device)

    def admit(self, device: Device) -> Shell:
        members = Members(self.people.notebook)
        for record in self.people.members.records():
            members.add(record)
        shell = Shell(self, device, members)
        self.shells.append(shell)
        return shell

    def step(self) -> bool:
        """Do the next thing that can be done without time passing; say whether there was any."""
        for shell in tuple(self.opening):
            self.opening.remove(shell)
            self._open(shell)
            return True
        for shell in self.shells:
            pipe = shell.pipe
            if pipe is None:
                continue
            if pipe.up and pipe.standing and self.relay.up:
                self.on_message()
                if not pipe.standing:
                    continue
                self.relay.perform(self.relay.room.received(pipe.no, pipe.up.popleft(), self.now, self.relay.date))
                return True
            if pipe.down:
                self.on_message()
                if not pipe.down:
                    return True
                shell.perform(shell.session.received(pipe.down.popleft(), self.now))
                return True
            if not pipe.standing:
                shell.disconnect("the socket ended")
                return True
        for no, pipe in tuple(self.relay.pipes.items()):
            if not pipe.standing:
                del self.relay.pipes[no]
                self.relay.room.left(no)
        return self.relay.up and self.relay.work(self.now)

    def _open(self, shell: Shell) -> None:
        if not (self.relay.up and self.reachable):
            shell.disconnect("connection refused")
            return
        self.relay.connections += 1
        shell.pipe = Pipe(self.relay.connections)
        self.nonces += 1
        nonce = hashlib.sha256(f"nonce {self.nonces}".encode()).digest()
        self.relay.connect(shell.pipe, self.now)
        shell.perform(shell.session.connected(self.now, nonce))

    def settle(self, steps_max: int = 20_000) -> None:
        """Run until nothing happens without time passing."""
        for _ in range(steps_max):
            if not self.step():
                return
        raise AssertionError(f"not settled in {steps_max} steps")

    def pass_time(self, until: Callable[[], bool], rounds_max: int = 500) -> None:
        """Let time pass from tick to tick until a state is reached."""
        for _ in range(rounds_max):
            self.settle()
            if until():
                return
            due = [tick for shell in self.shells if (tick := shell.session.next_tick) is not None]
            self.now = max(self.now, min(due)) if due else self.now + 10_000
            for shell in self.shells:
                shell.perform(shell.session.tick(self.now))
        raise AssertionError(f"not reached: {[shell.session.status for shell in self.shells]}")

    def converge(self) -> None:
        """Let time pass until all devices are live, have the same changes and nothing to push."""
        self.pass_time(lambda: all(shell.live and not shell.outbox for shell in self.shells) and self._alike())

    def _alike(self) -> bool:
        return all(set(shell.log) == set(self.shells[0].log) for shell in self.shells)
