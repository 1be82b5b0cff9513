"""The rooms' shell: what the ledger does on its thread is answered in order, and what fails there fails alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.codec import encode
from carryon_sync.protocol.frames import MembersRecords
from carryon_sync.relay.ledger import Batch, Committed, Entry, Ledger, Opened
from carryon_sync.relay.memory_ledger import MemoryLedger
from carryon_sync.server import ledger_thread
from carryon_sync.server import rooms as shell
from carryon_sync.server.connection import BUFFER_BYTES_MAX, STRANGER_BUFFER_BYTES_MAX, Connection, framed
from carryon_sync.server.ledger_thread import LedgerThread
from carryon_sync.server.rooms import Rooms
from carryon_sync.server.sqlite_ledger import LedgerUnusable, SqliteLedger

from tests.sync.people import People

POISON = bytes([13]) * 16


class PickyLedger(MemoryLedger):
    """A ledger whose disk fails for one notebook."""

    def __init__(self) -> None:
        super().__init__(lambda: bytes(16))
        self.commits = 0

    def commit(self, batches: Mapping[bytes, Batch]) -> dict[bytes, Committed]:
        self.commits += 1
        if POISON in batches:
            raise OSError("no space left on device")
        return super().commit(batches)


class HeardConnection:
    """What a socket would have been told."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.hung_up: list[tuple[Closing, str]] = []

    def write(self, frames: bytes) -> None:
        self.written.append(frames)

    def hang_up(self, code: Closing, words: str) -> None:
        self.hung_up.append((code, words))

    async def closed(self) -> None:
        return None


def batch(number: int) -> Batch:
    return Batch(bytes(16), changes=(Entry(bytes([number]) * 32, bytes(16), bytes(16), number, b"data"),))


class TestLedgerThread:
    async def test_commits_that_gathered_go_in_one_transaction(self) -> None:
        ledger, held = PickyLedger(), asyncio.Event()
        loop = asyncio.get_running_loop()
        thread = LedgerThread(lambda: ledger, loop)
        await thread.ready()
        answers: list[object] = []
        started = loop.create_future()

        def hold(_: Ledger) -> None:
            loop.call_soon_threadsafe(started.set_result, None)
            asyncio.run_coroutine_threadsafe(held.wait(), loop).result()

        thread.work(bytes(16), hold, lambda _: None)
        await started
        for number in range(5):
            thread.commit(bytes([number]) * 16, batch(1), answers.append)
        held.set()
        await thread.close()

        assert ledger.commits == 1
        assert len(answers) == 5

    async def test_one_notebooks_failing_commit_is_its_fault_only(self) -> None:
        thread = LedgerThread(PickyLedger, asyncio.get_running_loop())
        await thread.ready()
        answers: dict[bytes, object] = {}

        for notebook in (bytes(16), POISON, bytes([1]) * 16):
            thread.commit(notebook, batch(1), lambda answer, notebook=notebook: answers.update({notebook: answer}))  # type: ignore[misc]
        await thread.close()

        assert {notebook for notebook, answer in answers.items() if isinstance(answer, Exception)} == {POISON}
        assert len(answers) == 3

    async def test_i15_a_commit_waits_for_one_reading_at_most_and_notebooks_take_turns(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """I15: one `want` of 16 kB kept every commit of every notebook waiting for 1.4 s."""
        monkeypatch.setattr(ledger_thread, "READING_SECONDS_MAX", 0)
        ledger, loop = PickyLedger(), asyncio.get_running_loop()
        thread = LedgerThread(lambda: ledger, loop)
        await thread.ready()
        held, done = threading.Event(), list[str]()
        busy, quiet = bytes([1]) * 16, bytes([2]) * 16

        thread.work(quiet, lambda _: held.wait(), lambda _: None)
        for number in range(3):
            thread.work(busy, lambda _, number=number: done.append(f"read {number}"), lambda _: None)  # type: ignore[misc]
        thread.work(busy, lambda _: thread.commit(quiet, batch(1), lambda _: done.append("committed")), lambda _: None)
        thread.work(busy, lambda _: done.append(f"commits {ledger.commits}"), lambda _: None)
        thread.work(quiet, lambda _: done.append("other"), lambda _: None)
        held.set()
        await thread.call(busy, lambda _: None)
        await thread.close()

        assert done.index("other") == 1
        # The loop hears of the commit whenever it comes to it.
        assert [one for one in done if one not in ("other", "committed")] == ["read 0", "read 1", "read 2", "commits 1"]
        assert "committed" in done

    async def test_what_one_answer_raises_keeps_no_answer_from_another(self) -> None:
        loop = asyncio.get_running_loop()
        faults: list[str] = []
        loop.set_exception_handler(lambda _, context: faults.append(str(context["exception"])))
        thread = LedgerThread(PickyLedger, loop)
        await thread.ready()
        answered: list[object] = []

        def fail(answer: object) -> None:
            raise OSError(f"standard error is closed: {answer}")

        thread.commit(bytes(16), batch(1), fail)
        thread.commit(bytes([1]) * 16, batch(1), answered.append)
        thread.work(bytes(16), lambda _: 1, fail)
        thread.work(bytes(16), lambda _: 2, answered.append)
        await thread.close()

        assert len(answered) == len(faults) == 2

    async def test_a_ledger_that_does_not_open_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        thread = LedgerThread(lambda: SqliteLedger(tmp_path / "file"), asyncio.get_running_loop())

        with pytest.raises(LedgerUnusable):
            await thread.ready()


class TestRooms:
    async def test_a_room_that_cannot_store_hangs_up_on_everybody_and_others_go_on(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        poisoned, sound = People("poisoned"), People("sound")
        poisoned.notebook = POISON
        thread = LedgerThread(PickyLedger, asyncio.get_running_loop())
        await thread.ready()
        rooms = Rooms(thread, ("relay.test",))
        here, beside, there = HeardConnection(), HeardConnection(), HeardConnection()
        room, number, _ = await rooms.enter(sound.notebook, here)  # type: ignore[arg-type]
        bad_room, _, _ = await rooms.enter(POISON, beside)  # type: ignore[arg-type]
        await rooms.enter(POISON, there)  # type: ignore[arg-type]

        thread.commit(POISON, batch(1), bad_room._answered(lambda done: []))
        room.receive(number, encode(MembersRecords((sound.root.encode(),))))
        await thread.call(POISON, lambda ledger: None)

        assert [code for one in (beside, there) for code, _ in one.hung_up] == [Closing.FAILED] * 2
        assert "no space left" in beside.hung_up[0][1]
        assert here.hung_up == []
        assert "ledger-failed" in capsys.readouterr().err
        bad_room.receive(2, encode(MembersRecords((poisoned.root.encode(),))))
        bad_room.tick()
        assert bad_room.empty
        again, _, _ = await rooms.enter(POISON, HeardConnection())  # type: ignore[arg-type]
        assert again is not bad_room
        await rooms.close()
        await thread.close()

    async def test_i15_a_room_that_takes_long_to_open_holds_nobody_up(self) -> None:
        """I15: one connection to a stranger's 9,901 epochs stopped the event loop of all notebooks."""
        held = threading.Event()

        class Many(tuple[bytes, ...]):
            def __iter__(self) -> Iterator[bytes]:
                assert held.wait(30), "the event loop waits for this room"
                return super().__iter__()

        class SlowLedger(PickyLedger):
            def open(self, notebook: bytes) -> Opened:
                return replace(super().open(notebook), records=Many()) if notebook == POISON else super().open(notebook)

        thread = LedgerThread(SlowLedger, asyncio.get_running_loop())
        await thread.ready()
        rooms = Rooms(thread, ("relay.test",))
        slow = asyncio.create_task(rooms.enter(POISON, HeardConnection()))  # type: ignore[arg-type]

        connection = HeardConnection()
        await rooms.enter(bytes(16), connection)  # type: ignore[arg-type]
        assert len(connection.written) == 1
        held.set()
        await slow

        await rooms.close()
        await thread.close()

    async def test_i15_records_that_nobody_proved_anything_for_have_an_end(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        few, many = People("few"), People("many")
        for number in range(3):
            many.device(f"device {number}")
        brought = {
            people: encode(MembersRecords(tuple(record.encode() for record in people.members.records())))
            for people in (few, many)
        }
        monkeypatch.setattr(shell, "UNPROVEN_BYTES_MAX", len(brought[many]))
        thread = LedgerThread(PickyLedger, asyncio.get_running_loop())
        await thread.ready()
        rooms = Rooms(thread, ("relay.test",))
        at_few, at_many = HeardConnection(), HeardConnection()

        for people, connection in ((many, at_many), (few, at_few)):
            room, number, _ = await rooms.enter(people.notebook, connection)  # type: ignore[arg-type]
            room.receive(number, brought[people])

        assert [code for code, _ in at_many.hung_up] == [Closing.FLOODED]
        assert at_few.hung_up == []
        assert "unproven-dropped" in capsys.readouterr().err
        await rooms.close()
        await thread.close()

    async def test_a_room_is_dropped_when_the_last_one_leaves_and_opened_once_for_many(self) -> None:
        thread = LedgerThread(PickyLedger, asyncio.get_running_loop())
        await thread.ready()
        rooms = Rooms(thread, ("relay.test",))

        entered = await asyncio.gather(*(rooms.enter(bytes(16), HeardConnection()) for _ in range(5)))  # type: ignore[arg-type]

        assert len({id(room) for room, _, _ in entered}) == 1
        for room, number, _ in entered:
            room.leave(number)
        assert rooms._rooms == {}
        await thread.close()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 1 << 20])
def test_messages_are_framed_as_rfc_6455_says(length: int) -> None:
    frame = framed(bytes(length))

    assert frame[0] == 0x82
    assert frame[1] < 128
    match frame[1]:
        case 126:
            assert (int.from_bytes(frame[2:4], "big"), len(frame)) == (length, length + 4)
            assert length >= 126
        case 127:
            assert (int.from_bytes(frame[2:10], "big"), len(frame)) == (length, length + 10)
            assert length >= 65_536
        case short:
            assert (short, len(frame)) == (length, length + 2)


class FullTransport:
    """A transport whose peer takes nothing."""

    def __init__(self) -> None:
        self.waiting = 0
        self.aborted = False

    def is_closing(self) -> bool:
        return self.aborted

    def write(self, data: bytes) -> None:
        self.waiting += len(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize("is_in", [True, False], ids=["let in", "stranger"])
def test_who_lets_more_pile_up_than_the_buffer_takes_is_cut_off(is_in: bool) -> None:
    transport = FullTransport()
    connection = Connection(None, transport)  # type: ignore[arg-type]
    if is_in:
        connection.let_in()
    limit = BUFFER_BYTES_MAX if is_in else STRANGER_BUFFER_BYTES_MAX

    connection.write(bytes(limit))
    assert not transport.aborted
    connection.write(b"x")
    connection.write(b"nothing more is taken")

    assert transport.aborted
    assert transport.waiting == limit + 1
