"""docs/protocol.md names every frame, every refusal and every limit as the code has it."""

from __future__ import annotations

import re
from pathlib import Path

from carryon_sync.formats import change, members, records
from carryon_sync.protocol import codec, frames
from carryon_sync.protocol.closing import Closing
from carryon_sync.relay import admission, audience, door, reception, room
from carryon_sync.server import connection, doors, gate, rooms, settings

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "protocol.md").read_text()


def test_every_frame_is_named() -> None:
    missing = [name for name in codec._READERS if f"`{name}`" not in PAGE]

    assert missing == []


def test_every_refusal_and_every_close_code_is_named() -> None:
    sources = "".join(Path(module.__file__ or "").read_text() for module in (admission, reception, room))
    codes = set(re.findall(r'(?:NotLetIn|Error)\("([a-z-]+)"', sources))
    assert len(codes) > 8

    own = {str(code.value) for code in Closing}
    assert {code for code in codes if f"`{code}`" not in PAGE} | {code for code in own if code not in PAGE} == set()


def test_every_file_it_points_to_is_there() -> None:
    for path in re.findall(r"`(sync_worker/[a-z_/.]+)`", PAGE):
        assert (ROOT / path).is_file(), path


def test_the_limits_are_those_of_the_code() -> None:
    limits = " ".join(PAGE.split("## Limits")[1].split())
    for number, unit in (
        (frames.FRAME_BYTES_MAX >> 20, "MiB, in parts of"),
        (frames.PART_BYTES >> 10, "KiB, and a line"),
        (frames.LINE_BYTES_MAX >> 10, "KiB; a change"),
        (change.CHANGE_BYTES_MAX >> 20, "MiB; a body"),
        (change.BODY_BYTES_MAX >> 20, "MiB; a members' record"),
        (records.RECORD_BYTES_MAX >> 10, "KiB, and a notebook"),
        (members.RECORDS_MAX, "of them"),
        (members.OTHERS_RECORDS_MAX, "by its owners only"),
        (frames.RECEIPT_BYTES_MAX >> 10, "KiB; a batch"),
        (frames.ITEMS_MAX, "items"),
        (audience.WINDOW_BYTES >> 20, "MiB may be pushed"),
        (codec.BRACKETS_MAX, "opening brackets"),
        (frames.WANTS_MAX, "tags"),
        (frames.WANTED_NUMBERS_MAX, "numbers of chains"),
        (door.DOOR_FRAME_BYTES_MAX >> 10, "KiB, 36"),
        (door.DOOR_BYTES_MAX >> 20, "MiB and 10,000 records altogether"),
        (audience.DOOR_MS // 3_600_000, "hours is hung up"),
        (door.MEMBERS_BYTES_MAX >> 20, "MiB together"),
        (rooms.UNPROVEN_BYTES_MAX >> 20, "MiB of records may wait"),
        (door.CONNECTIONS_MAX, "let into a notebook"),
        (door.DOOR_CONNECTIONS_MAX, "at its door"),
        (doors.CONNECTIONS_MAX, "to a relay"),
        (doors.ADDRESS_CONNECTIONS_MAX, "of them from one address"),
        (doors.ADDRESS_DOOR_MAX, "WebSockets of an address"),
        (connection.STRANGER_BUFFER_BYTES_MAX >> 20, "MiB before the hello, 32"),
        (connection.BUFFER_BYTES_MAX >> 20, "MiB after it; beyond"),
        (doors.STRANGER_UNREAD_BYTES_MAX >> 20, "MiB before the hello, a frame"),
        ((doors.GUEST_UNREAD_BYTES_MAX - frames.FRAME_BYTES_MAX) >> 20, "MiB after it"),
        (doors.ADDRESS_UNREAD_BYTES_MAX >> 20, "MiB of one address"),
        (doors.UNREAD_BYTES_MAX >> 20, "MiB of all"),
        (gate.REQUEST_SECONDS_MAX, "s. Pace"),
        (doors.MESSAGES_A_SECOND, "messages a second"),
        (doors.MESSAGES_AT_ONCE, "at once on a connection"),
    ):
        assert f"{number:,} {unit}" in limits, (number, unit)
    shares = (1 / doors.ADDRESS_SHARE, doors.GUESTS_SHARE, doors.STRANGERS_SHARE)
    assert shares == (1 / 4, 1 / 2, 1 / 4), "a quarter, half and a quarter, as the page says"


def test_every_setting_is_named_in_the_readme() -> None:
    """What a relay can be told, and where that is said."""
    readme = (ROOT / "README.md").read_text()
    told = Path(settings.__file__ or "").read_text()
    options = set(re.findall(r'"--(origin|trusted-proxy|site|data)"|option\("(site|data)"', told))

    assert {name for pair in options for name in pair if name and f"--{name}" not in readme} == set()
    assert {"CARRYON_ORIGIN", "CARRYON_TRUSTED_PROXY"} <= set(re.findall(r"CARRYON_[A-Z_]+", readme))
