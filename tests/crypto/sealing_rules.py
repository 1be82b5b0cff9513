"""The rules of what is sealed: golden bytes, every flipped bit refused, no part fits into another thing."""

from __future__ import annotations

import hmac
import itertools
from dataclasses import replace

from carryon.crypto.device_names import open_name
from carryon.crypto.keyring import EpochKey, Keyring
from carryon.crypto.receipts import open_receipt, seal_receipt
from carryon.crypto.sealing import Locked, Received, open_change, open_changes, renew_changes, seal_change, seal_changes
from carryon_sync.formats.change import Body, Change, decode_change, signed_bytes
from carryon_sync.formats.octets import labelled
from carryon_sync.formats.records import Certificate, decode_record
from carryon_sync.formats.rejected import Rejected

from tests.crypto.bench import NOTE, Bench, draft, drawn, notebook, rule
from tests.crypto.golden import RECEIPT, golden, golden_draft


@rule
async def every_derivation_and_seal_has_the_golden_bytes(bench: Bench) -> None:
    """Fixed seeds give fixed bytes: so each adapter opens what the other sealed, and old files stay readable."""
    made = await golden(bench)

    assert made.keys() == bench.golden.keys()
    for name, value in made.items():
        assert value == bench.golden[name], f"{name} is {value}, was {bench.golden[name]}"


@rule
async def a_key_is_derived_as_the_module_says(bench: Bench) -> None:
    """The content key, by HKDF written out with the standard library."""
    created, keyring = await notebook(bench)
    epoch, author = created.secrets.epochs[0], bytes(range(16))
    info = b"carryon/content-key/1\0\0\0\x20" + epoch.epoch + b"\0\0\0\x10" + author

    extracted = hmac.digest(keyring.notebook, epoch.key, "sha256")
    expected = hmac.digest(extracted, info + b"\1", "sha256")

    assert info == labelled("content-key", epoch.epoch, author)
    assert await keyring.content_key(epoch.epoch, author) == expected


@rule
async def a_sealed_change_opens_to_its_body(bench: Bench) -> None:
    """By whoever holds the keyring and the author's certificate."""
    created, keyring = await notebook(bench)
    public = created.secrets.signing.public
    change = decode_change(bytes.fromhex(bench.golden["change"]))
    assert isinstance(change, Change)

    assert await open_change(keyring, change, public) == golden_draft(keyring, public).body


@rule
async def a_change_with_any_bit_flipped_is_refused(bench: Bench) -> None:
    """Id, epoch, nonce, signature, header, ciphertext: every bit, in words, and the rest of the batch opens."""
    created, keyring = await notebook(bench)
    public = created.secrets.signing.public
    right = bytes.fromhex(bench.golden["change"])
    changes = [change for change in map(decode_change, [*bench.flips(right), right]) if isinstance(change, Change)]

    *wrong, body = await open_changes(keyring, [Received(change, public) for change in changes])

    assert len(wrong) > 0.97 * len(bench.flips(right)), (
        "hardly any flip may be refused by the layout alone, before it is opened"
    )
    assert all(isinstance(refusal, Rejected | Locked) for refusal in wrong)
    assert isinstance(body, Body)


@rule
async def no_part_of_a_change_fits_into_another(bench: Bench) -> None:
    """G6: header, tag, author, n, prev, nonce, ciphertext, signature, id or epoch of one change in another: refused."""
    created, keyring = await notebook(bench)
    public = created.secrets.signing.public
    first = draft(keyring, public)
    drafts = [
        first,
        draft(keyring, public, note=bytes([1]) * 16),
        draft(keyring, public, author="another"),
        draft(keyring, public, updates=(b"another text",)),
        draft(keyring, public, n=2, prev=bytes([5]) * 32),
    ]
    changes = await seal_changes(keyring, created.secrets.signing, drafts, drawn("swaps"))

    swapped: list[Change] = []
    for one, other in itertools.permutations(changes, 2):
        swapped += [replace(one, header=other.header), replace(one, header=other.header, commit=other.commit)]
        swapped += [replace(one, nonce=other.nonce), replace(one, signature=other.signature)]
        swapped += [replace(one, ciphertext=other.ciphertext), replace(one, commit=other.commit)]
        swapped += [replace(one, ciphertext=other.ciphertext, nonce=other.nonce)]
        swapped += [replace(one, ciphertext=other.ciphertext, nonce=other.nonce, signature=other.signature)]
        swapped += [replace(one, ciphertext=one.ciphertext[:-16] + other.ciphertext[-16:])]
        swapped += [replace(one, header=replace(one.header, tag=other.header.tag))]
        swapped += [replace(one, header=replace(one.header, author=other.header.author))]
        swapped += [replace(one, header=replace(one.header, n=other.header.n, prev=other.header.prev))]
    swapped = [change for change in swapped if change not in changes]
    answers = await open_changes(keyring, [Received(change, public) for change in [*swapped, *changes]])

    assert len(swapped) > 150
    assert all(isinstance(answer, Rejected) for answer in answers[: len(swapped)])
    assert answers[len(swapped) :] == [draft.body for draft in drafts]


@rule
async def a_resigned_change_still_does_not_open_elsewhere(bench: Bench) -> None:
    """G6: even the author's own device cannot move a ciphertext under another header, id or epoch by signing again."""
    created, keyring = await notebook(bench)
    signing = created.secrets.signing
    second = EpochKey(bytes([2]) * 32, drawn("second")(32))
    both = Keyring(bench.primitives, keyring.notebook, created.secrets.tag_key, (*created.secrets.epochs, second))
    change = await seal_change(keyring, signing, draft(keyring, signing.public), drawn("one"))
    other = await seal_change(keyring, signing, draft(keyring, signing.public, author="two"), drawn("two"))
    moved = [
        replace(change, header=replace(change.header, n=2, prev=bytes([1]) * 32)),
        replace(change, header=replace(change.header, tag=keyring.tag(bytes(16)))),
        replace(change, header=other.header),
        replace(change, header=other.header, commit=other.commit),
        replace(change, commit=other.commit),
        replace(change, epoch=second.epoch),
    ]
    resigned = [
        replace(one, signature=(await bench.primitives.sign(signing.private, [_signed(one)]))[0]) for one in moved
    ]

    answers = await open_changes(both, [Received(one, signing.public) for one in [*resigned, change]])

    assert all(isinstance(answer, Rejected) for answer in answers[:-1])
    assert isinstance(answers[-1], Body)


@rule
async def a_change_of_another_notebook_epoch_or_device_is_refused(bench: Bench) -> None:
    """Each with words that say which of these it is."""
    created, keyring = await notebook(bench)
    other, other_keyring = await notebook(bench, "another notebook")
    signing = created.secrets.signing
    change = await seal_change(keyring, signing, draft(keyring, signing.public), drawn("one"))

    of_notebook = await open_change(other_keyring, change, signing.public)
    of_epoch = await open_change(keyring, replace(change, epoch=other_keyring.current), signing.public)
    of_device = await open_change(keyring, change, other.secrets.signing.public)

    assert "another notebook" in _words(of_notebook)
    assert of_epoch == Locked(other_keyring.current)
    assert "not by the device" in _words(of_device)


@rule
async def a_commit_of_an_earlier_epoch_is_good_in_a_later_envelope(bench: Bench) -> None:
    """DATA 3: an envelope may be renewed, the change stays the same, so every epoch's commit key is tried."""
    created, keyring = await notebook(bench)
    signing, first = created.secrets.signing, created.secrets.epochs[0]
    second = EpochKey(bytes([2]) * 32, drawn("second")(32))
    both = Keyring(bench.primitives, keyring.notebook, created.secrets.tag_key, (first, second))
    late = Keyring(bench.primitives, keyring.notebook, created.secrets.tag_key, (second,))
    one = draft(keyring, signing.public)
    change = await seal_change(keyring, signing, one, drawn("one"))
    both.write_in(second.epoch)

    [renewed] = await renew_changes(both, signing, [change], drawn("renewed"))

    assert renewed.id == change.id
    assert renewed.epoch == second.epoch
    assert await open_change(both, renewed, signing.public) == one.body
    assert "commit" in _words(await open_change(late, renewed, signing.public))


@rule
async def a_note_that_does_not_belong_to_its_tag_is_refused(bench: Bench) -> None:
    """An editor cannot put one note's text under another note's tag."""
    created, keyring = await notebook(bench)
    signing = created.secrets.signing
    one = draft(keyring, signing.public)
    wrong_tags = _WrongTags(bench.primitives, keyring.notebook, created.secrets.tag_key, created.secrets.epochs)

    change = await seal_change(wrong_tags, signing, replace(one, body=replace(one.body, note=bytes(16))), drawn("one"))

    assert "tag" in _words(await open_change(keyring, change, signing.public))


@rule
async def a_receipt_opens_for_members_and_with_no_bit_flipped(bench: Bench) -> None:
    """The golden one, then every flip of it, then under another device's key and another notebook's."""
    created, keyring = await notebook(bench)
    _, other_keyring = await notebook(bench, "another notebook")
    public = created.secrets.signing.public
    right = bytes.fromhex(bench.golden["receipt"])

    assert await open_receipt(keyring, right, public) == RECEIPT
    for flipped in bench.flips(right):
        assert isinstance(await open_receipt(keyring, flipped, public), Rejected)
    assert "not signed" in _words(await open_receipt(keyring, right, bytes([9]) * 32))
    assert "another notebook" in _words(await open_receipt(other_keyring, right, public))
    assert isinstance(await open_receipt(keyring, right[:-1], public), Rejected)


@rule
async def a_receipt_sealed_again_is_other_bytes_and_says_the_same(bench: Bench) -> None:
    """Each seal has its own nonce."""
    created, keyring = await notebook(bench)
    secrets, random = created.secrets, drawn("receipts")

    one = await seal_receipt(keyring, secrets.signing, secrets.certificate, RECEIPT, random)
    two = await seal_receipt(keyring, secrets.signing, secrets.certificate, RECEIPT, random)

    assert one != two
    assert await open_receipt(keyring, two, secrets.signing.public) == RECEIPT


@rule
async def a_device_name_opens_for_members_and_for_its_own_key_only(bench: Bench) -> None:
    """The two golden certificates; a name moved to another certificate, or with a bit flipped, does not open."""
    _, keyring = await notebook(bench)
    laptop, phone = (decode_record(bytes.fromhex(bench.golden[name])) for name in ("certificate", "joined-certificate"))
    assert not isinstance(laptop, Rejected)
    assert not isinstance(phone, Rejected)
    laptop, phone = laptop.says, phone.says
    assert isinstance(laptop, Certificate)
    assert isinstance(phone, Certificate)

    assert await open_name(keyring, laptop) == "Laptop"
    assert await open_name(keyring, phone) == "Phone"
    assert isinstance(await open_name(keyring, replace(phone, name=laptop.name)), Rejected)
    for flipped in bench.flips(laptop.name):
        assert isinstance(await open_name(keyring, replace(laptop, name=flipped)), Rejected)


@rule
async def what_rests_opens_for_its_purpose_and_key_only(bench: Bench) -> None:
    """Another purpose, another device, any flipped bit, any cut: None."""
    sealed = await bench.at_rest.seal("journal", b"words")

    assert await bench.at_rest.open("journal", sealed) == b"words"
    assert sealed != await bench.at_rest.seal("journal", b"words")
    assert await bench.at_rest.open("secrets", sealed) is None
    assert await bench.other_at_rest.open("journal", sealed) is None
    for broken in [*bench.flips(sealed), *(sealed[:length] for length in range(len(sealed)))]:
        assert await bench.at_rest.open("journal", broken) is None


class _WrongTags(Keyring):
    """A keyring of somebody who gives every note the tag of one."""

    def tag(self, note: bytes) -> bytes:
        return super().tag(NOTE)


def _words(answer: object) -> str:
    assert isinstance(answer, Rejected), f"{answer} was not refused"
    return answer.reason


def _signed(change: Change) -> bytes:
    return signed_bytes(change.id, change.epoch, change.nonce, change.ciphertext)
