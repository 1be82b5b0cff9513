"""The primitives on CPython, by the `cryptography` package (OpenSSL).

Nothing here waits: a call is microseconds and releases nothing to other tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from carryon.crypto.primitives import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Plain, Sealed, Signed, may_verify


class CryptographyPrimitives:
    """`Primitives` by OpenSSL."""

    async def signing_public(self, private: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()

    async def agreement_public(self, private: bytes) -> bytes:
        return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()

    async def sign(self, private: bytes, messages: Sequence[bytes]) -> list[bytes]:
        key = Ed25519PrivateKey.from_private_bytes(private)
        return [key.sign(message) for message in messages]

    async def verify(self, questions: Sequence[Signed]) -> list[bool]:
        return [may_verify(question) and _verifies(question) for question in questions]

    async def agree(self, private: bytes, public: bytes) -> bytes | None:
        if len(public) != KEY_BYTES:
            return None
        try:
            return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:  # OpenSSL's word for a shared secret of zeros.
            return None

    async def derive(self, key: bytes, salt: bytes, info: bytes) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt, info).derive(key)

    async def seal(self, plains: Sequence[Plain]) -> list[bytes]:
        for plain in plains:
            assert len(plain.nonce) == NONCE_BYTES, f"a nonce has {NONCE_BYTES} bytes, not {len(plain.nonce)}"
        return [AESGCM(plain.key).encrypt(plain.nonce, plain.plaintext, plain.associated) for plain in plains]

    async def open(self, sealeds: Sequence[Sealed]) -> list[bytes | None]:
        return [_opened(sealed) for sealed in sealeds]


def _verifies(question: Signed) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(question.public).verify(question.signature, question.message)
    except InvalidSignature:
        return False
    return True


def _opened(sealed: Sealed) -> bytes | None:
    if len(sealed.nonce) != NONCE_BYTES or len(sealed.ciphertext) < TAG_BYTES:
        return None
    try:
        return AESGCM(sealed.key).decrypt(sealed.nonce, sealed.ciphertext, sealed.associated)
    except InvalidTag:
        return None
