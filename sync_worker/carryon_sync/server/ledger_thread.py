"""One thread does all the ledger's work, so the event loop never waits for a disk; what gathered meanwhile goes together.

1. A round is one transaction with the commits of all rooms that are queued (group commit over rooms), then opens, reads
   and finds for a few ms: so no commit waits for much reading. Notebooks take turns at reading.
2. Answers come in the order in which the ledger did the work, so a room's read never precedes a commit it shows.
3. Where the transaction fails, each room's commit is tried alone: one room's poison is that room's fault only.
4. An answer is a value or an exception; whoever asked is called with it, on the event loop, each by itself: what one of
   them raises keeps no answer from another.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from carryon_sync.relay.ledger import Batch, Committed, Ledger

READING_SECONDS_MAX = 0.01


@dataclass(frozen=True, slots=True)
class _Commit:
    notebook: bytes
    batch: Batch
    answer: Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class _Work:
    notebook: bytes
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

    def work(self, notebook: bytes, work: Callable[[Ledger], Any], answer: Callable[[Any], None]) -> None:
        """Do something that reads for a notebook."""
        self._queue.put(_Work(notebook, work, answer))

    async def call(self, notebook: bytes, work: Callable[[Ledger], Any]) -> Any:
        """Do something that reads for a notebook, and wait for it. Raises what it raised."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self.work(notebook, work, lambda answer: _settle(future, answer))
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
        reading = _Reading()
        stops: list[_Stop] = []
        while not stops:
            commits: list[_Commit] = []
            for job in self._jobs(wait=not reading):
                match job:
                    case _Commit():
                        commits.append(job)
                    case _Work():
                        reading.add(job)
                    case _Stop():
                        stops.append(job)
            self._tell(_committed(ledger, commits))
            self._tell(reading.done(ledger, None if stops else READING_SECONDS_MAX))
        ledger.close()
        self._tell([(stop.answer, None) for stop in stops])

    def _jobs(self, *, wait: bool) -> list[_Commit | _Work | _Stop]:
        """Take all that is queued; wait for the first where there is nothing else to do."""
        jobs = [self._queue.get()] if wait else []
        while not self._queue.empty():
            jobs.append(self._queue.get())
        return jobs

    def _tell(self, answers: _Answers) -> None:
        if answers:
            self._loop.call_soon_threadsafe(_answer, self._loop, answers)


class _Reading:
    """What is to be read, by notebook: the next one's turn comes after each."""

    def __init__(self) -> None:
        self._queued: OrderedDict[bytes, deque[_Work]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._queued)

    def add(self, job: _Work) -> None:
        self._queued.setdefault(job.notebook, deque()).append(job)

    def done(self, ledger: Ledger, seconds_max: float | None) -> _Answers:
        """Do all of it, or at least one thing and as much as can be begun in a time."""
        answers: _Answers = []
        began = time.monotonic()
        while self._queued:
            notebook, jobs = self._queued.popitem(last=False)
            job = jobs.popleft()
            if jobs:
                self._queued[notebook] = jobs
            answers.append((job.answer, _done(job.work, ledger)))
            if seconds_max is not None and time.monotonic() - began >= seconds_max:
                break
        return answers


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


def _answer(loop: asyncio.AbstractEventLoop, answers: _Answers) -> None:
    for answer, value in answers:
        loop.call_soon(answer, value)


def _settle(future: asyncio.Future[Any], answer: Any) -> None:
    if future.cancelled():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
