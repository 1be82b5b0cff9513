"""The log contract over the adapters that run under CPython, rule by rule."""

from pathlib import Path

import pytest
from carryon.storage.layouts import STORES

from tests.contracts import log_contract, reading_contract, relay_contract
from tests.contracts.databases import MemoryDatabase, SqliteDatabase

RULES = log_contract.RULES | relay_contract.RULES | reading_contract.RULES


@pytest.mark.parametrize("name", RULES)
async def test_log_in_memory(name: str) -> None:
    """The rule holds over the memory store."""
    await RULES[name](MemoryDatabase(STORES))


@pytest.mark.parametrize("name", RULES)
async def test_log_in_sqlite(name: str, tmp_path: Path) -> None:
    """The rule holds over the SQLite store."""
    await RULES[name](SqliteDatabase(tmp_path / "log.sqlite", STORES))
