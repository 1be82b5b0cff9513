"""What CPython keeps, sealed under a key in a file that only its owner can read.

    key file    32 random bytes, nothing else; mode 0600

1. The file is made once, whole or not at all: written beside its place, synced, then linked into it, which fails if
   somebody was faster; then the other's key is taken.
2. A file of another length or one that others may read is refused in words. It is never replaced: what was sealed under
   it would be lost.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from carryon.crypto.at_rest import associated, joined, parted
from carryon.crypto.primitives import KEY_BYTES, NONCE_BYTES, CryptoError, Plain, Primitives, Random, Sealed


class KeyFileError(CryptoError):
    """The key file is there and cannot be used; the message says why and what to do."""


class FileAtRest:
    """`AtRest` of `carryon.storage`, under a key held in memory."""

    def __init__(self, primitives: Primitives, key: bytes, random: Random) -> None:
        assert len(key) == KEY_BYTES, f"a storage key has {KEY_BYTES} bytes, not {len(key)}"
        self._primitives = primitives
        self._key = key
        self._random = random

    async def seal(self, purpose: str, plaintext: bytes) -> bytes:
        nonce = self._random(NONCE_BYTES)
        [ciphertext] = await self._primitives.seal([Plain(self._key, nonce, plaintext, associated(purpose))])
        return joined(nonce, ciphertext)

    async def open(self, purpose: str, data: bytes) -> bytes | None:
        parts = parted(data)
        if parts is None:
            return None
        nonce, ciphertext = parts
        [plaintext] = await self._primitives.open([Sealed(self._key, nonce, ciphertext, associated(purpose))])
        return plaintext


def key_of_file(path: Path, random: Random) -> bytes:
    """Read the storage key, making the file if there is none. Raises `KeyFileError`, and `OSError` as it comes."""
    if not path.exists():
        _make(path, random(KEY_BYTES), random(8).hex())
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise KeyFileError(f"the key file {path} has mode {mode:o}, others may read it: chmod 600 {path}")
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise KeyFileError(
            f"the key file {path} has {len(key)} bytes, not {KEY_BYTES}: put it back from a backup; "
            "without it nothing that was kept here can be read"
        )
    return key


def _make(path: Path, key: bytes, suffix: str) -> None:
    beside = path.with_name(f"{path.name}.{suffix}")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as writer:
            writer.write(key)
            writer.flush()
            os.fsync(writer.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            return
    finally:
        beside.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
