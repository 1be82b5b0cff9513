"""One thread does all the ledger's work, so the event loop never waits for a disk; what gathered meanwhile goes together.

1. A round takes all that is queued: first one transaction with the commits of all rooms (group commit over rooms), then
   opens, reads and finds. Answers come in the order of the work, so a room's read never precedes a commit it shows.
2. Where the transaction fails, each room's commit is tried alone: one room's poison is that room's fault only.
3. An answer is a value or an exception; whoever asked is called with it, on the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from carryon_sync.relay.ledger import Batch, Committed, Ledger


@dataclass(frozen=True, slots=True)
class _Commit:
    notebook: bytes
    batch: Batch
    answer: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class _Work:
    work: Callable[[Ledger], Any]
    answer: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class _Stop:
    answer: Callable[[Any], None]


class LedgerThread:
    """A ledger on a thread of its own."""

    def __init__(self, make: Callable[[], Ledger], loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread; `make` is called on it."""
        self._make = make
        self._loop = loop
        self._queue: SimpleQueue[_Commit | _Work | _Stop] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._ready: asyncio.Future[None] = loop.create_future()
        self._thread.start()

    async def ready(self) -> None:
        """Wait until the ledger is open. Raises what opening it raised."""
        await self._ready

    def commit(self, notebook: bytes, batch: Batch, answer: Callable[[Committed | Exception], None]) -> None:
        """Commit a room's batch."""
        self._queue.put(_Commit(notebook, batch, answer))

    def work(self, work: Callable[[Ledger], Any], answer: Callable[[Any], None]) -> None:
        """Do something that reads."""
        self._queue.put(_Work(work, answer))

    async def call(self, work: Callable[[Ledger], Any]) -> Any:
        """Do something that reads, and wait for it. Raises what it raised."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self.work(work, lambda answer: _settle(future, answer))
        return await future

    async def close(self) -> None:
        """Do all that is queued, close the ledger, end the thread."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.put(_Stop(lambda answer: _settle(future, answer)))
        await future
        self._thread.join()

    def _run(self) -> None:
        try:
            ledger = self._make()
        except Exception as fault:
            self._loop.call_soon_threadsafe(_settle, self._ready, fault)
            return
        self._loop.call_soon_threadsafe(_settle, self._ready, None)
        while True:
            jobs = [self._queue.get()]
            while not self._queue.empty():
                jobs.append(self._queue.get())
            answers = _committed(ledger, [job for job in jobs if isinstance(job, _Commit)])
            answers += [(job.answer, _done(job.work, ledger)) for job in jobs if isinstance(job, _Work)]
            stops = [job for job in jobs if isinstance(job, _Stop)]
            if stops:
                ledger.close()
                answers += [(stop.answer, None) for stop in stops]
            self._loop.call_soon_threadsafe(_answer, answers)
            if stops:
                return


_Answers = list[tuple[Callable[[Any], None], Any]]


def _committed(ledger: Ledger, commits: list[_Commit]) -> _Answers:
    if not commits:
        return []
    batches = {commit.notebook: commit.batch for commit in commits}
    assert len(batches) == len(commits), "a room has one commit under way at a time"
    together = _done(lambda ledger: ledger.commit(batches), ledger)
    if not isinstance(together, Exception):
        return [(commit.answer, together[commit.notebook]) for commit in commits]
    if len(commits) == 1:
        return [(commits[0].answer, together)]
    return [answer for commit in commits for answer in _committed(ledger, [commit])]


def _done(work: Callable[[Ledger], Any], ledger: Ledger) -> Any:
    try:
        return work(ledger)
    except Exception as fault:
        return fault


def _answer(answers: _Answers) -> None:
    for answer, value in answers:
        answer(value)


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if future.cancelled():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
