"""The crypto contract on CPython: every rule, on the adapter over `cryptography` and a key file's sealer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon.crypto.file_at_rest import FileAtRest

from tests.crypto.bench import Bench
from tests.crypto.crypto_contract import RULES

VECTORS = Path(__file__).parent.parent / "vectors" / "crypto-2.json"
PRIMITIVES = CryptographyPrimitives()
BENCH = Bench(
    PRIMITIVES,
    FileAtRest(PRIMITIVES, bytes([1]) * 32, os.urandom),
    FileAtRest(PRIMITIVES, bytes([2]) * 32, os.urandom),
    json.loads(VECTORS.read_text()),
    every_bit=True,
)


@pytest.mark.parametrize("name", RULES)
async def test_cryptography_keeps_the_rule(name: str) -> None:
    """One rule of the contract on CPython."""
    await RULES[name](BENCH)
