"""Elect, among the cores of this device, the one that talks to a notebook's relays.

1. The lock elects; it is waited for, so a core that is closed or killed is followed at once.
2. A holder that is stalled, or frozen in the back/forward cache, keeps its lock. So the leader beats on the channel while other cores
   are about, and a follower that hears nothing for `SILENCE_S` steals the lock, after it has given up its own request.
3. A follower whose own timer was late was itself asleep: it starts counting again before it accuses anybody.
4. Two leaders for a moment are harmless: each has a fencing token from the log, and the session writes of the older one are refused.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from carryon.core.environment import Channel, Held, Locks

BEAT_S: Final = 0.3
SILENCE_S: Final = 2.0
LATE_TIMER_S: Final = 1.0


class Leadership:
    """Lead, or follow and be ready to lead."""

    def __init__(self, locks: Locks, name: str, channel: Channel, lead: Callable[[], Awaitable[None]]) -> None:
        """`lead` runs while this core leads, and is cancelled when the lock is lost."""
        self._locks = locks
        self._name = name
        self._channel = channel
        self._lead = lead
        self._heard_at = 0.0
        self._others = False

    def heard(self, message: Mapping[str, str | int]) -> None:
        """Take note of what another core posted on the channel."""
        self._others = True
        if message.get("type") == "beat":
            self._heard_at = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Take part for ever; cancelled when the notebook closes."""
        while True:
            held = await self._elected()
            leading = asyncio.ensure_future(self._lead())
            beating = asyncio.ensure_future(self._beat())
            try:
                await asyncio.wait((held.lost, leading, beating), return_when=asyncio.FIRST_COMPLETED)
                for task in (leading, beating):
                    if task.done():
                        task.result()
            finally:
                for task in (leading, beating):
                    task.cancel()
                await asyncio.gather(leading, beating, return_exceptions=True)
                held.release()

    async def _elected(self) -> Held:
        waiting = asyncio.ensure_future(self._wait_for_lock())
        silence = asyncio.ensure_future(self._silence())
        try:
            await asyncio.wait((waiting, silence), return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            silence.result()
        finally:
            silence.cancel()
            if not waiting.done():
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
        held = await self._locks.acquire(self._name, steal=True)
        assert held is not None, "a stolen lock is always granted"
        return held

    async def _wait_for_lock(self) -> Held:
        held = await self._locks.acquire(self._name)
        assert held is not None, "a lock that is waited for is granted"
        return held

    async def _silence(self) -> None:
        loop = asyncio.get_running_loop()
        self._heard_at = last = loop.time()
        while loop.time() - self._heard_at <= SILENCE_S:
            if loop.time() - self._heard_at > SILENCE_S / 2:
                # The leader beats only while it knows of others.
                self._channel.post({"type": "here"})
            await asyncio.sleep(BEAT_S)
            if loop.time() - last > LATE_TIMER_S:
                self._heard_at = loop.time()
            last = loop.time()

    async def _beat(self) -> None:
        while True:
            if self._others:
                self._channel.post({"type": "beat"})
            await asyncio.sleep(BEAT_S)
