"""Keys: one order, whatever writes them."""

import pytest
from carryon.storage.keys import INTEGER_MAX, Key, beneath, decode_key, encode_key, order_of
from hypothesis import example, given
from hypothesis import strategies as st

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
keys: st.SearchStrategy[Key] = st.recursive(
    st.integers(-INTEGER_MAX, INTEGER_MAX) | texts | st.binary(max_size=6),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@given(keys, keys)
@example("\ufffd", "😀")
@example(b"a", b"a\x00")
@example(("a", 1), ("a\0",))
def test_encoded_keys_sort_as_keys_do(one: Key, other: Key) -> None:
    """SQLite's order of the encoded bytes is the order of keys."""
    assert (encode_key(one) < encode_key(other)) == (order_of(one) < order_of(other))
    assert (encode_key(one) == encode_key(other)) == (order_of(one) == order_of(other))


@given(keys)
def test_a_key_comes_back(key: Key) -> None:
    """What was encoded decodes to the same key of the same types."""
    decoded = decode_key(encode_key(key))

    assert decoded == key and repr(decoded) == repr(key)


@given(st.binary(max_size=40) | st.builds(bytes.__add__, keys.map(encode_key), st.binary(max_size=2)))
@example(b"\x04" * 100_000)
def test_other_bytes_are_no_key(data: bytes) -> None:
    """Any bytes decode to the one key that encodes to them, or to a ValueError."""
    try:
        key = decode_key(data)
    except ValueError:
        return
    assert encode_key(key) == data


@given(st.lists(texts | st.integers(0, 9), max_size=2).map(tuple), keys)
def test_beneath_a_prefix_lie_its_continuations(prefix: tuple[Key, ...], key: Key) -> None:
    """The range holds exactly the prefix and the tuples that begin with it and go on with something that is no tuple."""
    lower, upper = beneath(*prefix)
    inside = order_of(lower) <= order_of(key) <= order_of(upper)

    goes_on = isinstance(key, tuple) and key[: len(prefix)] == prefix and key != prefix
    if goes_on and isinstance(key, tuple) and not isinstance(key[len(prefix)], tuple):
        assert inside
    if inside:
        assert isinstance(key, tuple) and key[: len(prefix)] == prefix


@pytest.mark.parametrize("wrong", [True, INTEGER_MAX + 1, -INTEGER_MAX - 1, (1, False)])
def test_what_javascript_cannot_hold_is_no_key(wrong: Key) -> None:
    """Truth values and integers beyond 2⁵³ are refused by both orders."""
    with pytest.raises(AssertionError, match="not a key"):
        encode_key(wrong)
    with pytest.raises(AssertionError, match="not a key"):
        order_of(wrong)
