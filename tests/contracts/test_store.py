"""The store contract on the adapters that run under CPython, rule by rule."""

from pathlib import Path

import pytest

from tests.contracts import order_contract, store_contract
from tests.contracts.databases import MemoryDatabase, SqliteDatabase
from tests.contracts.store_contract import STORES

RULES = store_contract.RULES | order_contract.RULES


@pytest.mark.parametrize("name", RULES)
async def test_memory_store(name: str) -> None:
    """The rule holds in memory."""
    await RULES[name](MemoryDatabase(STORES))


@pytest.mark.parametrize("name", RULES)
async def test_sqlite_store(name: str, tmp_path: Path) -> None:
    """The rule holds in SQLite."""
    await RULES[name](SqliteDatabase(tmp_path / "store.sqlite", STORES))
