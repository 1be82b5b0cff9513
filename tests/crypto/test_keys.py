"""What needs no adapter: the curve's small points, device names, the bound on derived keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from carryon.crypto import keyring as keyring_module
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon.crypto.device_names import check_name
from carryon.crypto.keyring import EpochKey, Keyring
from carryon.crypto.notebook_keys import Secrets
from carryon.crypto.primitives import KeyPair, Signed, may_verify
from carryon_sync.formats.rejected import Rejected

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
PRIME_ORDER = 2**252 + 27742317777372353535851937790883648493

Point = tuple[int, int]


def _sum(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def _times(number: int, point: Point) -> Point:
    product: Point = (0, 1)
    while number:
        if number & 1:
            product = _sum(product, point)
        point, number = _sum(point, point), number >> 1
    return product


def _points() -> Iterator[Point]:
    """Go through points of the curve -x² + y² = 1 + D x² y²."""
    for y in range(2, P):
        square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        x = pow(square, (P + 3) // 8, P)
        for candidate in (x, x * pow(2, (P - 1) // 4, P) % P):
            if candidate * candidate % P == square:
                yield candidate, y


def _spellings_of_small_order() -> set[bytes]:
    """Work out every 32 bytes that name one of the eight points whose order divides 8."""
    of_order_8 = next(
        small for small in (_times(PRIME_ORDER, point) for point in _points()) if _times(4, small) != (0, 1)
    )
    points = {_times(number, of_order_8) for number in range(8)}
    assert len(points) == 8
    ys = {y for _, y in points} | {y + P for _, y in points if y + P < 2**255}
    return {(y | sign << 255).to_bytes(32, "little") for y in ys for sign in (0, 1)}


def test_every_spelling_of_a_point_of_small_order_is_refused() -> None:
    """Worked out from the curve; as a key and as the first half of a signature."""
    spellings = _spellings_of_small_order()

    assert len(spellings) == 14
    for point in spellings:
        assert not may_verify(Signed(point, b"", bytes([9]) * 64))
        assert not may_verify(Signed(bytes([9]) * 32, b"", point + bytes(32)))
    assert may_verify(Signed(bytes([9]) * 32, b"", bytes([9]) * 64))


@pytest.mark.parametrize("name", ["Phone", "Anna’s laptop", "телефон", "👩‍💻", "x" * 256])
def test_names_that_people_give_are_taken(name: str) -> None:
    """Any script, emoji too."""
    assert check_name(name) is None


@pytest.mark.parametrize("name", ["", "  ", "x" * 257, "é" * 129, "two\nlines", "\0", "a\u202eb", "\ud800"])
def test_names_that_cannot_be_shown_are_refused(name: str) -> None:
    """Empty, too long, several lines, turned round, half a character."""
    assert isinstance(check_name(name), Rejected)


async def test_derived_keys_are_bounded_and_come_back_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook of many authors does not fill memory."""
    keyring = Keyring(CryptographyPrimitives(), bytes(16), bytes(32), (EpochKey(bytes(32), bytes(32)),))
    limit = keyring_module.DERIVED_KEYS_MAX
    authors = [number.to_bytes(16, "big") for number in range(limit + 10)]

    keys = [await keyring.content_key(keyring.current, author) for author in authors]

    assert len(set(keys)) == len(authors)
    assert len(keyring._derived) == limit
    assert await keyring.content_key(keyring.current, authors[0]) == keys[0]


def test_secrets_do_not_show_in_a_printed_value() -> None:
    """A traceback or a log line says which keys, never what they are."""
    pair = KeyPair(b"private-signing", b"public")
    epochs = (EpochKey(b"epoch", b"epoch-key"),)
    secrets = Secrets(
        b"notebook", b"root-seed", pair, KeyPair(b"private-agreement", b"public"), b"", b"tag-key", epochs
    )

    shown = repr(secrets)

    assert "notebook" in shown
    for secret in ("private-signing", "private-agreement", "root-seed", "tag-key", "epoch-key"):
        assert secret not in shown
