"""The port to the four primitives that every sealed thing rests on, so that browser and CPython seal the same bytes.

Primitives: Ed25519 signatures, X25519 agreement, AES-256-GCM, HKDF-SHA256. (SHA-256 and HMAC come from the standard
library, which both have.) Adapters: `cryptography_primitives`, `webcrypto_primitives`.

1. Keys are raw bytes at the port. A private key is its 32-byte seed (Ed25519) or scalar (X25519).
2. What comes in numbers goes in lists: one call for a batch of signatures or ciphertexts. In the browser a batch is
   one crossing into JavaScript and one wait; the answers come in the order of the questions.
3. Wrong bytes of others (signature, ciphertext, public key) are answers, `False` or `None`. A missing primitive is
   `Unsupported`. Wrong lengths of our own are wrong programs and are asserted.
4. A nonce is 12 bytes and comes from the caller, at random, new for each seal.
5. Public keys and signatures whose point has small order verify nothing: implementations differ in whether they look,
   and with such a key one signature fits many messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

KEY_BYTES = 32
SIGNATURE_BYTES = 64
NONCE_BYTES = 12
TAG_BYTES = 16

Random = Callable[[int], bytes]
"""Gives that many bytes of the system's randomness (`os.urandom`)."""


class CryptoError(Exception):
    """A failure of this package that no other bytes would mend."""


class Unsupported(CryptoError):
    """This browser or page has no such primitive; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key of our own with its public half."""

    private: bytes = field(repr=False)
    public: bytes


@dataclass(frozen=True, slots=True)
class Signed:
    """A question to `verify`."""

    public: bytes
    message: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Plain:
    """What to seal; `associated` is authenticated and not carried."""

    key: bytes = field(repr=False)
    nonce: bytes
    plaintext: bytes
    associated: bytes


@dataclass(frozen=True, slots=True)
class Sealed:
    """What to open: ciphertext with its 16-byte tag at the end."""

    key: bytes = field(repr=False)
    nonce: bytes
    ciphertext: bytes
    associated: bytes


class Primitives(Protocol):
    """What an adapter offers. All of it is safe to call concurrently."""

    async def signing_public(self, private: bytes) -> bytes:
        """Give the Ed25519 public key of a 32-byte seed."""

    async def agreement_public(self, private: bytes) -> bytes:
        """Give the X25519 public key of a 32-byte private key."""

    async def sign(self, private: bytes, messages: Sequence[bytes]) -> list[bytes]:
        """Sign each message (Ed25519, RFC 8032: deterministic)."""

    async def verify(self, questions: Sequence[Signed]) -> list[bool]:
        """Tell of each whether the signature is the key's over the message."""

    async def agree(self, private: bytes, public: bytes) -> bytes | None:
        """Give the X25519 shared secret, None for a public key of small order (RFC 7748, 6.1)."""

    async def derive(self, key: bytes, salt: bytes, info: bytes) -> bytes:
        """Derive 32 bytes by HKDF-SHA256 (RFC 5869)."""

    async def seal(self, plains: Sequence[Plain]) -> list[bytes]:
        """Encrypt each by AES-256-GCM: ciphertext with its tag at the end."""

    async def open(self, sealeds: Sequence[Sealed]) -> list[bytes | None]:
        """Decrypt each, None where anything of it was changed."""


def may_verify(question: Signed) -> bool:
    """Refuse by shape, before any adapter looks: wrong lengths, and points of small order (rule 5)."""
    return (
        len(question.public) == KEY_BYTES
        and len(question.signature) == SIGNATURE_BYTES
        and not _small_order(question.public)
        and not _small_order(question.signature[:KEY_BYTES])
    )


def _small_order(point: bytes) -> bool:
    return int.from_bytes(point, "little") & _Y_MASK in _SMALL_ORDER_Y


# The y coordinates of the eight points of small order of edwards25519, the two that have a second, non-canonical
# spelling below 2^255 in both. The bit above y, the sign of x, is not looked at. A test computes them from the curve.
_P = 2**255 - 19
_Y_MASK = 2**255 - 1
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _P, _P + 1, _ORDER_8, _P - _ORDER_8})
