"""The bytes of format 2 from fixed seeds, made by the adapter under test: what `tests/vectors/crypto-2.json` holds.

`python -m tests.crypto.golden` prints them. The file was written once: formats are final, a difference is a fault.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from carryon.crypto.invites import invite_keys, join, make_invite
from carryon.crypto.join_link import encode_link
from carryon.crypto.notebook_keys import root_keys
from carryon.crypto.primitives import Primitives
from carryon.crypto.receipts import NoteDigest, Receipt, seal_receipt
from carryon.crypto.sealing import Draft, seal_change
from carryon.crypto.wrapping import wrap
from carryon_sync.formats.members import Members
from carryon_sync.formats.records import Record, Role
from carryon_sync.formats.rejected import Rejected

from tests.crypto.bench import NOTE, Bench, draft, drawn, notebook

if TYPE_CHECKING:
    from carryon.crypto.keyring import Keyring
    from carryon.crypto.notebook_keys import Created

PREV = bytes([5]) * 32
RECORDS = ("root", "certificate", "epoch")
NOTES = (NoteDigest(bytes([7]) * 16, bytes([8]) * 32, bytes([9]) * 32),)
RECEIPT = Receipt(bytes([1]) * 16, 2, bytes([3]) * 32, bytes(32), 4, 5, 6, 1_700_000_000_456, NOTES)


async def golden(bench: Bench) -> dict[str, str]:
    """Make every derivation and every sealed thing of format 2."""
    created, keyring = await notebook(bench)
    return {
        **await _derivations(bench.primitives, created, keyring),
        **await _sealed(created, keyring),
        **await _joining(bench.primitives, created),
    }


def golden_draft(keyring: Keyring, public: bytes) -> Draft:
    """Give what the golden change says: the second of its chain, so that its layout lets any number and prev pass."""
    return draft(keyring, public, n=2, prev=PREV)


async def _derivations(primitives: Primitives, created: Created, keyring: Keyring) -> dict[str, str]:
    secrets, epoch = created.secrets, keyring.current
    assert secrets.root is not None
    signing, agreement = await root_keys(primitives, secrets.root)
    wrapped = await wrap(primitives, "epoch-wrap", bytes(16), bytes(32), agreement.public, b"secret", drawn("wrap"))
    return {
        "notebook": keyring.notebook.hex(),
        "secrets": secrets.encode().hex(),
        "root-signing": signing.private.hex(),
        "root-signing-public": signing.public.hex(),
        "root-agreement": agreement.private.hex(),
        "root-agreement-public": agreement.public.hex(),
        "tag": keyring.tag(NOTE).hex(),
        "commit-key": (await keyring.commit_key(epoch)).hex(),
        "content-key": (await keyring.content_key(epoch, bytes(range(16)))).hex(),
        "receipt-key": (await keyring.receipt_key(epoch, secrets.certificate)).hex(),
        "name-key": (await keyring.name_key(epoch)).hex(),
        "wrap": (wrapped.ephemeral + wrapped.sealed).hex(),
    }


async def _sealed(created: Created, keyring: Keyring) -> dict[str, str]:
    signing = created.secrets.signing
    change = await seal_change(keyring, signing, golden_draft(keyring, signing.public), drawn("change"))
    receipt = await seal_receipt(keyring, signing, created.secrets.certificate, RECEIPT, drawn("receipt"))
    return {
        **{name: record.encode().hex() for name, record in zip(RECORDS, created.records, strict=True)},
        "change": change.encode().hex(),
        "receipt": receipt.hex(),
    }


async def _joining(primitives: Primitives, created: Created) -> dict[str, str]:
    members = held(*created.records)
    invited = await make_invite(
        primitives,
        created.secrets,
        members.good_tips(),
        created.secrets.epochs[-1],
        Role.OWNER,
        person=bytes([4]) * 16,
        expires=1_800_000_000_000,
        uses=1,
        relay="https://notes.example:8443/base",
        random=drawn("invite"),
    )
    members.add(invited.record)
    keys = await invite_keys(primitives, invited.link)
    joined = await join(primitives, keys, members, "Phone", drawn("join"))
    assert not isinstance(joined, Rejected), joined.reason
    return {
        "invite": invited.record.encode().hex(),
        "invite-signing": keys.signing.private.hex(),
        "invite-agreement": keys.agreement.private.hex(),
        "link": encode_link("https://notes.example/app/", invited.link),
        "joined-certificate": joined.certificate.encode().hex(),
        "joined-secrets": joined.secrets.encode().hex(),
    }


def held(*records: Record) -> Members:
    """Hold these records, in this order."""
    members = Members(records[0].notebook)
    for record in records:
        members.add(record)
    return members


if __name__ == "__main__":
    from tests.crypto.test_contract import BENCH

    print(json.dumps(asyncio.run(golden(BENCH)), indent=1))
