"""Sealing keys to one recipient, by its X25519 key, in the manner of ECIES with an ephemeral key for each wrap.

    shared    X25519(ephemeral private, recipient public)
    info      labelled(purpose, notebook, recipient, ephemeral public, recipient public)
    key       HKDF(shared, salt: empty, info)
    sealed    nonce (12 bytes, random) · ciphertext, AES-256-GCM with its tag, associated data: info

    purpose       what is wrapped
    epoch-wrap    format 1 (1 byte) · epoch key 32 · tag key 32       in an epoch, to a device or the root
    invite-wrap   format 1 (1 byte) · epoch id 32 · epoch key 32 · tag key 32       in an invite, to its own key

A wrap is not signed: the record around it is.
"""

from __future__ import annotations

from carryon_sync.formats.octets import labelled
from carryon_sync.formats.records import Wrap

from carryon.crypto.primitives import KEY_BYTES, NONCE_BYTES, KeyPair, Plain, Primitives, Random, Sealed

EPOCH_WRAP = "epoch-wrap"
INVITE_WRAP = "invite-wrap"
FORMAT = 1


async def wrap(
    primitives: Primitives,
    purpose: str,
    notebook: bytes,
    recipient: bytes,
    public: bytes,
    secret: bytes,
    random: Random,
) -> Wrap:
    """Seal a secret to the recipient with this X25519 key."""
    ephemeral_private = random(KEY_BYTES)
    ephemeral = await primitives.agreement_public(ephemeral_private)
    shared = await primitives.agree(ephemeral_private, public)
    assert shared is not None, "keys are wrapped to keys made here, which are no points of small order"
    info = labelled(purpose, notebook, recipient, ephemeral, public)
    key, nonce = await primitives.derive(shared, b"", info), random(NONCE_BYTES)
    [ciphertext] = await primitives.seal([Plain(key, nonce, secret, info)])
    return Wrap(recipient, ephemeral, nonce + ciphertext)


async def unwrap(primitives: Primitives, purpose: str, notebook: bytes, wrap: Wrap, agreement: KeyPair) -> bytes | None:
    """Open a wrap with the recipient's key, None where it is not this key's, purpose's and notebook's."""
    shared = await primitives.agree(agreement.private, wrap.ephemeral)
    if shared is None:
        return None
    info = labelled(purpose, notebook, wrap.recipient, wrap.ephemeral, agreement.public)
    key = await primitives.derive(shared, b"", info)
    [secret] = await primitives.open([Sealed(key, wrap.sealed[:NONCE_BYTES], wrap.sealed[NONCE_BYTES:], info)])
    return secret
