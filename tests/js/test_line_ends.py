"""Windows line ends: every key does to a note that has them what it does to any."""

import pytest

from .test_editor import Sheet, open_tab, sheet

__all__ = ["open_tab", "sheet"]


@pytest.mark.parametrize(
    ("text", "caret", "keys"),
    [
        ("ab\n\ncd\nef\n", 1, "Alt+ArrowDown"),
        ("ab\n\ncd\nef\n", 5, "Alt+ArrowUp"),
        ("ab\ncd", 1, "Alt+ArrowDown"),
        ("ab\ncd\n", 1, "Shift+Alt+ArrowDown"),
        ("ab\ncd", 4, "Shift+Alt+ArrowUp"),
        ("ab\ncd", 4, "Shift+Alt+ArrowDown"),
        ("ab\n\ncd\nef\n", 5, "Control+Shift+K"),
        ("ab\ncd\nef\n", 4, "Control+Shift+K"),
        ("ab\ncd\nef\n", 1, "Control+Shift+K"),
        ("ab\ncd", 4, "Control+Shift+K"),
        ("ab\n\ncd\n", 3, "Control+Shift+K"),
        ("ab\n\n  cd\nef\n", 5, "Control+a Control+[ ArrowRight"),
        ("ab\n\ncd\n", 1, "Control+a Control+] ArrowRight"),
        ("ab\ncd\nef\n", 4, "Control+/"),
        ("ab\ncd\nef\n", 4, "Control+/ Control+/"),
        ("ab\ncd\nef\n", 4, "Alt+A"),
        ("ab\ncd\nef\n", 1, "Control+Enter"),
        ("ab  \ncd\n", 4, "Control+Delete"),
        ("ab\n\ncd\n", 3, "Control+Delete"),
        ("ab\n  cd\n", 5, "Control+Backspace"),
        ("ab\ncd\n", 3, "Control+Backspace"),
        ("ab\ncd\n", 1, "End Delete"),
        ("ab  \n", 2, "Enter"),
        ("ab\ncd", 4, "Alt+ArrowUp"),
        ("ab\n\ncd\n", 3, "Enter"),
        ("ab\n  \ncd\n", 5, "Enter"),
        ("ab\n\ncd\n", 3, "Control+Enter"),
        ("ab  \ncd\n", 2, "Control+Delete"),
        ("ab\n\ncd\n", 1, "Shift+ArrowDown Shift+ArrowDown Enter"),
        ("abcdef\nab\nabcdef\n", 5, "ArrowDown"),
        ("abcdef\nab\nabcdef\n", 5, "ArrowDown ArrowDown"),
        ("abcdef\n\n\nabcdef\n", 5, "ArrowDown ArrowDown"),
        ("abcdef\n\n\nabcdef\n", 12, "ArrowUp ArrowUp ArrowUp"),
        ("ab\n\ncd\n", 1, "Shift+ArrowDown"),
        ("ab\ncd\n", 1, "End End"),
        ("ab\ncd\n", 1, "End ArrowRight"),
        ("ab\ncd\n", 2, "Control+ArrowRight"),
        ("ab\n\ncd\n", 4, "ArrowLeft ArrowLeft"),
        ("ab\n\ncd\n", 2, "Shift+ArrowRight Shift+ArrowRight"),
        ("ab\n\ncd\n", 0, "PageDown"),
    ],
)
def test_a_key_does_to_windows_line_ends_what_it_does_to_any(sheet: Sheet, text: str, caret: int, keys: str) -> None:
    """No key joins two lines, drops an empty one, or parts a pair, only because the lines end as they do in Windows."""
    expected = pressed(sheet, text, caret, keys)

    pressed(sheet, text.replace("\n", "\r\n"), caret + text.count("\n", 0, caret), keys)

    sheet.settled(expected.replace("\n", "\r\n"))


def pressed(sheet: Sheet, text: str, caret: int, keys: str) -> str:
    """Press keys in a new note, and return what stands there then, with a sign where the caret is."""
    sheet.open(text)
    sheet.place_caret(caret)
    for key in keys.split():
        sheet.page.keyboard.press(key)
    sheet.page.keyboard.type("^")
    return str(sheet.shown())
