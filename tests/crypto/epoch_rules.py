"""The rules of epochs: who stays reads everything, who is out reads nothing new, whatever was written beside it."""

from __future__ import annotations

from carryon.crypto.epochs import make_epoch, open_epochs
from carryon.crypto.keyring import Keyring
from carryon.crypto.notebook_keys import Secrets
from carryon.crypto.sealing import Locked, open_change, renew_changes, seal_change
from carryon_sync.formats.change import Body, Link
from carryon_sync.formats.members import Members
from carryon_sync.formats.records import Epoch, Frontier, FrontierHead, Invite, Record, fingerprint_of

from tests.crypto.bench import Bench, draft, drawn, notebook, rule
from tests.crypto.joining_rules import add_verified, invited, invited_to, joined

TAG = bytes([3]) * 16


@rule
async def who_stays_reads_on_and_who_is_out_reads_nothing_new(bench: Bench) -> None:
    """G4: the new key is wrapped to all who stay and to the root, and to nobody else."""
    laptop, keyring, members, phone, phone_keyring = await _two_devices(bench)

    made = await make_epoch(keyring, laptop, members, {phone.certificate: _heads(phone)}, drawn("epoch"))
    await _take(bench, members, made.records)
    await open_epochs(keyring, laptop, members)
    await open_epochs(phone_keyring, phone, members)
    change = await seal_change(keyring, laptop.signing, draft(keyring, laptop.signing.public), drawn("new"))

    assert keyring.current == made.key.epoch
    assert not members.may_connect(phone.certificate)
    assert isinstance(await open_change(keyring, change, laptop.signing.public), Body)
    assert await open_change(phone_keyring, change, laptop.signing.public) == Locked(made.key.epoch)


@rule
async def what_the_removed_device_had_written_is_named_by_hash(bench: Bench) -> None:
    """The epoch names frontier records, which hold the heads of that device's chains and of no other."""
    laptop, keyring, members, phone, _ = await _two_devices(bench)

    made = await make_epoch(keyring, laptop, members, {phone.certificate: _heads(phone)}, drawn("epoch"))
    await _take(bench, members, made.records)

    [frontier, epoch] = made.records
    assert isinstance(epoch.says, Epoch)
    assert isinstance(frontier.says, Frontier)
    assert epoch.says.out[0].frontiers == (frontier.id,)
    assert members.frontier(_author(phone), (phone.certificate,)) == {
        (TAG, _author(phone)): Link(_author(phone), 7, bytes([7]) * 32)
    }
    assert members.frontier(_author(laptop), members.good_tips()) is None


@rule
async def who_joins_after_many_epochs_opens_them_all(bench: Bench) -> None:
    """Each epoch has the keys of those that it follows, sealed under its own."""
    created, keyring = await notebook(bench)
    members = await _verified_notebook(bench, created.records)
    changes = []
    for number in range(3):
        changes.append(
            await seal_change(
                keyring, created.secrets.signing, draft(keyring, created.secrets.signing.public), drawn(f"{number}")
            )
        )
        made = await make_epoch(keyring, created.secrets, members, {}, drawn(f"epoch {number}"))
        await _take(bench, members, made.records)
        await open_epochs(keyring, created.secrets, members)
    _, phone_keyring = await _join(bench, created.secrets, keyring, members)

    assert set(phone_keyring.epochs) == set(keyring.epochs)
    assert phone_keyring.current == keyring.current
    for change in changes:
        assert isinstance(await open_change(phone_keyring, change, created.secrets.signing.public), Body)


@rule
async def two_epochs_beside_each_other_are_followed_by_one_over_both(bench: Bench) -> None:
    """Any owner writes it; its key is fresh, and both former keys are under it."""
    laptop, keyring, members, phone, phone_keyring = await _two_devices(bench)
    by_laptop = await make_epoch(keyring, laptop, members, {}, drawn("one"))
    by_phone = await make_epoch(phone_keyring, phone, members, {}, drawn("two"))
    await _take(bench, members, (*by_laptop.records, *by_phone.records))
    assert members.needs_epoch
    for secrets, ring in ((laptop, keyring), (phone, phone_keyring)):
        await open_epochs(ring, secrets, members)
    assert keyring.current == phone_keyring.current

    over_both = await make_epoch(phone_keyring, phone, members, {}, drawn("three"))
    await _take(bench, members, over_both.records)
    for secrets, ring in ((laptop, keyring), (phone, phone_keyring)):
        await open_epochs(ring, secrets, members)

    assert not members.needs_epoch
    assert keyring.current == phone_keyring.current == over_both.key.epoch
    assert set(keyring.epochs) == set(phone_keyring.epochs) == set(members.epochs())


@rule
async def an_epoch_ends_the_invites_that_hold_the_former_key(bench: Bench) -> None:
    """A link that was not used before is good for nothing after."""
    created, keyring = await notebook(bench)
    invite, members = await invited(bench, created)

    made = await make_epoch(keyring, created.secrets, members, {}, drawn("epoch"))
    await _take(bench, members, made.records)

    assert not members.uses_left(invite.record.id)


@rule
async def an_epoch_ends_also_the_invites_that_are_used_up(bench: Bench) -> None:
    """Who was put out still has the link by which it came."""
    laptop, keyring, members, phone, _ = await _two_devices(bench)

    made = await make_epoch(keyring, laptop, members, {phone.certificate: ()}, drawn("epoch"))
    await _take(bench, members, made.records)

    [invite] = [record.id for record in members.records() if isinstance(record.says, Invite)]
    assert members.is_ended(invite)


@rule
async def an_offline_device_renews_its_envelopes_and_its_changes_stay_what_they_are(bench: Bench) -> None:
    """SECURITY 2: changes are never refused for their epoch; who was out cannot open what leaves the device after it learned."""
    laptop, keyring, members, phone, phone_keyring = await _two_devices(bench)
    written = await seal_change(keyring, laptop.signing, draft(keyring, laptop.signing.public), drawn("offline"))
    made = await make_epoch(keyring, laptop, members, {phone.certificate: ()}, drawn("epoch"))
    await _take(bench, members, made.records)
    await open_epochs(keyring, laptop, members)

    [renewed] = await renew_changes(keyring, laptop.signing, [written], drawn("renewed"))

    assert renewed.id == written.id
    assert isinstance(await open_change(keyring, renewed, laptop.signing.public), Body)
    assert isinstance(await open_change(phone_keyring, renewed, laptop.signing.public), Locked)


def _author(secrets: Secrets) -> bytes:
    return fingerprint_of(secrets.signing.public) + bytes(8)


def _heads(secrets: Secrets) -> tuple[FrontierHead, ...]:
    return (FrontierHead(TAG, _author(secrets), 7, bytes([7]) * 32),)


async def _two_devices(bench: Bench) -> tuple[Secrets, Keyring, Members, Secrets, Keyring]:
    created, keyring = await notebook(bench)
    members = await _verified_notebook(bench, created.records)
    phone, phone_keyring = await _join(bench, created.secrets, keyring, members)
    return created.secrets, keyring, members, phone, phone_keyring


async def _join(bench: Bench, inviter: Secrets, keyring: Keyring, members: Members) -> tuple[Secrets, Keyring]:
    invite = await invited_to(bench, inviter, keyring, members)
    phone = await joined(bench, invite, members)
    await add_verified(bench, members, phone.certificate)
    ring = phone.secrets.keyring(bench.primitives)
    await open_epochs(ring, phone.secrets, members)
    return phone.secrets, ring


async def _verified_notebook(bench: Bench, records: tuple[Record, ...]) -> Members:
    members = Members(records[0].notebook)
    await _take(bench, members, records)
    return members


async def _take(bench: Bench, members: Members, records: tuple[Record, ...]) -> None:
    for record in records:
        await add_verified(bench, members, record)
