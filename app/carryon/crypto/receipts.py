"""A receipt is a device's sealed word to the other devices of how far it holds a relay's log, and of what it makes of it.

    receipt      1   format: 2                 in clear
                 16  notebook
                 32  certificate               id of the record of the device that gives it
                 32  epoch                     id of the record of the epoch that it is sealed in
                 12  nonce                     random
                 64  signature                 Ed25519, the device, over labelled("receipt", notebook, certificate,
                                               epoch, nonce, SHA-256(ciphertext))
                 …   ciphertext                AES-256-GCM under the receipt key of epoch and certificate (`keyring`),
                                               associated data: format ‖ notebook ‖ certificate ‖ epoch

    plaintext    1   format: 2
                 16  log                       id of the relay's log
                 8   sequence                  all of that log up to here is stored and durable on the device
                 32  running                   the running hash of the log at that sequence
                 32  mark                      the running hash at the greatest multiple of 64 up to there
                 8   changes                   held by the device in all, from wherever
                 4   waiting                   changes that wait for one they build on
                 4   quarantined               changes that did not open
                 8   time                      ms since 1970, signed, by the device's clock: for people only
                 1   count of notes, then each, ascending by tag:
                     16 tag · 32 heads         SHA-256 of the note's heads, links ascending by author
                     32 content                SHA-256 of its text and fields at these heads (`carryon.notes`)
                 …   zeros                     to a multiple of 256

Integers are big-endian. The relay keeps the newest of each device and reads none. One that hands out an old one shows
less than there is, never more. Two devices that have the same heads of a note and another content have diverged; the notes
named are those that changed last, at most `NOTES_MAX`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from carryon_sync.formats.change import Link
from carryon_sync.formats.octets import Cursor, Malformed, ascending, i64, labelled, u32, u64
from carryon_sync.formats.rejected import Rejected

from carryon.crypto.keyring import Keyring
from carryon.crypto.primitives import NONCE_BYTES, SIGNATURE_BYTES, TAG_BYTES, KeyPair, Plain, Random, Sealed, Signed

FORMAT = 2
NOTES_MAX = 32
_PADDING_STEP = 256
_HEAD_BYTES = 1 + 16 + 32 + 32 + NONCE_BYTES + SIGNATURE_BYTES + TAG_BYTES
_BYTES_MAX = _HEAD_BYTES + 12 * _PADDING_STEP


@dataclass(frozen=True, slots=True)
class NoteDigest:
    """What a device makes of a note at some heads."""

    tag: bytes
    heads: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a device says of itself."""

    log: bytes
    sequence: int
    running: bytes
    mark: bytes
    changes: int
    waiting: int
    quarantined: int
    time: int
    notes: tuple[NoteDigest, ...] = ()


async def seal_receipt(
    keyring: Keyring, signing: KeyPair, certificate: bytes, receipt: Receipt, random: Random
) -> bytes:
    """Seal and sign a receipt of the device with this certificate."""
    epoch, nonce = keyring.current, random(NONCE_BYTES)
    key = await keyring.receipt_key(epoch, certificate)
    head = bytes([FORMAT]) + keyring.notebook + certificate + epoch
    [ciphertext] = await keyring.primitives.seal([Plain(key, nonce, _encode(receipt), head)])
    message = _signed_bytes(keyring.notebook, certificate, epoch, nonce, ciphertext)
    [signature] = await keyring.primitives.sign(signing.private, [message])
    return head + nonce + signature + ciphertext


def certificate_in(data: bytes) -> bytes | Rejected:
    """Give the certificate whose signing key `open_receipt` needs."""
    if not _HEAD_BYTES < len(data) <= _BYTES_MAX or data[0] != FORMAT:
        return Rejected(f"not a receipt that is known here: format {data[:1].hex() or 'none'}, {len(data)} bytes")
    return data[17:49]


async def open_receipt(keyring: Keyring, data: bytes, public: bytes) -> Receipt | Rejected:
    """Verify and open a receipt of the device with this signing key."""
    certificate = certificate_in(data)
    if isinstance(certificate, Rejected):
        return certificate
    cursor = Cursor(data)
    head = cursor.take(81, "head")
    nonce, signature, ciphertext = cursor.take(NONCE_BYTES, "nonce"), cursor.take(64, "signature"), cursor.rest()
    notebook, epoch = head[1:17], head[49:81]
    if notebook != keyring.notebook:
        return Rejected("this receipt is of another notebook")
    if epoch not in keyring.epochs:
        return Rejected(f"this receipt is sealed in epoch {epoch.hex()[:8]}, whose key is not held here")
    message = _signed_bytes(notebook, certificate, epoch, nonce, ciphertext)
    [verified] = await keyring.primitives.verify([Signed(public, message, signature)])
    if not verified:
        return Rejected("this receipt is not signed by its device")
    key = await keyring.receipt_key(epoch, certificate)
    [plaintext] = await keyring.primitives.open([Sealed(key, nonce, ciphertext, head)])
    return Rejected("this receipt does not open") if plaintext is None else _decode(plaintext)


def _signed_bytes(notebook: bytes, certificate: bytes, epoch: bytes, nonce: bytes, ciphertext: bytes) -> bytes:
    return labelled("receipt", notebook, certificate, epoch, nonce, hashlib.sha256(ciphertext).digest())


def heads_digest(heads: Iterable[Link]) -> bytes:
    """Return the digest of a note's heads."""
    ordered = sorted(heads, key=lambda link: link.author)
    return hashlib.sha256(b"".join(link.author + u64(link.n) + link.id for link in ordered)).digest()


def _encode(receipt: Receipt) -> bytes:
    assert len(receipt.notes) <= NOTES_MAX, f"a receipt names at most {NOTES_MAX} notes"
    plaintext = b"".join(
        (
            bytes([FORMAT]),
            receipt.log,
            u64(receipt.sequence),
            receipt.running,
            receipt.mark,
            u64(receipt.changes),
            u32(receipt.waiting),
            u32(receipt.quarantined),
            i64(receipt.time),
            bytes([len(receipt.notes)]),
            *(one.tag + one.heads + one.content for one in sorted(receipt.notes, key=lambda one: one.tag)),
        )
    )
    return plaintext + bytes(-len(plaintext) % _PADDING_STEP)


def _decode(plaintext: bytes) -> Receipt | Rejected:
    cursor = Cursor(plaintext)
    try:
        form = cursor.u8("format")
        if form != FORMAT:
            return Rejected(f"format {form} of a receipt is not known here: a newer release wrote it, update this one")
        receipt = Receipt(
            log=cursor.take(16, "log"),
            sequence=cursor.u64("sequence"),
            running=cursor.take(32, "running hash"),
            mark=cursor.take(32, "mark"),
            changes=cursor.u64("changes"),
            waiting=cursor.u32("waiting"),
            quarantined=cursor.u32("quarantined"),
            time=cursor.i64("time"),
            notes=tuple(_note(cursor) for _ in range(cursor.u8("count of notes"))),
        )
        ascending([one.tag for one in receipt.notes], "notes")
        padding = cursor.rest()
        if padding.strip(b"\0") or len(padding) >= _PADDING_STEP or len(receipt.notes) > NOTES_MAX:
            raise Malformed(f"{len(receipt.notes)} notes and {len(padding)} bytes behind them")
    except Malformed as fault:
        return Rejected(f"not a receipt: {fault}")
    return receipt


def _note(cursor: Cursor) -> NoteDigest:
    return NoteDigest(cursor.take(16, "tag"), cursor.take(32, "heads"), cursor.take(32, "content"))
