"""The rules of the primitives: published vectors, refusals, batches."""

from __future__ import annotations

from dataclasses import replace

from carryon.crypto.primitives import Plain, Sealed, Signed

from tests.crypto.bench import Bench, drawn, rule

# RFC 8032, 7.1, tests 2 and 3.
_ED25519 = (
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)
# RFC 7748, 6.1.
_ALICE = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
_ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
_BOB = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
_BOB_PUBLIC = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
_SHARED = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
# The GCM specification's test case 16.
_GCM = Plain(
    key=bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2),
    nonce=bytes.fromhex("cafebabefacedbaddecaf888"),
    plaintext=bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    ),
    associated=bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
)
_GCM_CIPHERTEXT = (
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    "76fc6ece0f4e1768cddf8853bb2d551b"
)


@rule
async def signatures_are_those_of_rfc_8032(bench: Bench) -> None:
    """Public key and signature of the published vectors, made and verified."""
    for private, public, message, signature in (map(bytes.fromhex, vector) for vector in _ED25519):
        assert await bench.primitives.signing_public(private) == public
        assert await bench.primitives.sign(private, [message]) == [signature]
        assert await bench.primitives.verify([Signed(public, message, signature)]) == [True]


@rule
async def a_signature_with_any_bit_flipped_verifies_nothing(bench: Bench) -> None:
    """Signature, message and public key, every bit of each."""
    _, public, message, signature = map(bytes.fromhex, _ED25519[1])
    right = Signed(public, message, signature)
    wrong = [replace(right, signature=flipped) for flipped in bench.flips(signature)]
    wrong += [replace(right, message=flipped) for flipped in bench.flips(message)]
    wrong += [replace(right, public=flipped) for flipped in bench.flips(public)]

    verdicts = await bench.primitives.verify([*wrong, right])

    assert verdicts == [False] * len(wrong) + [True]


@rule
async def points_of_small_order_verify_nothing(bench: Bench) -> None:
    """With the neutral element as key and R, and s = 0, any message would verify where nobody looks."""
    neutral = (1).to_bytes(32, "little")
    questions = [Signed(neutral, message, neutral + bytes(32)) for message in (b"", b"any")]

    assert await bench.primitives.verify(questions) == [False, False]


@rule
async def keys_and_signatures_of_other_lengths_verify_nothing(bench: Bench) -> None:
    """Bytes from outside may have any length."""
    _, public, message, signature = map(bytes.fromhex, _ED25519[0])
    publics = [b"", public[:31], public + b"\0"]
    signatures = [b"", signature[:63], signature + b"\0"]
    questions = [Signed(wrong, message, signature) for wrong in publics]
    questions += [Signed(public, message, wrong) for wrong in signatures]

    assert await bench.primitives.verify(questions) == [False] * 6


@rule
async def agreement_is_that_of_rfc_7748(bench: Bench) -> None:
    """Both sides of the published vector come to its secret."""
    alice, bob = bytes.fromhex(_ALICE), bytes.fromhex(_BOB)
    alice_public, bob_public = bytes.fromhex(_ALICE_PUBLIC), bytes.fromhex(_BOB_PUBLIC)

    assert await bench.primitives.agreement_public(alice) == alice_public
    assert await bench.primitives.agreement_public(bob) == bob_public
    assert await bench.primitives.agree(alice, bob_public) == bytes.fromhex(_SHARED)
    assert await bench.primitives.agree(bob, alice_public) == bytes.fromhex(_SHARED)


@rule
async def agreement_refuses_points_of_small_order(bench: Bench) -> None:
    """A secret of zeros, that anybody could know, is no secret; other lengths are no keys."""
    for public in (bytes(32), (1).to_bytes(32, "little"), bytes(31), bytes(33), b""):
        assert await bench.primitives.agree(bytes.fromhex(_ALICE), public) is None


@rule
async def derivation_is_that_of_rfc_5869(bench: Bench) -> None:
    """Tests 1 and 3, their first 32 bytes."""
    secret = b"\x0b" * 22
    first = await bench.primitives.derive(secret, bytes(range(13)), bytes(range(0xF0, 0xFA)))
    third = await bench.primitives.derive(secret, b"", b"")

    assert first.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    assert third.hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


@rule
async def encryption_is_that_of_the_gcm_specification(bench: Bench) -> None:
    """Test case 16, sealed and opened."""
    [ciphertext] = await bench.primitives.seal([_GCM])

    assert ciphertext.hex() == _GCM_CIPHERTEXT
    sealed = Sealed(_GCM.key, _GCM.nonce, ciphertext, _GCM.associated)
    assert await bench.primitives.open([sealed]) == [_GCM.plaintext]


@rule
async def a_ciphertext_with_any_bit_flipped_does_not_open(bench: Bench) -> None:
    """Key, nonce, ciphertext with its tag, associated data, every bit of each."""
    right = Sealed(_GCM.key, _GCM.nonce, bytes.fromhex(_GCM_CIPHERTEXT), _GCM.associated)
    wrong = [replace(right, ciphertext=flipped) for flipped in bench.flips(right.ciphertext)]
    wrong += [replace(right, nonce=flipped) for flipped in bench.flips(right.nonce)]
    wrong += [replace(right, associated=flipped) for flipped in bench.flips(right.associated)]
    wrong += [replace(right, key=flipped) for flipped in bench.flips(right.key)]

    opened = await bench.primitives.open([*wrong, right])

    assert opened == [None] * len(wrong) + [_GCM.plaintext]


@rule
async def a_ciphertext_cut_short_does_not_open(bench: Bench) -> None:
    """At every length, and with a nonce of every other length."""
    right = Sealed(_GCM.key, _GCM.nonce, bytes.fromhex(_GCM_CIPHERTEXT), _GCM.associated)
    wrong = [replace(right, ciphertext=right.ciphertext[:length]) for length in range(len(right.ciphertext))]
    wrong += [replace(right, nonce=right.nonce[:length]) for length in range(12)]

    assert await bench.primitives.open(wrong) == [None] * len(wrong)


@rule
async def a_batch_answers_in_order_whatever_its_keys(bench: Bench) -> None:
    """More keys than an adapter keeps objects of, good and bad by turns, none at all."""
    random = drawn("batch")
    plains = [Plain(random(32), random(12), f"number {number}".encode(), b"") for number in range(600)]
    ciphertexts = await bench.primitives.seal(plains)
    sealeds = [
        Sealed(plain.key, plain.nonce, ciphertext, b"bad" if number % 3 == 0 else b"")
        for number, (plain, ciphertext) in enumerate(zip(plains, ciphertexts, strict=True))
    ]

    opened = await bench.primitives.open(sealeds)

    expected = [None if number % 3 == 0 else plain.plaintext for number, plain in enumerate(plains)]
    assert opened == expected
    assert await bench.primitives.open(sealeds[:2]) == expected[:2]
    for empty in (bench.primitives.open([]), bench.primitives.seal([]), bench.primitives.sign(bytes(32), [])):
        assert await empty == []
    assert await bench.primitives.verify([]) == []
