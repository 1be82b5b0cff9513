"""What a browser keeps, sealed under the device's CryptoKey: AES-GCM, 256 bits.

How that key is kept is `carryon.core.browser.browser_key`'s to say.
"""

from __future__ import annotations

from typing import Any

from pyodide.ffi import to_js

from carryon.crypto.at_rest import associated, joined, parted
from carryon.crypto.primitives import NONCE_BYTES, Random
from carryon.crypto.webcrypto_primitives import aes_gcm, as_bytes, refused, settled, subtle, value


class WebCryptoAtRest:
    """`AtRest` of `carryon.storage`, under a CryptoKey."""

    def __init__(self, device_key: Any, random: Random) -> None:
        self._subtle = subtle()
        self._device_key = device_key
        self._random = random

    async def seal(self, purpose: str, plaintext: bytes) -> bytes:
        nonce = self._random(NONCE_BYTES)
        algorithm = aes_gcm(nonce, associated(purpose))
        [answer] = await settled([self._subtle.encrypt(algorithm, self._device_key, to_js(plaintext))])
        return joined(nonce, as_bytes(value(answer)))

    async def open(self, purpose: str, data: bytes) -> bytes | None:
        parts = parted(data)
        if parts is None:
            return None
        nonce, ciphertext = parts
        algorithm = aes_gcm(nonce, associated(purpose))
        [answer] = await settled([self._subtle.decrypt(algorithm, self._device_key, to_js(ciphertext))])
        return None if refused(answer) else as_bytes(value(answer))
