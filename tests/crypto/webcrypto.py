"""The crypto contract in Pyodide: every rule on the WebCrypto adapters, in a browser's worker or in Node.js."""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path

import js
from carryon.crypto.webcrypto_at_rest import WebCryptoAtRest
from carryon.crypto.webcrypto_primitives import WebCryptoPrimitives
from pyodide.ffi import to_js

from tests.crypto.bench import Bench
from tests.crypto.crypto_contract import RULES

VECTORS = Path(__file__).parent.parent / "vectors" / "crypto-2.json"


async def verdicts() -> str:
    """Try every rule; give JSON with the words of those that are not kept."""
    golden = json.loads(VECTORS.read_text())
    bench = Bench(WebCryptoPrimitives(), await _at_rest(), await _at_rest(), golden, every_bit=False)
    found: dict[str, str | None] = {}
    for name, rule in RULES.items():
        try:
            await rule(bench)
            found[name] = None
        except Exception:  # Whatever it is, it is this rule's verdict, and pytest shows it.
            found[name] = traceback.format_exc()
    return json.dumps(found)


async def _at_rest() -> WebCryptoAtRest:
    """Seal under a key like the host's: of WebCrypto's own making, and not to be extracted."""
    algorithm = to_js({"name": "AES-GCM", "length": 256}, dict_converter=js.Object.fromEntries)
    key = await js.crypto.subtle.generateKey(algorithm, False, to_js(["encrypt", "decrypt"]))
    return WebCryptoAtRest(key, os.urandom)
