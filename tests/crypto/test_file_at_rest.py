"""The key file: made once, read by its owner only, never replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from carryon.crypto.file_at_rest import KeyFileError, key_of_file


def test_a_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    """G2: the second reading gives the first key; nothing is left beside it."""
    path = tmp_path / "key"

    key = key_of_file(path, os.urandom)

    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert key_of_file(path, os.urandom) == key
    assert list(tmp_path.iterdir()) == [path]


def test_whoever_is_slower_takes_the_other_s_key(tmp_path: Path) -> None:
    """Two processes start on an empty folder: the first file stays."""
    path, first = tmp_path / "key", bytes(range(32))
    draws = iter([os.urandom(32), os.urandom(8)])

    def random(count: int) -> bytes:
        """Let another process finish between looking and making."""
        if not path.exists():
            path.write_bytes(first)
            path.chmod(0o600)
        return next(draws)

    assert key_of_file(path, random) == first
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """With the command that mends it."""
    path = tmp_path / "key"
    path.write_bytes(bytes(32))
    path.chmod(mode)

    with pytest.raises(KeyFileError, match=f"mode {mode:o}.*chmod 600"):
        key_of_file(path, os.urandom)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_file_of_another_length_is_refused_and_left_alone(tmp_path: Path, length: int) -> None:
    """G2: replacing it would lose everything that was sealed under it."""
    path = tmp_path / "key"
    path.write_bytes(bytes(length))
    path.chmod(0o600)

    with pytest.raises(KeyFileError, match=f"{length} bytes, not 32"):
        key_of_file(path, os.urandom)
    assert path.read_bytes() == bytes(length)


def test_a_folder_that_is_not_there_is_the_system_s_error(tmp_path: Path) -> None:
    """Where the key goes is the caller's to make."""
    with pytest.raises(FileNotFoundError):
        key_of_file(tmp_path / "nowhere" / "key", os.urandom)
