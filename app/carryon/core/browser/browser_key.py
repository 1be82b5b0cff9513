"""The key that seals what this device stores: made once, kept by the browser, read back, and never replaced.

    kept as    a CryptoKey (AES-GCM, 256 bits, not extractable), or 32 raw bytes where the browser refuses to keep such an object

1. Raw bytes are the second choice: no script reads a CryptoKey out, the bytes lie readable beside the notes, and Settings says so.
   Whether the browser keeps objects is tried: WebKitGTK 2.50 refuses in a shared worker (DataCloneError), and Safari 27 is known to
   take objects of another kind (X25519) and to give back nothing.
2. What is used is what was read back, never what was made: another core may have been first, and its key is the one.
3. However it was kept, it is read that way for as long as it is there: a key ring that comes or a release that knows more changes
   nothing about it.
4. One that is there and cannot be used ends the start with words. Another in its place would lose all that was sealed under it.
"""

from dataclasses import dataclass
from typing import Any, Final

from pyodide.ffi import JsException, to_js

from carryon.crypto.primitives import KEY_BYTES, CryptoError, Random
from carryon.crypto.webcrypto_primitives import record, subtle

USAGES: Final = ("encrypt", "decrypt")
UNREADABLE: Final = (
    "This browser holds a key for the notes on this device and does not give it back ({}). Nothing was changed: unlock the key ring "
    "of this system if it has one, and open Carryon again in the same browser."
)


class StorageKeyError(CryptoError):
    """The key is there and cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class StorageKey:
    """The key as WebCrypto takes it, and whether its bytes lie readable beside what it seals."""

    key: Any
    lies_beside: bool


async def storage_key(storage: Any, random: Random) -> StorageKey:
    """Give this device's key, made if there is none; `storage` is the host's. Raises StorageKeyError, and JsException as it comes."""
    kept = await storage.keptKey()
    if not kept.isKept:
        await _keep_one(storage, random)
        kept = await storage.keptKey()
    return await _usable(kept)


async def _keep_one(storage: Any, random: Random) -> None:
    made = await subtle().generateKey(record(name="AES-GCM", length=8 * KEY_BYTES), False, to_js(USAGES))
    await storage.keepKey(made if await _comes_back(storage, made) else to_js(random(KEY_BYTES)))


async def _comes_back(storage: Any, key: Any) -> bool:
    try:
        back = await storage.triedKey(key)
    except JsException as error:
        if error.name == "DataCloneError":
            return False
        raise
    return hasattr(back, "usages")


async def _usable(kept: Any) -> StorageKey:
    key: Any = kept.key if kept.isKept else None
    if hasattr(key, "usages"):
        return StorageKey(key, lies_beside=False)
    if not hasattr(key, "byteLength"):
        raise StorageKeyError(UNREADABLE.format("it gives nothing"))
    if key.byteLength != KEY_BYTES:
        raise StorageKeyError(UNREADABLE.format(f"it gives {key.byteLength} bytes, not {KEY_BYTES}"))
    imported = await subtle().importKey("raw", key, "AES-GCM", False, to_js(USAGES))
    return StorageKey(imported, lies_beside=True)
