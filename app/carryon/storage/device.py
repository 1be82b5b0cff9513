"""The small database `carryon` of a device: which notebooks it has, their secrets, and its settings.

    store        key                   payload, sealed for "<store>/<key>"
    notebooks    notebook              2 generation · name, UTF-8                        "notebooks/<notebook>"
    secrets      (notebook, version)   what `carryon.crypto` keeps of the notebook       "secrets/<notebook>/<version>"
    settings     name                  the setting; `current`: the notebook shown        "settings/<name>"

Every value begins with format byte 1, then what the at-rest sealer made, but for `current`: then the notebook in clear,
so that a commit can expect it. Integers are big-endian.

1. Secrets are never written over. A new version is added beside the old one, read back and opened; then the old one
   goes. Of several versions the newest that opens is the one.
2. The notebook's generation names its database: moving on to a new one is one commit here.
3. Several cores may write at once: a first notebook is added only where none is current (`Moved`).
4. Which notebook is shown is a convenience: where that does not read, or names none of this device, another one is shown.
5. A record that does not open hides no other, and nothing here deletes a notebook: another core may write in it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from carryon_sync.formats.octets import u16

from carryon.storage import layouts
from carryon.storage.errors import Damaged
from carryon.storage.generation import AtRest
from carryon.storage.keys import Key, beneath
from carryon.storage.store import Add, Delete, Entry, Expect, Put, Store, Stored

NAME = "carryon"
STORES = (Stored("notebooks"), Stored("secrets"), Stored("settings"))


@dataclass(frozen=True, slots=True)
class KeptNotebook:
    """A notebook of this device: its id, its name for the list, and the generation of its database."""

    id: str
    name: str
    generation: int = layouts.GENERATION

    @property
    def database(self) -> str:
        """The name of its database."""
        return f"{NAME}-{self.id}-{self.generation}"


@dataclass(frozen=True, slots=True)
class DamagedNotebook:
    """A notebook of this device whose record does not open."""

    id: str


class DeviceStore:
    """The device's database, over a store that holds `STORES`."""

    def __init__(self, store: Store, at_rest: AtRest) -> None:
        self._store = store
        self._at_rest = at_rest

    async def notebooks(self) -> Mapping[str, KeptNotebook | DamagedNotebook]:
        """Give the notebooks by id."""
        entries = await self._store.read("notebooks")
        notebooks = await asyncio.gather(*(self._notebook(entry) for entry in entries))
        return {notebook.id: notebook for notebook in notebooks}

    async def current(self) -> str | None:
        """Give the notebook that is shown, or None on a device that has none yet."""
        entries = await self._store.read("settings", lower="current", upper="current")
        if not entries:
            return None
        kept = [str(entry.key) for entry in await self._store.read("notebooks")]
        for notebook in kept:
            if entries[0].value == _current(notebook):
                return notebook
        first = next(iter(kept), None)
        chosen = Delete("settings", "current") if first is None else Put("settings", "current", _current(first))
        await self._store.commit([Expect("settings", "current", entries[0].value), chosen])
        return first

    async def add_notebook(self, notebook: KeptNotebook, secrets: bytes, *, instead_of: str | None) -> None:
        """Add a notebook with its secrets and show it instead of the one shown now (None: the first).

        Raises `Exists` if the device has it, `Moved` if another one is shown, `Damaged` if it reads back as another.
        """
        await self._store.commit(
            [
                _expect_current(instead_of),
                Put("settings", "current", _current(notebook.id)),
                Add("notebooks", await self._sealed(f"notebooks/{notebook.id}", _payload(notebook)), notebook.id),
                Add("secrets", await self._sealed(f"secrets/{notebook.id}/1", secrets), (notebook.id, 1)),
            ]
        )
        await self._verify(notebook.id, 1, secrets)

    async def show(self, notebook: str, *, instead_of: str | None) -> None:
        """Show another notebook. Raises `Moved` if the one shown is not what the caller thinks."""
        await self._store.commit([_expect_current(instead_of), Put("settings", "current", _current(notebook))])

    async def change_notebook(self, notebook: KeptNotebook) -> None:
        """Keep a notebook's new name or generation."""
        value = await self._sealed(f"notebooks/{notebook.id}", _payload(notebook))
        await self._store.commit([Put("notebooks", notebook.id, value)])

    async def secrets(self, notebook: str) -> bytes:
        """Give a notebook's secrets. Raises `Damaged` if no version opens; nothing is deleted then."""
        for version, value in reversed(await self._versions(notebook)):
            secrets = await self._opened(f"secrets/{notebook}/{version}", value)
            if secrets is not None:
                return secrets
        raise Damaged(f"the keys of notebook {notebook} do not open on this device: join it again, or use its kit")

    async def replace_secrets(self, notebook: str, secrets: bytes) -> None:
        """Keep new secrets beside the old ones, read them back, and only then let the old ones go.

        Raises `Exists` if another core does the same, `Damaged` if what was written does not read.
        """
        versions = await self._versions(notebook)
        version = versions[-1][0] + 1 if versions else 1
        sealed = await self._sealed(f"secrets/{notebook}/{version}", secrets)
        await self._store.commit([Add("secrets", sealed, (notebook, version))])
        await self._verify(notebook, version, secrets)
        await self._store.commit([Delete("secrets", (notebook, old)) for old, _ in versions])

    async def setting(self, name: str) -> bytes | None:
        """Give a setting, or None if it is not set or does not open."""
        entries = await self._store.read("settings", lower=name, upper=name)
        return await self._opened(f"settings/{name}", entries[0].value) if entries else None

    async def set(self, name: str, value: bytes) -> None:
        """Keep a setting."""
        assert name != "current", "what is shown is set by `show`"
        await self._store.commit([Put("settings", name, await self._sealed(f"settings/{name}", value))])

    async def close(self) -> None:
        """Let go of the database."""
        await self._store.close()

    async def _versions(self, notebook: str) -> list[tuple[int, bytes]]:
        lower, upper = beneath(notebook)
        entries = await self._store.read("secrets", lower=lower, upper=upper)
        return [(_version(entry.key), entry.value) for entry in entries]

    async def _verify(self, notebook: str, version: int, secrets: bytes) -> None:
        key = (notebook, version)
        entries = await self._store.read("secrets", lower=key, upper=key)
        opened = await self._opened(f"secrets/{notebook}/{version}", entries[0].value) if entries else None
        if opened != secrets:
            raise Damaged(f"the keys of notebook {notebook} were written and read back as something else: try again")

    async def _notebook(self, entry: Entry) -> KeptNotebook | DamagedNotebook:
        notebook = entry.key
        assert isinstance(notebook, str), "notebooks are named by texts"
        payload = await self._opened(f"notebooks/{notebook}", entry.value)
        if payload is None:
            return DamagedNotebook(notebook)
        return KeptNotebook(notebook, payload[2:].decode(), int.from_bytes(payload[:2], "big"))

    async def _sealed(self, place: str, payload: bytes) -> bytes:
        return layouts.sealed(await self._at_rest.seal(place, payload))

    async def _opened(self, place: str, value: bytes) -> bytes | None:
        data = layouts.unsealed(value)
        return None if data is None else await self._at_rest.open(place, data)


def _payload(notebook: KeptNotebook) -> bytes:
    return u16(notebook.generation) + notebook.name.encode()


def _current(notebook: str) -> bytes:
    return layouts.sealed(notebook.encode())


def _expect_current(notebook: str | None) -> Expect:
    return Expect("settings", "current", None if notebook is None else _current(notebook))


def _version(key: Key) -> int:
    match key:
        case (str(), int() as version):
            return version
        case _:
            raise AssertionError(f"{key!r} is no key of secrets")
