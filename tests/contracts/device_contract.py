"""What the device's small database holds to over every adapter, one function a rule, run as the store's contract is."""

from carryon.storage.device import DamagedNotebook, DeviceStore, KeptNotebook
from carryon.storage.errors import Damaged, Exists, Moved
from carryon.storage.store import Delete, Put

from tests.contracts.device import refused
from tests.contracts.samples import HmacAtRest
from tests.contracts.store_contract import Database, Rule

RULES: dict[str, Rule] = {}
FIRST = KeptNotebook("A" * 26, "Home")
SECOND = KeptNotebook("B" * 26, "Büro 📓", 3)


def rule(function: Rule) -> Rule:
    """Enter a rule under its name."""
    RULES[function.__name__] = function
    return function


async def opened(database: Database) -> DeviceStore:
    """Open the device's database."""
    return DeviceStore(await database.open(), HmacAtRest())


@rule
async def notebooks_stay(database: Database) -> None:
    """Notebooks, secrets, settings and the one shown are there after opening again."""
    device = await opened(database)
    assert (await device.notebooks(), await device.current()) == ({}, None)
    await device.add_notebook(FIRST, b"first", instead_of=None)
    await device.add_notebook(SECOND, b"second", instead_of=FIRST.id)
    await device.change_notebook(KeptNotebook(FIRST.id, "House"))
    await device.set("relay", b"none")
    await device.close()

    device = await opened(database)
    house = KeptNotebook(FIRST.id, "House")
    assert await device.notebooks() == {FIRST.id: house, SECOND.id: SECOND}
    assert await device.current() == SECOND.id
    assert [await device.secrets(one.id) for one in (FIRST, SECOND)] == [b"first", b"second"]
    assert (await device.setting("relay"), await device.setting("other")) == (b"none", None)
    assert house.database == f"carryon-{FIRST.id}-2"
    await device.close()


@rule
async def a_record_that_does_not_open_hides_no_other(database: Database) -> None:
    """J11: a damaged notebook is named as such, the others are there."""
    store = await database.open()
    device = DeviceStore(store, HmacAtRest())
    await device.add_notebook(FIRST, b"first", instead_of=None)
    await device.add_notebook(SECOND, b"second", instead_of=FIRST.id)

    await store.commit([Put("notebooks", FIRST.id, b"\x01rot")])

    assert await device.notebooks() == {FIRST.id: DamagedNotebook(FIRST.id), SECOND.id: SECOND}
    await store.close()


@rule
async def a_notebook_is_shown_whatever_is_damaged(database: Database) -> None:
    """What is kept of the one shown may be no text, or name none that is here: one that is here is shown, and can be changed."""
    store = await database.open()
    device = DeviceStore(store, HmacAtRest())
    await device.add_notebook(FIRST, b"first", instead_of=None)
    await device.add_notebook(SECOND, b"second", instead_of=FIRST.id)

    for damage in (b"", b"\x01\xff\xfe", b"\x02" + FIRST.id.encode(), b"\x01" + b"C" * 26):
        await store.commit([Put("settings", "current", damage)])
        assert await device.current() == FIRST.id
        await device.show(SECOND.id, instead_of=FIRST.id)
        assert await device.current() == SECOND.id

    await store.commit([Delete("notebooks", one.id) for one in (FIRST, SECOND)])
    assert await device.current() is None
    await device.add_notebook(KeptNotebook("D" * 26, "New"), b"new", instead_of=None)
    assert await device.current() == "D" * 26
    await device.close()


@rule
async def of_two_first_notebooks_one_is_kept(database: Database) -> None:
    """D2: a core that makes a first notebook where another core has just made one is told so, and neither is lost."""
    device = await opened(database)
    await device.add_notebook(FIRST, b"first", instead_of=None)

    await refused(device.add_notebook(SECOND, b"second", instead_of=None), Moved)
    await refused(device.add_notebook(FIRST, b"other", instead_of=FIRST.id), Exists)
    await refused(device.show(FIRST.id, instead_of=SECOND.id), Moved)

    assert await device.notebooks() == {FIRST.id: FIRST}
    assert await device.secrets(FIRST.id) == b"first"
    await device.close()


@rule
async def secrets_are_never_written_over(database: Database) -> None:
    """G2: new secrets stand beside the old until they are read back; a version that does not open hides no other."""
    store = await database.open()
    device = DeviceStore(store, HmacAtRest())
    await device.add_notebook(FIRST, b"old", instead_of=None)
    (old,) = await store.read("secrets")

    await device.replace_secrets(FIRST.id, b"new")
    assert await device.secrets(FIRST.id) == b"new"
    assert [entry.key for entry in await store.read("secrets")] == [(FIRST.id, 2)]

    await store.commit([Put("secrets", (FIRST.id, 1), old.value), Put("secrets", (FIRST.id, 3), b"\x01rot")])
    assert await device.secrets(FIRST.id) == b"new"
    await store.commit([Delete("secrets", (FIRST.id, 2)), Put("secrets", (FIRST.id, 1), b"\x01rot")])
    await refused(device.secrets(FIRST.id), Damaged)
    assert len(await store.read("secrets")) == 2
    await store.close()


class Forgetful(HmacAtRest):
    """A sealer that opens nothing of what it has sealed."""

    async def open(self, purpose: str, data: bytes) -> bytes | None:
        """See `AtRest.open`."""
        return None


@rule
async def secrets_that_do_not_read_back_replace_none(database: Database) -> None:
    """G2: secrets that were written and do not open are said at once, and the old ones are still there."""
    store = await database.open()
    device = DeviceStore(store, HmacAtRest())
    await device.add_notebook(FIRST, b"old", instead_of=None)

    await refused(DeviceStore(store, Forgetful(b"other")).replace_secrets(FIRST.id, b"new"), Damaged)
    await refused(DeviceStore(store, Forgetful(b"other")).add_notebook(SECOND, b"s", instead_of=FIRST.id), Damaged)

    assert await device.secrets(FIRST.id) == b"old"
    await store.close()


@rule
async def another_key_opens_nothing(database: Database) -> None:
    """G5: with the key gone every question is answered by words, none by a blank, and nothing is deleted."""
    store = await database.open()
    await DeviceStore(store, HmacAtRest()).add_notebook(FIRST, b"first", instead_of=None)
    before = [await store.read(name) for name in ("notebooks", "secrets", "settings")]

    device = DeviceStore(store, HmacAtRest(b"another key"))

    assert await device.notebooks() == {FIRST.id: DamagedNotebook(FIRST.id)}
    await refused(device.secrets(FIRST.id), Damaged)
    assert [await store.read(name) for name in ("notebooks", "secrets", "settings")] == before
    await store.close()
