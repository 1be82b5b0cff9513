"""The one tree of what can go wrong when the device keeps something.

1. `Moved`, `Exists`, `Closed`, `Fenced` and `Gap` say that the world differs from what the caller believed: nothing was
   written; read again, then decide.
2. `Full`, `Busy` and `Lost` say that the world fails: nothing is believed to be written, what is to be kept stays in
   memory and is tried again. After `Lost` the outcome is not known; every write of the log can be made twice.
3. `Damaged` says that what was read cannot be what was written.
4. A message names the thing, the number and the way out, fit to be shown to a person.
"""

from carryon.storage.keys import Key


class StorageError(Exception):
    """Anything that kept the device from reading or writing."""


class Moved(StorageError):
    """A record is not what the caller expected it to be; nothing was written."""

    def __init__(self, store: str, key: Key) -> None:
        super().__init__(f"record {key!r} of store {store!r} has changed meanwhile: read it again")
        self.store = store
        self.key = key


class Exists(StorageError):
    """A record to be added is there already, by its key or by its unique second key; nothing was written."""

    def __init__(self, store: str, key: Key | None) -> None:
        super().__init__(f"record {key!r} of store {store!r} is there already: read it first")
        self.store = store
        self.key = key


class Full(StorageError):
    """The quota or the disk is used up; nothing was written."""


class Busy(StorageError):
    """Somebody else holds the database and does not let go."""


class Lost(StorageError):
    """The connection to the database is lost; whether the last write was made is not known."""


class Closed(StorageError):
    """A newer generation of this database has taken over; this one takes no more writes."""


class Gone(StorageError):
    """The database is not the one that was opened: it was emptied or deleted under way, by the browser or a person."""


class Fenced(StorageError):
    """Another core leads the session with the relay by now; this one's session writes are refused."""


class Gap(StorageError):
    """A change was to enter the log before the change it names as its previous one."""


class Damaged(StorageError):
    """What was read cannot be what was written."""
