"""A writer that is killed: for every SQL statement of its life one process that kills itself just before that statement.

Called with a folder; each life leaves a database and the list of what it was told was committed. Prints how many lives.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from carryon.storage.sqlite_store import SqliteStore
from carryon.storage.store import Add, Put

from tests.contracts.store_contract import STORES

COMMITS = 3
KILLED = 0


async def live(folder: Path, statements: int) -> None:
    """Commit, and kill this process before the given statement."""
    acked = os.open(folder / "acked", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    store = await SqliteStore.open(folder / "store.sqlite", STORES)
    connection = store._connection._open
    assert connection is not None
    left = statements

    def count(statement: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    connection.set_trace_callback(count)
    for place in range(COMMITS):
        value = bytes([place]) * 5000
        await store.commit(
            [Put("plain", place, value), Add("numbered", value), Add("paired", value, place, ("s", place))]
        )
        os.write(acked, b"%d\n" % place)
    await store.close()


def main(root: Path) -> None:
    """Live until a life ends by itself."""
    lives = 0
    while True:
        lives += 1
        folder = root / str(lives)
        folder.mkdir()
        child = os.fork()
        if child == 0:
            asyncio.run(live(folder, lives))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert status == 0, f"life {lives} ended with {status}"
            break
    print(lives)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
