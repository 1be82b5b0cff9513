"""Ed25519 for the relay, by `cryptography`: members' records and hello proofs; each change's signature is the devices'."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether a signature is this key's over this message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
