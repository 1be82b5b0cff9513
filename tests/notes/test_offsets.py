"""Offsets between UTF-8 bytes, code points and UTF-16 units."""

import pytest
from carryon.notes.offsets import BadOffset, point_of_utf8, point_of_utf16, utf8_of_point, utf16_of_point
from hypothesis import given
from hypothesis import strategies as st


@given(st.text(), st.data())
def test_every_place_has_one_offset_in_each_unit(text: str, data: st.DataObject) -> None:
    """Converting counts what lies before the place, and converting back returns to it."""
    point = data.draw(st.integers(0, len(text)))

    utf8, utf16 = utf8_of_point(text, point), utf16_of_point(text, point)

    assert utf8 == len(text[:point].encode())
    assert utf16 == len(text[:point].encode("utf-16-le")) // 2
    assert point_of_utf8(text, utf8) == point_of_utf16(text, utf16) == point


@pytest.mark.parametrize("text", ["abc", "a😀"])
@pytest.mark.parametrize("convert", [utf8_of_point, utf16_of_point, point_of_utf8, point_of_utf16])
def test_a_place_outside_of_the_text_is_refused(convert: object, text: str) -> None:
    """An offset past either end is an error, never the end."""
    assert callable(convert)
    for offset in (-1, 20):
        with pytest.raises(BadOffset, match=str(offset)):
            convert(text, offset)


def test_a_place_inside_a_character_is_refused() -> None:
    """An offset between the bytes or the surrogates of one character is an error."""
    for offset in (2, 3, 4):
        with pytest.raises(BadOffset, match="inside"):
            point_of_utf8("a😀b", offset)
    with pytest.raises(BadOffset, match="inside"):
        point_of_utf16("a😀b", 2)
