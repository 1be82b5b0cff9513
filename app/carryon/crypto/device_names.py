"""A device's name, sealed in its certificate: members read it, the relay does not.

    name         1   format: 1
                 32  epoch                     id of the epoch's record; zeros for the first epoch, whose record does
                                               not exist yet when the first certificate is signed: every key is tried
                 12  nonce                     random
                 …   ciphertext                AES-256-GCM under the name key (`keyring`), associated data:
                                               labelled("name", notebook, epoch, signing key of the device)
    plaintext    2   length, big-endian, then the name in UTF-8, then zeros to a multiple of 64

A name is one printable line of at most `NAME_BYTES_MAX` bytes; others are refused when written and when read.
"""

from __future__ import annotations

from carryon_sync.formats.octets import Cursor, Malformed, labelled, u16
from carryon_sync.formats.records import Certificate
from carryon_sync.formats.rejected import Rejected

from carryon.crypto.keyring import Keyring, name_key
from carryon.crypto.primitives import NONCE_BYTES, Plain, Primitives, Random, Sealed

FORMAT = 1
NAME_BYTES_MAX = 256
FIRST_EPOCH = bytes(32)

_PADDING_STEP = 64
_ZERO_WIDTH_JOINER = "\u200d"  # It holds emoji together; Python calls it unprintable.


def check_name(name: str) -> Rejected | None:
    """Refuse what cannot be a device's name."""
    length = len(name.encode("utf-8", "surrogatepass"))
    if length > NAME_BYTES_MAX:
        return Rejected(f"the device's name has {length} bytes, the limit is {NAME_BYTES_MAX}: shorten it")
    if not name.strip():
        return Rejected("the device's name is empty: give it one, like Phone")
    if not all(character.isprintable() or character == _ZERO_WIDTH_JOINER for character in name):
        return Rejected("the device's name has characters that cannot be shown: leave them out")
    return None


async def seal_name(
    primitives: Primitives,
    notebook: bytes,
    epoch: bytes,
    epoch_key: bytes,
    public: bytes,
    name: str,
    random: Random,
) -> bytes:
    """Seal the name of the device with this signing key; `check_name` is content with the name."""
    text = name.encode()
    plaintext = u16(len(text)) + text
    plaintext += bytes(-len(plaintext) % _PADDING_STEP)
    key, nonce = await name_key(primitives, notebook, epoch_key), random(NONCE_BYTES)
    [ciphertext] = await primitives.seal([Plain(key, nonce, plaintext, labelled("name", notebook, epoch, public))])
    return bytes([FORMAT]) + epoch + nonce + ciphertext


async def open_name(keyring: Keyring, certificate: Certificate) -> str | Rejected:
    """Open the name in a certificate."""
    cursor = Cursor(certificate.name)
    try:
        form = cursor.u8("format")
        if form != FORMAT:
            return Rejected(f"format {form} of a device's name is not known here: a newer release wrote it")
        named, nonce = cursor.take(32, "epoch"), cursor.take(NONCE_BYTES, "nonce")
        ciphertext = cursor.rest()
    except Malformed as fault:
        return Rejected(f"not a device's name: {fault}")
    epochs = keyring.epochs if named == FIRST_EPOCH else (named,)
    if not set(epochs) <= set(keyring.epochs):
        return Rejected(f"the device's name is of epoch {named.hex()[:8]}, whose key is not held here")
    associated = labelled("name", keyring.notebook, named, certificate.signing)
    keys = [await keyring.name_key(epoch) for epoch in epochs]
    opened = await keyring.primitives.open([Sealed(key, nonce, ciphertext, associated) for key in keys])
    plaintext = next((one for one in opened if one is not None), None)
    return Rejected("the device's name does not open") if plaintext is None else _decode(plaintext)


def _decode(plaintext: bytes) -> str | Rejected:
    cursor = Cursor(plaintext)
    try:
        name = cursor.take(cursor.u16("length"), "name").decode()
    except (Malformed, UnicodeDecodeError) as fault:
        return Rejected(f"not a device's name: {fault}")
    return check_name(name) or name
