"""Whatever bytes arrive where secrets, receipts and names are read: a value or a refusal in words, never an exception."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from carryon.crypto.device_names import open_name
from carryon.crypto.notebook_keys import Secrets, decode_secrets
from carryon.crypto.receipts import Receipt, open_receipt
from carryon_sync.formats.records import Certificate
from carryon_sync.formats.rejected import Rejected
from hypothesis import given
from hypothesis import strategies as st

from tests.crypto.bench import notebook
from tests.crypto.test_contract import BENCH

CREATED, KEYRING = asyncio.run(notebook(BENCH))
SECRETS = CREATED.secrets.encode()
RECEIPT = bytes.fromhex(BENCH.golden["receipt"])
CERTIFICATE = CREATED.records[1].says
assert isinstance(CERTIFICATE, Certificate)
NAME = CERTIFICATE.name


def near(right: bytes) -> st.SearchStrategy[bytes]:
    """Give any bytes, and the right ones with some of them replaced, cut out or put in."""
    edits = st.tuples(st.integers(0, len(right)), st.integers(0, 8), st.binary(max_size=8))
    return st.binary(max_size=2 * len(right)) | edits.map(
        lambda edit: right[: edit[0]] + edit[2] + right[sum(edit[:2]) :]
    )


@given(near(SECRETS))
def test_secrets_read_as_written_or_are_refused(data: bytes) -> None:
    """What is read is written back as the same bytes."""
    secrets = decode_secrets(data)

    assert isinstance(secrets, Rejected) or (isinstance(secrets, Secrets) and secrets.encode() == data)


@given(near(RECEIPT) | st.binary(min_size=len(RECEIPT), max_size=len(RECEIPT)).map(lambda data: b"\2" + data[1:]))
async def test_no_receipt_opens_but_one_that_a_device_sealed(data: bytes) -> None:
    """All else is refused."""
    receipt = await open_receipt(KEYRING, data, CREATED.secrets.signing.public)

    assert isinstance(receipt, Receipt if data == RECEIPT else Rejected)


@given(near(NAME))
async def test_no_name_opens_but_the_one_that_was_sealed(data: bytes) -> None:
    """All else is refused."""
    name = await open_name(KEYRING, replace(CERTIFICATE, name=data))

    assert name == "Laptop" if data == NAME else isinstance(name, Rejected)
