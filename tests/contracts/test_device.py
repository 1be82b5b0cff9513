"""The contract of the device's database over the adapters that run under CPython, rule by rule."""

from pathlib import Path

import pytest
from carryon.storage.device import STORES

from tests.contracts.databases import MemoryDatabase, SqliteDatabase
from tests.contracts.device_contract import RULES


@pytest.mark.parametrize("name", RULES)
async def test_device_in_memory(name: str) -> None:
    """The rule holds over the memory store."""
    await RULES[name](MemoryDatabase(STORES))


@pytest.mark.parametrize("name", RULES)
async def test_device_in_sqlite(name: str, tmp_path: Path) -> None:
    """The rule holds over the SQLite store."""
    await RULES[name](SqliteDatabase(tmp_path / "device.sqlite", STORES))
