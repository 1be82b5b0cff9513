"""J12: what a person can write fits into a change, and a change fits wherever it has to go; the limits are derived from one another."""

from __future__ import annotations

import asyncio
from random import Random

from carryon.core.log.outgoing import UPDATES_BYTES_MAX, UPDATES_MAX
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon.crypto.notebook_keys import create_notebook
from carryon.crypto.sealing import Draft, Received, new_author, open_changes, seal_changes
from carryon.notebook.importing import file_bytes_max
from carryon.notebook.limits import body_bytes_max, folder_characters_max, title_characters_max, update_bytes_max
from carryon.notes.note import Note
from carryon_sync.formats.change import (
    BODY_BYTES_MAX,
    CHANGE_BYTES_MAX,
    NO_PREV,
    Body,
    Change,
    Header,
    Link,
    Seen,
    decode_change,
)
from carryon_sync.formats.running import MARK_STEP
from carryon_sync.protocol.codec import decode, encode
from carryon_sync.protocol.frames import FRAME_BYTES_MAX, Push

from tests.core.home import Home, holdings, opened, rule
from tests.simulation.virtual_loop import until

NEEDS = 4096
"""Authors that wrote in one note since this one's last change: more than a note ever has."""
NOISE = Random("noise")


def sealed(updates: tuple[bytes, ...]) -> tuple[Body, bytes]:
    """A change of these updates with very many needs, and what is opened of its bytes."""

    async def seal() -> tuple[Body, bytes]:
        primitives = CryptographyPrimitives()
        created = await create_notebook(primitives, "Laptop", NOISE.randbytes)
        keyring = created.secrets.keyring(primitives)
        author = new_author(created.secrets.signing.public, NOISE.randbytes)
        needs = tuple(Link(NOISE.randbytes(16), 1, NOISE.randbytes(32)) for _ in range(NEEDS))
        seen = tuple(Seen(NOISE.randbytes(16), MARK_STEP, NOISE.randbytes(32)) for _ in range(16))
        note = NOISE.randbytes(16)
        header = Header(keyring.notebook, keyring.tag(note), author, 1, NO_PREV)
        drafts = [Draft(header, Body(note, 0, 0, needs, seen, updates))]
        [change] = await seal_changes(keyring, created.secrets.signing, drafts, NOISE.randbytes)
        data = change.encode()
        decoded = decode_change(data)
        assert isinstance(decoded, Change)
        [body] = await open_changes(keyring, [Received(decoded, created.secrets.signing.public)])
        assert isinstance(body, Body)
        return body, data

    return asyncio.run(seal())


def test_the_longest_update_fits_into_a_change_and_a_frame_whatever_stands_in_it() -> None:
    """Noise is not made shorter by compressing it; padding and a very long list of needs are counted in."""
    update = NOISE.randbytes(update_bytes_max)

    body, data = sealed((update,))

    assert body.updates == (update,) and len(body.encode()) <= BODY_BYTES_MAX
    assert len(data) <= CHANGE_BYTES_MAX
    pushed = encode(Push((data,)))
    assert len(pushed) <= FRAME_BYTES_MAX and decode(pushed) == Push((data,))


def test_updates_folded_together_stay_below_what_one_of_them_may_have() -> None:
    """A batch is cut before it grows beyond; one that is longer alone goes alone."""
    assert update_bytes_max >= UPDATES_BYTES_MAX + UPDATES_MAX * 4


def test_the_longest_note_with_its_fields_is_one_update() -> None:
    """An import writes it so; and what is exported at any allowed length can be imported."""
    note = Note("0" * 26, 1)
    fields = {"title": "漢" * title_characters_max, "folder": "漢" * folder_characters_max, "source": "漢" * 65_536}

    update = note.write(1, body="x" * body_bytes_max, fields=fields)

    assert len(update) <= update_bytes_max
    assert file_bytes_max == body_bytes_max


@rule
async def test_many_edits_are_folded_into_changes_that_can_be_read(home: Home) -> None:
    """What waits for a fold together may be more than a change may have: it becomes several."""
    tab = await home.begin()
    await home.quiet(tab)
    note = tab.act("note.create")
    await until(lambda: tab.note == note, "it is open")
    alphabet = [chr(point) for point in range(0x4E00, 0x9000)]
    for _ in range(3):
        tab.type("".join(NOISE.choices(alphabet, k=800_000)))
    await until(lambda: tab.saved, "it is saved", 60.0)
    await home.quiet(tab)

    changes = [entry for entry in holdings(tab).entries("log") if len(entry.value) > 1_000_000]
    text = tab.text
    tab.crash()
    again = await home.tab(tab.worker.device.worker(), f"?note={note}")
    await until(lambda: again.note == note, "it is open again", 60.0)

    assert len(changes) >= 2 and all(len(entry.value) <= CHANGE_BYTES_MAX for entry in changes)
    assert again.text == text and opened(again).notebook.rows


@rule
async def test_a_file_beyond_the_limit_is_refused_by_name_and_the_others_come(home: Home) -> None:
    """By the length of its bytes, whatever its letters."""
    tab = await home.begin()
    files = {"Long.md": ("é" * (body_bytes_max // 2 + 1)).encode(), "Short.md": b"words"}

    tab.act("import.files", files=files)
    await until(lambda: "Import report" in tab.regions.get("dialog", ""), "it is done", 60.0)

    assert "Long.md" in tab.regions["dialog"] and "10.0 MB, the limit is 10 MB" in tab.regions["dialog"]
    assert sorted(row.title for row in opened(tab).notebook.rows.values()) == ["Short", "Welcome"]
