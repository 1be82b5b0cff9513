"""A new notebook's keys and first records, and the secrets that a device keeps of a notebook.

    root seed              32 random bytes; whoever has it is the notebook
    root signing key       HKDF(root seed, salt: empty, info: labelled("root-signing")), an Ed25519 seed
    root agreement key     HKDF(root seed, salt: empty, info: labelled("root-agreement")), an X25519 key
    device keys, epoch key, tag key      32 random bytes each, new for every notebook

    secrets      1   format: 2                 as kept; sealed at rest by whoever keeps them
                 16  notebook
                 1   1 if the root seed follows, else 0; then it, 32
                 64  signing key               private 32 ‖ public 32
                 64  agreement key             private 32 ‖ public 32
                 32  certificate               id of this device's record
                 32  tag key
                 2   count of epochs, big-endian, at least 1, then each: id 32 ‖ key 32; the newest last

1. The root seed stays on the device that made the notebook. No link, invite or frame carries it.
2. The first records are root, certificate of this device as owner, first epoch, each after the one before; the root
   signs all three, and the epoch's keys are wrapped to the device and to the root.
3. Only what no record gives is kept: the keys of later epochs are opened from the records again (`epochs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from carryon_sync.formats.octets import Cursor, Malformed, labelled, u16
from carryon_sync.formats.records import ROOT, Certificate, Epoch, Record, Role, Root, Says, notebook_of
from carryon_sync.formats.rejected import Rejected

from carryon.crypto.device_names import FIRST_EPOCH, seal_name
from carryon.crypto.keyring import EpochKey, Keyring
from carryon.crypto.primitives import KEY_BYTES, KeyPair, Primitives, Random
from carryon.crypto.wrapping import EPOCH_WRAP, FORMAT, wrap

SECRETS_FORMAT = 2
TRIAL_FORMAT = 1
PERSON_BYTES = 16


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a device keeps of a notebook, for itself alone."""

    notebook: bytes
    root: bytes | None = field(repr=False)
    signing: KeyPair
    agreement: KeyPair
    certificate: bytes
    tag_key: bytes = field(repr=False)
    epochs: tuple[EpochKey, ...]

    def keyring(self, primitives: Primitives) -> Keyring:
        """Open the keys for use."""
        return Keyring(primitives, self.notebook, self.tag_key, self.epochs)

    def encode(self) -> bytes:
        """Write the secrets as kept."""
        pairs = self.signing.private + self.signing.public + self.agreement.private + self.agreement.public
        epochs = u16(len(self.epochs)) + b"".join(epoch.epoch + epoch.key for epoch in self.epochs)
        root = b"\0" if self.root is None else b"\1" + self.root
        return bytes([SECRETS_FORMAT]) + self.notebook + root + pairs + self.certificate + self.tag_key + epochs


@dataclass(frozen=True, slots=True)
class Created:
    """A new notebook: what to keep, and what to publish."""

    secrets: Secrets
    records: tuple[Record, ...]


async def create_notebook(primitives: Primitives, device_name: str, random: Random) -> Created:
    """Make a notebook whose one device is this; `device_names.check_name` is content with the name."""
    seed = random(KEY_BYTES)
    root_signing, root_agreement = await root_keys(primitives, seed)
    signing, agreement = await new_device_keys(primitives, random)
    tag_key, epoch_key = random(KEY_BYTES), random(KEY_BYTES)
    notebook = notebook_of(root_signing.public)

    root = await signed_record(
        primitives, root_signing, notebook, (), ROOT, Root(root_signing.public, root_agreement.public)
    )

    name = await seal_name(primitives, notebook, FIRST_EPOCH, epoch_key, signing.public, device_name, random)
    says = Certificate(signing.public, agreement.public, Role.OWNER, random(PERSON_BYTES), name)
    certificate = await first_certificate(primitives, root_signing, notebook, (root.id,), ROOT, says, signing)

    keys = bytes([FORMAT]) + epoch_key + tag_key
    to_root = await wrap(primitives, EPOCH_WRAP, notebook, ROOT, root_agreement.public, keys, random)
    to_device = await wrap(primitives, EPOCH_WRAP, notebook, certificate.id, agreement.public, keys, random)
    first = Epoch((), (), (), (to_root, to_device))
    epoch = await signed_record(primitives, root_signing, notebook, (certificate.id,), ROOT, first)

    epochs = (EpochKey(epoch.id, epoch_key),)
    secrets = Secrets(notebook, seed, signing, agreement, certificate.id, tag_key, epochs)
    return Created(secrets, (root, certificate, epoch))


async def signed_record(
    primitives: Primitives, signing: KeyPair, notebook: bytes, after: Sequence[bytes], issuer: bytes, says: Says
) -> Record:
    """Write a record signed by the issuer's key."""
    record = Record(notebook, tuple(sorted(after)), issuer, says)
    [signature] = await primitives.sign(signing.private, [record.signed])
    return replace(record, signature=signature)


async def first_certificate(
    primitives: Primitives,
    issuer_key: KeyPair,
    notebook: bytes,
    after: Sequence[bytes],
    issuer: bytes,
    says: Certificate,
    device: KeyPair,
) -> Record:
    """Write the first certificate of a device, signed by the issuer's key and by the device's own."""
    unproved = Record(notebook, tuple(sorted(after)), issuer, says)
    [proof] = await primitives.sign(device.private, [unproved.proved])
    return await signed_record(primitives, issuer_key, notebook, after, issuer, replace(says, proof=proof))


async def root_keys(primitives: Primitives, seed: bytes) -> tuple[KeyPair, KeyPair]:
    """Derive the root's signing and agreement keys."""
    signing = await primitives.derive(seed, b"", labelled("root-signing"))
    agreement = await primitives.derive(seed, b"", labelled("root-agreement"))
    return await key_pairs(primitives, signing, agreement)


async def new_device_keys(primitives: Primitives, random: Random) -> tuple[KeyPair, KeyPair]:
    """Make a device's signing and agreement keys."""
    return await key_pairs(primitives, random(KEY_BYTES), random(KEY_BYTES))


async def key_pairs(primitives: Primitives, signing: bytes, agreement: bytes) -> tuple[KeyPair, KeyPair]:
    """Add the public halves to private keys."""
    return (
        KeyPair(signing, await primitives.signing_public(signing)),
        KeyPair(agreement, await primitives.agreement_public(agreement)),
    )


def decode_secrets(data: bytes) -> Secrets | Rejected:
    """Read secrets as kept."""
    cursor = Cursor(data)
    try:
        form = cursor.u8("format")
        if form == TRIAL_FORMAT:
            return Rejected(
                "it was written by an early trial release, in a form that this one does not read. Nothing of it was changed"
            )
        if form != SECRETS_FORMAT:
            return Rejected(
                f"format {form} of a notebook's keys is not known here: a newer release wrote it, update this one"
            )
        notebook, has_root = cursor.take(16, "notebook"), cursor.u8("root seed's presence")
        if has_root not in (0, 1):
            raise Malformed(f"the root seed is there (1) or not (0), not {has_root}")
        root = cursor.take(KEY_BYTES, "root seed") if has_root else None
        signing, agreement = _pair(cursor, "signing key"), _pair(cursor, "agreement key")
        certificate, tag_key = cursor.take(32, "certificate"), cursor.take(KEY_BYTES, "tag key")
        count = cursor.u16("count of epochs")
        if not count:
            raise Malformed("there is no epoch")
        epochs = tuple(EpochKey(cursor.take(32, "epoch"), cursor.take(KEY_BYTES, "epoch key")) for _ in range(count))
        cursor.end()
    except Malformed as fault:
        return Rejected(f"the keys of this notebook are damaged: {fault}")
    return Secrets(notebook, root, signing, agreement, certificate, tag_key, epochs)


def _pair(cursor: Cursor, what: str) -> KeyPair:
    return KeyPair(cursor.take(KEY_BYTES, what), cursor.take(KEY_BYTES, what))
