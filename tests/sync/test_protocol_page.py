"""docs/protocol.md names every frame, every refusal and every limit as the code has it."""

from __future__ import annotations

import re
from pathlib import Path

from carryon_sync.formats import change, members, records
from carryon_sync.protocol import codec, frames
from carryon_sync.protocol.closing import Closing
from carryon_sync.relay import admission, room
from carryon_sync.server import app

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "protocol.md").read_text()


def test_every_frame_is_named() -> None:
    missing = [name for name in codec._READERS if f"`{name}`" not in PAGE]

    assert missing == []


def test_every_refusal_and_every_close_code_is_named() -> None:
    sources = "".join(Path(module.__file__ or "").read_text() for module in (admission, room))
    codes = set(re.findall(r'(?:NotLetIn|Error)\("([a-z-]+)"', sources))
    assert len(codes) > 8

    own = {str(code.value) for code in Closing if code is not Closing.NORMAL}
    assert {code for code in codes if f"`{code}`" not in PAGE} | {code for code in own if code not in PAGE} == set()


def test_every_file_it_points_to_is_there() -> None:
    for path in re.findall(r"`(sync_worker/[a-z_/.]+)`", PAGE):
        assert (ROOT / path).is_file(), path


def test_the_limits_are_those_of_the_code() -> None:
    limits = PAGE.split("## Limits")[1]
    for number, unit in (
        (frames.FRAME_BYTES_MAX >> 20, "MiB"),
        (frames.LINE_BYTES_MAX >> 10, "KiB"),
        (change.CHANGE_BYTES_MAX >> 20, "MiB"),
        (change.BODY_BYTES_MAX >> 20, "MiB"),
        (records.RECORD_BYTES_MAX >> 10, "KiB"),
        (members.RECORDS_MAX, "of them"),
        (frames.RECEIPT_BYTES_MAX >> 10, "KiB"),
        (frames.ITEMS_MAX, "items"),
        (room.WINDOW_BYTES >> 20, "MiB"),
        (room.CONNECTIONS_MAX, "connections to a notebook"),
        (app.CONNECTIONS_MAX, "to a relay"),
    ):
        assert f"{number:,} {unit}" in limits, (number, unit)
