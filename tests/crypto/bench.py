"""What the crypto contract stands on: an adapter, something at rest, fixed randomness, a notebook made of it.

Nothing here or in the rules imports pytest: they run on CPython and in Pyodide, the same files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from carryon.crypto.keyring import Keyring
from carryon.crypto.notebook_keys import Created, create_notebook
from carryon.crypto.primitives import Primitives, Random
from carryon.crypto.sealing import Draft, new_author
from carryon_sync.formats.change import Body, Header, Link, Seen

NOTE = bytes(range(16))


class SealsAtRest(Protocol):
    async def seal(self, purpose: str, plaintext: bytes) -> bytes: ...

    async def open(self, purpose: str, data: bytes) -> bytes | None: ...


@dataclass(frozen=True)
class Bench:
    primitives: Primitives
    at_rest: SealsAtRest
    other_at_rest: SealsAtRest
    golden: Mapping[str, str]
    every_bit: bool

    def flips(self, data: bytes) -> list[bytes]:
        """Give copies of these bytes with one bit flipped: every bit in turn or, where that is slow, every 29th."""
        number, bits = int.from_bytes(data, "big"), 8 * len(data)
        step = 1 if self.every_bit else 29
        return [(number ^ 1 << bit).to_bytes(len(data), "big") for bit in range(0, bits, step)]


Rule = Callable[[Bench], Awaitable[None]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Register a rule that every adapter keeps."""
    RULES[function.__name__] = function
    return function


def drawn(seed: str) -> Random:
    """Give fixed bytes that look random: a stream of SHA-256 over seed and number."""
    numbers = iter(range(1 << 30))

    def draw(count: int) -> bytes:
        blocks = -(-count // 32)
        return b"".join(hashlib.sha256(f"{seed}/{next(numbers)}".encode()).digest() for _ in range(blocks))[:count]

    return draw


async def notebook(bench: Bench, seed: str = "notebook") -> tuple[Created, Keyring]:
    created = await create_notebook(bench.primitives, "Laptop", drawn(seed))
    return created, created.secrets.keyring(bench.primitives)


def draft(
    keyring: Keyring,
    public: bytes,
    *,
    author: str = "author",
    note: bytes = NOTE,
    n: int = 1,
    prev: bytes = bytes(32),
    updates: tuple[bytes, ...] = (b"an update", b"another"),
) -> Draft:
    header = Header(keyring.notebook, keyring.tag(note), new_author(public, drawn(author)), n, prev)
    body = Body(
        note=note,
        time=1_700_000_000_123,
        apart=42,
        needs=(Link(bytes([6]) * 16, 9, bytes([7]) * 32),),
        seen=(Seen(bytes([8]) * 16, 1024, bytes([9]) * 32),),
        updates=updates,
        tips=(bytes([10]) * 32,),
    )
    return Draft(header, body)
