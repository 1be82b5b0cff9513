"""Runs every contract on IndexedDB, inside a browser's worker; `e2e/test_contracts.py` serves it and reads the answers.

It runs in Pyodide: `host` is the module `static/js/storage.js`. Each rule has a database of its own, deleted at the end.
"""

import json
import traceback
from collections.abc import Iterable
from typing import Any

from carryon.storage import device as device_store
from carryon.storage import layouts
from carryon.storage.indexeddb_store import IndexedDbStore
from carryon.storage.store import Store, Stored

from tests.contracts import (
    device_contract,
    indexeddb_contract,
    log_contract,
    order_contract,
    reading_contract,
    relay_contract,
    store_contract,
)
from tests.contracts.indexeddb_contract import fill, go_on, write_on, written
from tests.contracts.store_contract import Rule

__all__ = ["fill", "go_on", "run", "write_on", "written"]


class IndexedDbDatabase:
    """A database of IndexedDB."""

    shared = True

    def __init__(self, host: Any, name: str, stores: Iterable[Stored]) -> None:
        self.host = host
        self.name = name
        self.stores = tuple(stores)

    async def open(self) -> Store:
        """Open it."""
        return await IndexedDbStore.open(self.host, self.name, self.stores)


def suites() -> dict[str, tuple[dict[str, Rule], tuple[Stored, ...]]]:
    """Give every suite with its rules and the stores of its databases."""
    store_rules = store_contract.RULES | order_contract.RULES | indexeddb_contract.RULES
    log_rules = log_contract.RULES | relay_contract.RULES | reading_contract.RULES
    return {
        "store": (store_rules, store_contract.STORES),
        "log": (log_rules, layouts.STORES),
        "device": (device_contract.RULES, device_store.STORES),
    }


async def run(host: Any) -> str:
    """Run all rules; give JSON: suite → rule → None, or the traceback."""
    answers: dict[str, dict[str, str | None]] = {}
    for suite, (rules, stores) in suites().items():
        answers[suite] = {}
        for name, rule in rules.items():
            database = IndexedDbDatabase(host, f"{suite} {name}", stores)
            try:
                await rule(database)
                answers[suite][name] = None
            except BaseException:
                answers[suite][name] = traceback.format_exc()
            await host.remove(database.name)
    return json.dumps(answers)
