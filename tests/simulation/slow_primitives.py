"""The primitives of a machine on which a call takes time, as in a browser, where each is a wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from carryon.crypto.primitives import Plain, Primitives, Sealed, Signed


class SlowPrimitives:
    """`Primitives` that wait before each call."""

    def __init__(self, primitives: Primitives, pause: Callable[[], Awaitable[None]]) -> None:
        self._primitives = primitives
        self._pause = pause

    async def signing_public(self, private: bytes) -> bytes:
        """See `Primitives`."""
        await self._pause()
        return await self._primitives.signing_public(private)

    async def agreement_public(self, private: bytes) -> bytes:
        """See `Primitives`."""
        await self._pause()
        return await self._primitives.agreement_public(private)

    async def sign(self, private: bytes, messages: Sequence[bytes]) -> list[bytes]:
        """See `Primitives`."""
        await self._pause()
        return await self._primitives.sign(private, messages)

    async def verify(self, questions: Sequence[Signed]) -> list[bool]:
        """See `Primitives`."""
        await self._pause()
        return await self._primitives.verify(questions)

    async def agree(self, private: bytes, public: bytes) -> bytes | None:
        """See `Primitives`."""
        await self._pause()
        return await self._primitives.agree(private, public)

    async def derive(self, key: bytes, salt: bytes, info: bytes) -> bytes:
        """See `Primitives`."""
        await self._pause()
        return await self._primitives.derive(key, salt, info)

    async def seal(self, plains: Sequence[Plain]) -> list[bytes]:
        """See `Primitives`."""
        await self._pause()
        return await self._primitives.seal(plains)

    async def open(self, sealeds: Sequence[Sealed]) -> list[bytes | None]:
        """See `Primitives`."""
        await self._pause()
        return await self._primitives.open(sealeds)
