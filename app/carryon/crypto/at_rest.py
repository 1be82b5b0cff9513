"""How everything on this device is sealed, so that a copied profile or folder without the device's key says nothing.

    sealed at rest    format 1 (1 byte) · nonce (12 bytes, random) · ciphertext, AES-256-GCM, with its tag (16 bytes)
    associated data   labelled("at-rest", purpose)

1. The purpose is a word that names the place (a store, a kind of row): what was sealed for one place does not open in
   another.
2. What does not open is None: derived things are thrown away and built again, others are reported by who asked.
3. The key is the device's own and seals nothing that leaves it. In the browser it is a CryptoKey that cannot be
   extracted (`webcrypto_at_rest`), on CPython a key file that only its owner reads (`file_at_rest`).

The port is `AtRest` of `carryon.storage`. None of this protects from somebody who uses the browser profile or the
account itself: that is what a lock is for.
"""

from __future__ import annotations

from carryon_sync.formats.octets import labelled

from carryon.crypto.primitives import NONCE_BYTES, TAG_BYTES

FORMAT = 1
OVERHEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES


def associated(purpose: str) -> bytes:
    """Give the associated data that binds a sealed thing to its purpose."""
    return labelled("at-rest", purpose.encode())


def joined(nonce: bytes, ciphertext: bytes) -> bytes:
    """Lay out a sealed thing."""
    return bytes([FORMAT]) + nonce + ciphertext


def parted(data: bytes) -> tuple[bytes, bytes] | None:
    """Give nonce and ciphertext, None for another format."""
    if len(data) < OVERHEAD_BYTES or data[0] != FORMAT:
        return None
    return data[1 : 1 + NONCE_BYTES], data[1 + NONCE_BYTES :]
