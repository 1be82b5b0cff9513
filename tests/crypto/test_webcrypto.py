"""The crypto contract on WebCrypto, in Pyodide in Node.js; `e2e/test_crypto_contract.py` runs it in the browser."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.crypto.crypto_contract import RULES
from tests.crypto.served import ENGINES, PYODIDE, sources
from tools.system import node


def test_webcrypto_in_node_keeps_every_rule(tmp_path: Path) -> None:
    """One process for all rules: to boot Pyodide takes longer than they do."""
    packed = tmp_path / "sources.zip"
    packed.write_bytes(sources())

    command = [node(), ENGINES / "node.mjs", PYODIDE, packed]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == dict.fromkeys(RULES)
