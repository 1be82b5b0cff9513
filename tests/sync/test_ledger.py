"""One contract for every ledger: in memory and on SQLite."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from carryon_sync.formats.running import RUNNING_START, run
from carryon_sync.protocol.frames import ITEMS_MAX, Range, Want
from carryon_sync.relay.ledger import Batch, Entry, Ledger
from carryon_sync.relay.memory_ledger import MemoryLedger
from carryon_sync.server.sqlite_ledger import LedgerUnusable, SqliteLedger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ONE, TWO = bytes([1]) * 16, bytes([2]) * 16
TAG, OTHER_TAG, AUTHOR = bytes([3]) * 16, bytes([4]) * 16, bytes([5]) * 16
LOG = bytes([6]) * 16


def entry(number: int, *, tag: bytes = TAG, author: bytes = AUTHOR, n: int | None = None, size: int = 10) -> Entry:
    return Entry(number.to_bytes(32, "big"), tag, author, number if n is None else n, bytes([number % 256]) * size)


def keep(ledger: Ledger, *entries: Entry, notebook: bytes = ONE) -> list[tuple[int, bool, bool]]:
    places = ledger.commit({notebook: Batch(LOG, changes=entries)})[notebook].places
    return [(place.sequence, place.new, place.fork) for place in places]


class Kept:
    """A ledger that can be closed and opened again over the same disk."""

    def __init__(self, make: Callable[[], Ledger], *, durable: bool) -> None:
        self._make = make
        self._durable = durable
        self.ledger = make()

    def reopen(self) -> Ledger:
        self.ledger.close()
        if self._durable:
            self.ledger = self._make()
        return self.ledger


@pytest.fixture(params=["memory", "sqlite"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "memory":
        yield Kept(lambda: MemoryLedger(lambda: os.urandom(16)), durable=False)
    else:
        made = Kept(lambda: SqliteLedger(tmp_path / "data"), durable=True)
        yield made
        made.ledger.close()


class TestContract:
    def test_a_notebook_that_is_not_known_is_empty_and_leaves_nothing_behind(self, kept: Kept) -> None:
        first, second = kept.ledger.open(ONE), kept.ledger.open(ONE)

        assert (first.head, first.running, first.records, first.receipts) == (0, RUNNING_START, (), {})
        assert first.log != second.log
        assert kept.ledger.page(ONE, 0, 100).changes == ()
        assert kept.ledger.page(ONE, 0, 100).running == RUNNING_START
        assert kept.ledger.page(ONE, 1, 100).running is None

    def test_sequences_and_hash_go_on_from_commit_to_commit_and_over_a_restart(self, kept: Kept) -> None:
        assert keep(kept.ledger, entry(1), entry(2)) == [(1, True, False), (2, True, False)]
        ledger = kept.reopen()
        opened = ledger.open(ONE)
        assert (opened.log, opened.head) == (LOG, 2)
        assert keep(ledger, entry(3)) == [(3, True, False)]

        assert ledger.open(ONE).running == run(RUNNING_START, [entry(number).id for number in (1, 2, 3)])

    def test_the_same_id_again_has_its_place_and_its_first_bytes(self, kept: Kept) -> None:
        keep(kept.ledger, entry(1), entry(2))

        again = Entry(entry(1).id, OTHER_TAG, AUTHOR, 9, b"other bytes")

        assert keep(kept.ledger, again, entry(3), entry(3)) == [(1, False, False), (3, True, False), (3, False, False)]
        assert kept.ledger.page(ONE, 0, 1000).changes[0] == (entry(1).id, entry(1).data)

    def test_another_id_at_the_same_number_is_kept_and_told(self, kept: Kept) -> None:
        assert keep(kept.ledger, entry(1, n=1), entry(2, n=1)) == [(1, True, False), (2, True, True)]
        assert keep(kept.ledger, entry(3, n=1, tag=OTHER_TAG)) == [(3, True, False)]

    def test_notebooks_do_not_touch_each_other(self, kept: Kept) -> None:
        both = {ONE: Batch(LOG, changes=(entry(1),)), TWO: Batch(bytes(16), changes=(entry(1), entry(2)))}

        committed = kept.ledger.commit(both)

        assert (committed[ONE].head, committed[TWO].head) == (1, 2)
        assert [data for _, data in kept.ledger.page(ONE, 0, 1000).changes] == [entry(1).data]
        assert kept.ledger.find(ONE, Want(1, 0, ids=(entry(2).id,)), 1000).changes == ()

    def test_records_keep_their_order_and_a_forgotten_one_its_place(self, kept: Kept) -> None:
        records = tuple((bytes([number]) * 32, b"record %d" % number) for number in (9, 1, 5))
        kept.ledger.commit({ONE: Batch(LOG, records)})
        kept.ledger.commit({ONE: Batch(LOG, forgotten=((bytes([1]) * 32, b"less"),))})

        assert kept.reopen().open(ONE).records == (b"record 9", b"less", b"record 5")

    def test_the_newest_receipt_of_each_device_is_kept(self, kept: Kept) -> None:
        one, two = bytes([1]) * 32, bytes([2]) * 32
        kept.ledger.commit({ONE: Batch(LOG, receipts=((one, b"old"), (two, b"two")))})
        kept.ledger.commit({ONE: Batch(LOG, receipts=((one, b"new"),))})

        assert kept.reopen().open(ONE).receipts == {one: b"new", two: b"two"}

    def test_pages_follow_one_another_and_hold_at_least_one(self, kept: Kept) -> None:
        entries = [entry(number, size=100) for number in range(1, 8)]
        keep(kept.ledger, *entries)

        page = kept.ledger.page(ONE, 0, 250)
        assert page.changes == tuple((one.id, one.data) for one in entries[:2])
        page = kept.ledger.page(ONE, 2, 1)
        assert page.changes == ((entries[2].id, entries[2].data),)
        assert page.running == run(RUNNING_START, [one.id for one in entries[:2]])
        assert len(kept.ledger.page(ONE, 6, 10_000).changes) == 1
        assert kept.ledger.page(ONE, 8, 100).running is None

    def test_a_page_has_no_more_items_than_a_frame(self, kept: Kept) -> None:
        keep(kept.ledger, *(entry(number, size=1) for number in range(1, ITEMS_MAX + 10)))

        assert len(kept.ledger.page(ONE, 0, 1 << 20).changes) == ITEMS_MAX
        found = kept.ledger.find(ONE, Want(1, 0, (TAG,)), 1 << 20)
        assert (len(found.changes), found.reached, found.more) == (ITEMS_MAX, ITEMS_MAX, True)

    def test_what_is_wanted_comes_in_order_once_whatever_names_it(self, kept: Kept) -> None:
        other = Entry(bytes([99]) * 32, OTHER_TAG, bytes([7]) * 16, 1, b"other")
        keep(kept.ledger, entry(1), other, entry(2), entry(3), entry(4))

        want = Want(1, 0, (OTHER_TAG,), (Range(TAG, AUTHOR, 2, 3),), (entry(3).id, entry(4).id, bytes(32)))
        found = kept.ledger.find(ONE, want, 1000)

        assert found.changes == (b"other", entry(2).data, entry(3).data, entry(4).data)
        assert (found.reached, found.more) == (5, False)
        assert kept.ledger.find(ONE, Want(1, 3, (TAG, OTHER_TAG)), 1000).changes == (entry(3).data, entry(4).data)

    def test_wants_go_on_where_a_page_ended(self, kept: Kept) -> None:
        entries = [entry(number, size=100) for number in range(1, 8)]
        keep(kept.ledger, *entries)
        found: list[bytes] = []
        after, more = 0, True
        while more:
            page = kept.ledger.find(ONE, Want(1, after, (TAG,)), 250)
            found += page.changes
            assert page.reached > after
            after, more = page.reached, page.more

        assert found == [one.data for one in entries]

    @given(st.data())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
    def test_both_ledgers_find_the_same(self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
        memory = MemoryLedger(lambda: LOG)
        sqlite = SqliteLedger(tmp_path_factory.mktemp("ledger"))
        tags = (TAG, OTHER_TAG)
        entries = [entry(number, tag=tags[number % 2], n=number % 7 + 1, size=number) for number in range(1, 60)]
        for ledger in (memory, sqlite):
            keep(ledger, *entries)
        first = st.integers(0, 9)
        ranges = st.builds(lambda tag, n, width: Range(tag, AUTHOR, n, n + width), st.sampled_from(tags), first, first)
        ids = st.integers(1, 70).map(lambda number: entry(number).id)
        wants = st.builds(
            Want,
            st.just(1),
            st.integers(0, 60),
            st.lists(st.sampled_from(tags), max_size=2).map(tuple),
            st.lists(ranges, max_size=4).map(tuple),
            st.lists(ids, max_size=6).map(tuple),
        )

        want, bytes_max = data.draw(wants), data.draw(st.integers(1, 2000))
        found = [ledger.find(ONE, want, bytes_max) for ledger in (memory, sqlite)]
        sqlite.close()

        assert found[0] == found[1]

    @given(st.lists(st.lists(st.integers(1, 30), max_size=6), max_size=6))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
    def test_any_batches_end_in_the_log_of_first_arrivals(
        self, tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]
    ) -> None:
        memory = MemoryLedger(lambda: LOG)
        sqlite = SqliteLedger(tmp_path_factory.mktemp("ledger"))
        for numbers in batches:
            entries = [entry(number, n=number % 7 + 1) for number in numbers]
            assert keep(memory, *entries) == keep(sqlite, *entries)
        first = list(dict.fromkeys(number for numbers in batches for number in numbers))
        for ledger in (memory, sqlite):
            assert [id for id, _ in ledger.page(ONE, 0, 1 << 20).changes] == [entry(number).id for number in first]
        sqlite.close()


class TestSqlite:
    def test_a_commit_that_fails_keeps_nothing_and_the_next_one_works(self, tmp_path: Path) -> None:
        ledger = SqliteLedger(tmp_path)
        keep(ledger, entry(1))
        poison = Entry(entry(9).id, TAG, AUTHOR, 2**70, b"a number that SQLite cannot hold")

        with pytest.raises(OverflowError):
            ledger.commit({ONE: Batch(LOG, changes=(entry(2), poison)), TWO: Batch(LOG, changes=(entry(1),))})

        assert keep(ledger, entry(3)) == [(2, True, False)]
        assert keep(ledger, entry(3), notebook=TWO) == [(1, True, False)]
        ledger.close()

    def test_a_folder_in_use_is_refused_even_in_the_same_process(self, tmp_path: Path) -> None:
        ledger = SqliteLedger(tmp_path)

        with pytest.raises(LedgerUnusable, match="in use by process"):
            SqliteLedger(tmp_path)

        ledger.close()
        SqliteLedger(tmp_path).close()

    def test_a_folder_that_cannot_be_made_is_refused_in_words(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")

        with pytest.raises(LedgerUnusable, match="--data"):
            SqliteLedger(tmp_path / "file" / "data")

    def test_i15_a_want_looks_no_further_than_its_page(self, tmp_path: Path) -> None:
        """I15: 256 tags with thousands of changes each were all looked at for one page. Counted in SQLite's own steps."""
        ledger = SqliteLedger(tmp_path)
        tags = [number.to_bytes(16, "big") for number in range(64)]
        forks = [entry(90_000 + number, n=1, size=1) for number in range(5_000)]
        many = [entry(number, tag=tags[number % 64], n=number // 64 + 1, size=1) for number in range(40_000)]
        for some in (forks, many):
            keep(ledger, *some)
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        def cost(want: Want) -> int:
            nonlocal steps
            steps = 0
            ledger._db.set_progress_handler(step, 100)
            assert len(ledger.find(ONE, want, 1 << 20).changes) == ITEMS_MAX
            return steps * 100

        numbers = tuple(Range(tag, AUTHOR, 1, 4) for tag in tags)
        costs = [
            cost(want)
            for want in (
                Want(1, 0, tuple(tags)),
                Want(1, 20_000, tuple(tags)),
                Want(1, 0, (), (Range(TAG, AUTHOR, 1, 1),)),
                Want(1, 0, tuple(tags), (Range(TAG, AUTHOR, 1, 1), *numbers), tuple(one.id for one in many[:256])),
            )
        ]
        ledger.close()

        assert max(costs) < 20 * ITEMS_MAX

    def test_a_file_that_was_made_without_the_index_of_tags_gets_it(self, tmp_path: Path) -> None:
        ledger = SqliteLedger(tmp_path)
        keep(ledger, entry(1), entry(2, tag=OTHER_TAG))
        ledger._db.execute("DROP INDEX tags")
        ledger.close()

        ledger = SqliteLedger(tmp_path)
        ledger.open(ONE)

        assert ledger.find(ONE, Want(1, 0, (OTHER_TAG,)), 1000).changes == (entry(2).data,)
        ledger.close()

    def test_a_commit_is_synced_to_the_disk(self, tmp_path: Path) -> None:
        """Rule 2: `synchronous=FULL` is on, in WAL."""
        ledger = SqliteLedger(tmp_path)

        assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        ledger.close()
