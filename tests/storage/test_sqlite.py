"""What SQLite adds to the store contract: killed processes, full disks, torn writes, other people's files."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from carryon.storage.errors import Busy, Closed, Damaged, Full, Lost, Moved, StorageError
from carryon.storage.sqlite_connection import APPLICATION_ID, SqliteConnection
from carryon.storage.sqlite_store import SqliteStore
from carryon.storage.store import Add, Entry, Expect, Operation, Put, by_name

from tests.contracts.store_contract import STORES
from tests.storage import killed_writer

ROOT = Path(__file__).parent.parent.parent


def test_e5_a10_a_writer_killed_at_any_statement_leaves_whole_commits(tmp_path: Path) -> None:
    """E5, A10, A5: the file opens, holds every commit that returned, and no commit by half."""
    command = [sys.executable, "-m", killed_writer.__name__, str(tmp_path)]
    lives = int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)

    counts = [asyncio.run(kept(tmp_path / str(life))) for life in range(1, lives + 1)]

    assert lives > 8 * killed_writer.COMMITS
    assert counts == sorted(counts)
    assert set(counts) == set(range(killed_writer.COMMITS + 1))


async def kept(folder: Path) -> int:
    """Open what a killed writer left, and count its commits."""
    acked = (folder / "acked").read_text().split()
    store = await SqliteStore.open(folder / "store.sqlite", STORES)
    plain, numbered, paired = [await store.read(name) for name in ("plain", "numbered", "paired")]
    await store.close()
    assert [entry.key for entry in plain] == [entry.key for entry in paired] == list(range(len(numbered)))
    assert all(entry.value == bytes([place]) * 5000 for place, entry in enumerate(plain))
    assert [int(place) for place in acked] == list(range(len(acked)))
    assert len(acked) <= len(plain) <= len(acked) + 1
    return len(plain)


async def test_e5_a_write_ahead_log_cut_anywhere_opens(tmp_path: Path) -> None:
    """E5: power lost at any point of the write-ahead log leaves a database that opens, with the first commits, whole."""
    path = tmp_path / "store.sqlite"
    store = await SqliteStore.open(path, STORES)
    for place in range(4):
        await store.commit([Put("plain", place, bytes(3000)), Put("other", place, b"")])
    wal = path.with_name("store.sqlite-wal").read_bytes()
    assert len(wal) > 20_000
    counts = []
    for number, cut in enumerate([*range(0, len(wal), 2027), len(wal)]):
        torn = tmp_path / f"torn-{number}.sqlite"
        shutil.copyfile(path, torn)
        torn.with_name(torn.name + "-wal").write_bytes(wal[:cut])

        again = await SqliteStore.open(torn, STORES)
        plain, other = await again.read("plain"), await again.read("other")
        await again.close()

        assert [entry.key for entry in plain] == [entry.key for entry in other] == list(range(len(plain)))
        counts.append(len(plain))
    assert counts == sorted(counts) and counts[-1] == 4
    await store.close()


async def test_e1_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    """E1: what finds no room raises Full in words, the file is as before, smaller commits go on, and more room helps."""
    path = tmp_path / "store.sqlite"
    store = await SqliteStore.open(path, STORES, pages_max=60)
    await store.commit([Put("plain", "held", bytes(10_000))])

    large: list[Operation] = [Put("other", 1, b""), Put("plain", "large", bytes(1_000_000)), Put("other", 2, b"")]
    with pytest.raises(Full, match="room, nothing was written"):
        await store.commit(large)

    assert await store.read("other") == []
    await store.commit([Expect("plain", "held", bytes(10_000)), Put("other", 3, b"")])
    await store.close()
    store = await SqliteStore.open(path, STORES)
    await store.commit(large)
    assert [entry.key for entry in await store.read("other")] == [1, 2, 3]
    await store.close()


async def test_e1_one_large_commit_does_not_refuse_those_beside_it(tmp_path: Path) -> None:
    """E1: of commits that are written together, only those that find no room are refused."""
    store = await SqliteStore.open(tmp_path / "store.sqlite", STORES, pages_max=60)
    sizes = [10, 1_000_000, 10, 1_000_000, 10]

    outcomes = await asyncio.gather(
        *(store.commit([Put("plain", place, bytes(size))]) for place, size in enumerate(sizes)), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [list, Full, list, Full, list]
    assert [entry.key for entry in await store.read("plain")] == [0, 2, 4]
    await store.close()


def test_a_group_of_commits_is_one_flush(tmp_path: Path) -> None:
    """Commits that wait together are one transaction, each with an outcome of its own."""
    connection = SqliteConnection(tmp_path / "store.sqlite", by_name(STORES), None)
    connection.open()
    statements: list[str] = []
    assert connection._open is not None
    connection._open.set_trace_callback(statements.append)
    group: Sequence[Sequence[Operation]] = (
        [Put("plain", 1, b"a")],
        [Put("plain", 2, b"b"), Expect("plain", 1, b"something else")],
        [Expect("plain", 1, b"a"), Add("numbered", b"c")],
    )

    outcomes = connection.write(group)

    assert [type(outcome) for outcome in outcomes] == [list, Moved, list]
    assert [statements.count(statement) for statement in ("BEGIN IMMEDIATE", "COMMIT")] == [1, 1]
    connection.close()


def test_commits_are_flushed_in_full(tmp_path: Path) -> None:
    """A5: the file is in write-ahead mode and every commit is flushed to the disk before it returns."""
    connection = SqliteConnection(tmp_path / "store.sqlite", by_name(STORES), None)
    connection.open()
    assert connection._open is not None

    assert connection._open.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection._open.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()


def test_d1_another_process_is_refused_in_words(tmp_path: Path) -> None:
    """D1: a file that another process holds is not opened beside it; once that one ends, it is."""
    path = tmp_path / "store.sqlite"
    holding = (
        "import asyncio, sys, pathlib; from carryon.storage.sqlite_store import SqliteStore;"
        f"asyncio.run(SqliteStore.open(pathlib.Path({str(path)!r}), ())); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"

    with pytest.raises(Busy, match=r"store.sqlite is in use by another process: end that one"):
        asyncio.run(_made(path))

    holder.communicate()
    asyncio.run(_made(path))


async def test_e3_a_lost_connection_is_opened_again(tmp_path: Path) -> None:
    """E3: a read and a commit on a connection that was lost are done on a new one, and nothing is missing."""
    store = await SqliteStore.open(tmp_path / "store.sqlite", STORES)
    await store.commit([Put("plain", 1, b"a")])

    lose(store)
    assert await store.read("plain") == [Entry(1, b"a")]
    lose(store)
    await store.commit([Put("plain", 2, b"b")])

    assert [entry.key for entry in await store.read("plain")] == [1, 2]
    await store.close()


async def test_e3_a_file_that_is_gone_is_said_and_not_begun_anew(tmp_path: Path) -> None:
    """E3, D2: after three tries the loss is said; no empty file is made in the place of the one that was there."""
    folder = tmp_path / "disk"
    folder.mkdir()
    store = await SqliteStore.open(folder / "store.sqlite", STORES)
    await store.commit([Put("plain", 1, b"a")])
    lose(store)
    folder.rename(tmp_path / "unplugged")
    folder.mkdir()

    for attempt in (store.read("plain"), store.commit([Put("plain", 1, b"b")])):
        with pytest.raises(Lost, match=r"store.sqlite was lost .* opened again at the next try"):
            await attempt
    assert list(folder.iterdir()) == []

    folder.rmdir()
    (tmp_path / "unplugged").rename(folder)
    assert await store.read("plain") == [Entry(1, b"a")]
    await store.close()


def lose(store: SqliteStore) -> None:
    """Close the connection behind its owner's back."""
    connection = store._connection._open
    assert connection is not None
    connection.close()


async def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """A file that is no database, or another program's, is refused in words and not touched."""
    junk = tmp_path / "junk.sqlite"
    junk.write_bytes(b"Dear diary, " * 1000)
    other = tmp_path / "other.sqlite"
    another = tmp_path / "another.sqlite"
    for path, version in ((other, 0), (another, 1)):
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE notes (text)")
            connection.execute(f"PRAGMA user_version = {version}")
        connection.close()

    for path, words in ((junk, "not readable as a database"), (other, "no database of"), (another, "no database of")):
        before = path.read_bytes()
        with pytest.raises(Damaged, match=words):
            await SqliteStore.open(path, STORES)
        assert path.read_bytes() == before


async def test_d7_a_newer_layout_is_refused(tmp_path: Path) -> None:
    """D7: a file of a newer release's layout asks for an update, and is not touched."""
    path = tmp_path / "store.sqlite"
    await (await SqliteStore.open(path, STORES)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()

    with pytest.raises(Closed, match="layout 2, this release knows 1: update"):
        await SqliteStore.open(path, STORES)


async def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    """E7: pages overwritten under a store are said as damage, by whatever read meets them; nothing is repaired away."""
    path = tmp_path / "store.sqlite"
    store = await SqliteStore.open(path, STORES)
    await store.commit([Put("plain", place, bytes([place]) * 3000) for place in range(100)])
    await store.close()
    content = bytearray(path.read_bytes())
    for page in range(20, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(content)

    store = await SqliteStore.open(path, STORES)
    with pytest.raises(StorageError) as caught:
        await store.read("plain")
    assert isinstance(caught.value, Damaged) and "restore a backup" in str(caught.value)
    await store.close()


def test_a_file_names_its_owner(tmp_path: Path) -> None:
    """The file carries Carryon's application id and its layout's version, for whoever finds it."""
    path = tmp_path / "store.sqlite"
    asyncio.run(_made(path))

    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


async def _made(path: Path) -> None:
    await (await SqliteStore.open(path, STORES)).close()
