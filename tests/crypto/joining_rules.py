"""The rules of a new notebook, its records, invites and joining."""

from __future__ import annotations

from dataclasses import replace

from carryon.crypto.invites import Invited, Joined, invite_keys, join, make_invite
from carryon.crypto.keyring import EpochKey, Keyring
from carryon.crypto.notebook_keys import Created, Secrets, decode_secrets, root_keys
from carryon.crypto.primitives import Signed
from carryon.crypto.sealing import open_change, seal_change
from carryon.crypto.wrapping import EPOCH_WRAP, INVITE_WRAP, unwrap
from carryon_sync.formats.change import Body
from carryon_sync.formats.members import Members, SignedBy
from carryon_sync.formats.records import Epoch, Invite, Record, Role, wraps_hash
from carryon_sync.formats.rejected import Rejected

from tests.crypto.bench import Bench, draft, drawn, notebook, rule
from tests.crypto.golden import held


@rule
async def a_new_notebook_s_records_are_in_order_from_the_root_down(bench: Bench) -> None:
    """Each record is accepted after the one before, signed by the key that the graph asks for."""
    created, _ = await notebook(bench)

    members = await _verified(bench, *created.records)

    assert members.may_write(created.secrets.certificate)
    assert members.get(created.secrets.certificate) == created.records[1]
    assert members.epochs() == (created.secrets.epochs[0].epoch,)


@rule
async def the_first_epoch_opens_for_the_device_and_for_the_root(bench: Bench) -> None:
    """From the root seed alone the keys come back; to anybody else the wraps say nothing."""
    created, _ = await notebook(bench)
    secrets = created.secrets
    assert secrets.root is not None
    _, root_agreement = await root_keys(bench.primitives, secrets.root)
    keys = b"\1" + secrets.epochs[0].key + secrets.tag_key
    epoch = created.records[2].says
    assert isinstance(epoch, Epoch)
    by_recipient = {wrap.recipient: wrap for wrap in epoch.wraps}
    to_device, to_root = by_recipient[secrets.certificate], by_recipient[bytes(32)]

    for wrap, own, other in (
        (to_device, secrets.agreement, root_agreement),
        (to_root, root_agreement, secrets.agreement),
    ):
        assert await unwrap(bench.primitives, EPOCH_WRAP, secrets.notebook, wrap, own) == keys
        assert await unwrap(bench.primitives, EPOCH_WRAP, secrets.notebook, wrap, other) is None
        assert await unwrap(bench.primitives, INVITE_WRAP, secrets.notebook, wrap, own) is None
        assert await unwrap(bench.primitives, EPOCH_WRAP, bytes(16), wrap, own) is None
        for flipped in bench.flips(wrap.ephemeral + wrap.sealed):
            broken = replace(wrap, ephemeral=flipped[:32], sealed=flipped[32:])
            assert await unwrap(bench.primitives, EPOCH_WRAP, secrets.notebook, broken, own) is None


@rule
async def secrets_read_back_and_refuse_what_they_are_not(bench: Bench) -> None:
    """G2: what is kept is verified by reading it back; any cut and any addition is refused in words."""
    created, _ = await notebook(bench)
    for secrets in (created.secrets, replace(created.secrets, root=None)):
        kept = secrets.encode()

        assert decode_secrets(kept) == secrets
        for broken in (*(kept[:length] for length in range(len(kept))), kept + b"\0", b"\3" + kept[1:]):
            assert isinstance(decode_secrets(broken), Rejected)
        trial = decode_secrets(b"\1" + kept[1:])
        assert isinstance(trial, Rejected)
        assert "early trial release" in trial.reason


@rule
async def a_device_joins_by_the_link_and_each_reads_the_other(bench: Bench) -> None:
    """With the inviter away: link and records are enough, and the root stays behind."""
    created, keyring = await notebook(bench)
    invite, members = await invited(bench, created)

    phone_joined = await joined(bench, invite, members)
    await add_verified(bench, members, phone_joined.certificate)
    phone = phone_joined.secrets.keyring(bench.primitives)
    from_phone = await seal_change(
        phone, phone_joined.secrets.signing, draft(phone, phone_joined.secrets.signing.public), drawn("p")
    )
    from_laptop = await seal_change(
        keyring, created.secrets.signing, draft(keyring, created.secrets.signing.public), drawn("l")
    )

    assert phone_joined.secrets.root is None
    assert members.may_write(phone_joined.secrets.certificate)
    assert phone.tag(bytes(16)) == keyring.tag(bytes(16))
    for reader, change in ((keyring, from_phone), (phone, from_laptop)):
        certificate = members.certificate_of(change.header.author)
        assert certificate is not None
        assert isinstance(await open_change(reader, change, certificate.signing), Body)


@rule
async def an_invitation_joins_only_where_it_was_made_and_while_it_lasts(bench: Bench) -> None:
    """Not known, used up, keys forgotten, keys changed since: each is refused with words and the way out."""
    created, _ = await notebook(bench)
    invite, members = await invited(bench, created)
    keys = await invite_keys(bench.primitives, invite.link)
    unknown = await invite_keys(bench.primitives, replace(invite.link, seed=bytes(32)))
    forgotten = held(*created.records, invite.record.forgotten())
    before_epoch = replace(invite.record, after=(created.secrets.certificate,))
    without_epoch = held(*created.records[:2], before_epoch)

    refusals = [
        await join(bench.primitives, unknown, members, "Phone", drawn("a")),
        await join(bench.primitives, keys, forgotten, "Phone", drawn("b")),
        await join(bench.primitives, keys, without_epoch, "Phone", drawn("c")),
    ]
    await add_verified(bench, members, (await joined(bench, invite, members)).certificate)
    refusals.append(await join(bench.primitives, keys, members, "Phone", drawn("d")))

    for refusal, words in zip(refusals, ("does not know", "are gone", "were changed", "for 1 devices"), strict=True):
        assert isinstance(refusal, Rejected)
        assert words in refusal.reason
        assert "ask for a new invitation" in refusal.reason


@rule
async def an_invitation_s_keys_with_any_bit_flipped_do_not_open(bench: Bench) -> None:
    """Whoever passes the record on cannot put other keys into it unseen."""
    created, _ = await notebook(bench)
    invite, _ = await invited(bench, created)
    keys = await invite_keys(bench.primitives, invite.link)
    [wrap] = invite.record.wraps

    for flipped in bench.flips(wrap.ephemeral + wrap.sealed):
        wraps = (replace(wrap, ephemeral=flipped[:32], sealed=flipped[32:]),)
        assert isinstance(invite.record.says, Invite)
        says = replace(invite.record.says, wraps_hash=wraps_hash(wraps))
        members = held(*created.records, replace(invite.record, says=says, wraps=wraps))
        assert isinstance(await join(bench.primitives, keys, members, "Phone", drawn("x")), Rejected)


async def invited(bench: Bench, created: Created) -> tuple[Invited, Members]:
    """Invite one device to a new notebook."""
    members = await _verified(bench, *created.records)
    return await invited_to(bench, created.secrets, created.secrets.keyring(bench.primitives), members), members


async def invited_to(bench: Bench, secrets: Secrets, keyring: Keyring, members: Members) -> Invited:
    """Invite one device as the device with these secrets, in the epoch that it writes in."""
    key = keyring.key_of(keyring.current)
    assert key is not None
    made = await make_invite(
        bench.primitives,
        secrets,
        members.good_tips(),
        EpochKey(keyring.current, key),
        Role.OWNER,
        person=bytes([4]) * 16,
        expires=1_800_000_000_000,
        uses=1,
        relay="https://notes.example",
        random=drawn("invite"),
    )
    await add_verified(bench, members, made.record)
    return made


async def joined(bench: Bench, invite: Invited, members: Members) -> Joined:
    """Join by an invite; the certificate is not added yet."""
    keys = await invite_keys(bench.primitives, invite.link)
    device = await join(bench.primitives, keys, members, "Phone", drawn("join"))
    assert isinstance(device, Joined), device
    return device


async def _verified(bench: Bench, *records: Record) -> Members:
    members = Members(records[0].notebook)
    for record in records:
        await add_verified(bench, members, record)
    return members


async def add_verified(bench: Bench, members: Members, record: Record) -> None:
    """Add a record as a device would: checked, its signature verified by the adapter."""
    verdict = members.check(record)
    assert isinstance(verdict, SignedBy), verdict
    assert await bench.primitives.verify([Signed(verdict.public, record.signed, record.signature)]) == [True]
    members.add(record)
