"""Sealing and opening changes: what stands between a note's words and everything that carries them.

The layout of a change is `carryon_sync.formats.change`; here its cryptography:

    commit        HMAC-SHA256(commit key of the epoch, commit_input(header, body))
    id            SHA-256(header ‖ commit)
    ciphertext    AES-256-GCM(content key of epoch and author, random nonce, packed(body)),
                  associated data: header ‖ commit
    signature     Ed25519, the author's device, over signed_bytes(id, epoch, nonce, ciphertext)

1. Header and commit are bound twice, as associated data and by the id in the signature; notebook, epoch and author by the
   key itself; the note by its tag, which whoever opens computes again. So no part of a change fits into another one.
2. The commit binds the id to one body: an author cannot give two texts under one id. It may have been made in an
   earlier epoch than the envelope, so every epoch that is held is tried.
3. Many changes are opened together, `BATCH` at a time: in between, the core comes to its other work.
4. A change that is not exactly right is `Rejected`, with words, and nothing of it is given out; one whose epoch's key is
   not held is `Locked`, and may be right once the key is here.
5. An author renews the envelope of a change that was sealed in an epoch of before: the same id, the same change.

Whether the author may write, and whether what the change builds on is held, is not asked here.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from carryon_sync.formats.change import (
    Body,
    Change,
    Header,
    change_id,
    commit_input,
    decode_body,
    packed,
    signed_bytes,
    unpacked,
)
from carryon_sync.formats.records import fingerprint_of
from carryon_sync.formats.rejected import Rejected

from carryon.crypto.keyring import Keyring
from carryon.crypto.primitives import NONCE_BYTES, KeyPair, Plain, Random, Sealed, Signed

BATCH = 64
AUTHOR_BYTES = 16
FINGERPRINT_BYTES = 8


@dataclass(frozen=True, slots=True)
class Draft:
    """A change to be sealed."""

    header: Header
    body: Body


@dataclass(frozen=True, slots=True)
class Received:
    """A change to be opened, and the signing key of its author's certificate."""

    change: Change
    public: bytes


@dataclass(frozen=True, slots=True)
class Locked:
    """A change of an epoch whose key is not held here."""

    epoch: bytes


Opened = Body | Rejected | Locked


def new_author(public: bytes, random: Random) -> bytes:
    """Make an author id of the device with this signing key."""
    return fingerprint_of(public) + random(AUTHOR_BYTES - FINGERPRINT_BYTES)


async def seal_change(keyring: Keyring, signing: KeyPair, draft: Draft, random: Random) -> Change:
    """Seal and sign one change in the current epoch."""
    [change] = await seal_changes(keyring, signing, [draft], random)
    return change


async def seal_changes(keyring: Keyring, signing: KeyPair, drafts: Sequence[Draft], random: Random) -> list[Change]:
    """Seal and sign changes in the current epoch."""
    changes: list[Change] = []
    for start in range(0, len(drafts), BATCH):
        changes += await _seal_batch(keyring, signing, drafts[start : start + BATCH], random)
    return changes


async def renew_changes(keyring: Keyring, signing: KeyPair, changes: Sequence[Change], random: Random) -> list[Change]:
    """Seal changes of this device's own, whose keys are all held, anew in the current epoch."""
    opened = await keyring.primitives.open([await _sealed(keyring, change) for change in changes])
    epoch = keyring.current
    plains: list[Plain] = []
    for change, plaintext in zip(changes, opened, strict=True):
        assert plaintext is not None, "a change of this device's own opens"
        content_key = await keyring.content_key(epoch, change.header.author)
        plains.append(Plain(content_key, random(NONCE_BYTES), plaintext, change.bound))
    parts = [(change.header, change.commit, change.id) for change in changes]
    return await _enveloped(keyring, signing, parts, plains)


async def open_change(keyring: Keyring, change: Change, public: bytes) -> Opened:
    """Verify and open one change, whose author's certificate has this signing key."""
    [body] = await open_changes(keyring, [Received(change, public)])
    return body


async def open_changes(keyring: Keyring, received: Sequence[Received]) -> list[Opened]:
    """Verify and open changes; the answers stand in their order."""
    bodies: list[Opened] = []
    for start in range(0, len(received), BATCH):
        bodies += await _open_batch(keyring, received[start : start + BATCH])
    return bodies


@dataclass(frozen=True, slots=True)
class Unsigned(Rejected):
    """Bytes that the change's author never signed: whoever passed them on has changed or made them, and a true copy may come yet."""


async def _seal_batch(keyring: Keyring, signing: KeyPair, drafts: Sequence[Draft], random: Random) -> list[Change]:
    epoch = keyring.current
    commit_key = await keyring.commit_key(epoch)
    plains: list[Plain] = []
    parts: list[tuple[Header, bytes, bytes]] = []
    for draft in drafts:
        header, body = draft.header.encode(), draft.body.encode()
        assert draft.header.notebook == keyring.notebook, "a change is sealed with its own notebook's keys"
        assert draft.header.tag == keyring.tag(draft.body.note), "a change's tag is its note's"
        assert draft.header.author[:FINGERPRINT_BYTES] == fingerprint_of(signing.public), (
            "an author signs with its device"
        )
        commit = hmac.digest(commit_key, commit_input(header, body), "sha256")
        content_key = await keyring.content_key(epoch, draft.header.author)
        plains.append(Plain(content_key, random(NONCE_BYTES), packed(body), header + commit))
        parts.append((draft.header, commit, change_id(header, commit)))
    return await _enveloped(keyring, signing, parts, plains)


async def _enveloped(
    keyring: Keyring, signing: KeyPair, parts: Sequence[tuple[Header, bytes, bytes]], plains: Sequence[Plain]
) -> list[Change]:
    """Seal what is laid out, and sign it: `parts` are header, commit and id of each."""
    epoch = keyring.current
    ciphertexts = await keyring.primitives.seal(plains)
    signed = [
        signed_bytes(id, epoch, plain.nonce, ciphertext)
        for (_, _, id), plain, ciphertext in zip(parts, plains, ciphertexts, strict=True)
    ]
    signatures = await keyring.primitives.sign(signing.private, signed)
    return [
        Change(header, commit, epoch, plain.nonce, ciphertext, signature)
        for (header, commit, _), plain, ciphertext, signature in zip(
            parts, plains, ciphertexts, signatures, strict=True
        )
    ]


async def _open_batch(keyring: Keyring, received: Sequence[Received]) -> list[Opened]:
    problems = [_problem(keyring, one) for one in received]
    fit = [one for one, problem in zip(received, problems, strict=True) if problem is None]
    commit_keys = [await keyring.commit_key(epoch) for epoch in reversed(keyring.epochs)]
    sealed = [await _sealed(keyring, one.change) for one in fit]
    verdicts, plaintexts = await asyncio.gather(
        keyring.primitives.verify([_signed(one) for one in fit]), keyring.primitives.open(sealed)
    )
    answers = iter(zip(fit, verdicts, plaintexts, strict=True))
    return [problem or _body(keyring, commit_keys, *next(answers)) for problem in problems]


def _problem(keyring: Keyring, one: Received) -> Rejected | Locked | None:
    """Refuse what needs no key to be refused."""
    header = one.change.header
    if header.notebook != keyring.notebook:
        return Rejected(f"{_name(one.change)} is of another notebook")
    if not one.change.has_body:
        return Rejected(f"{_name(one.change)} has no body")
    if header.author[:FINGERPRINT_BYTES] != fingerprint_of(one.public):
        return Rejected(f"{_name(one.change)} is not by the device whose key was given")
    return None if one.change.epoch in keyring.epochs else Locked(one.change.epoch)


def _body(
    keyring: Keyring, commit_keys: Sequence[bytes], one: Received, verified: bool, plaintext: bytes | None
) -> Body | Rejected:
    change = one.change
    if not verified:
        return Unsigned(f"{_name(change)} is not signed by its author's device")
    if plaintext is None:
        return Rejected(f"{_name(change)} does not open: its header, nonce or ciphertext was changed")
    body_bytes = unpacked(plaintext)
    if isinstance(body_bytes, Rejected):
        return Rejected(f"{_name(change)}: {body_bytes.reason}")
    covered = commit_input(change.header.encode(), body_bytes)
    if not any(hmac.compare_digest(hmac.digest(key, covered, "sha256"), change.commit) for key in commit_keys):
        return Rejected(f"{_name(change)} has a commit that does not fit its body")
    body = decode_body(body_bytes)
    if isinstance(body, Rejected):
        return Rejected(f"{_name(change)}: {body.reason}")
    if keyring.tag(body.note) != change.header.tag:
        return Rejected(f"{_name(change)} names a note that its tag does not stand for")
    return body


def _signed(one: Received) -> Signed:
    change = one.change
    return Signed(one.public, signed_bytes(change.id, change.epoch, change.nonce, change.ciphertext), change.signature)


async def _sealed(keyring: Keyring, change: Change) -> Sealed:
    content_key = await keyring.content_key(change.epoch, change.header.author)
    return Sealed(content_key, change.nonce, change.ciphertext, change.bound)


def _name(change: Change) -> str:
    return f"change {change.id.hex()[:8]} ({change.header.n} of author {change.header.author.hex()[:8]})"
