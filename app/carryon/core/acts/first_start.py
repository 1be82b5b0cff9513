"""Make the first notebook of a device: its keys, its members' records, and one short welcome note.

The notebook is named on the device last, in one commit that expects that no other core was first: a start that dies half-way leaves a
database that nobody knows, never half a notebook that somebody does.
"""

from typing import Final

from carryon_sync.formats.change import NO_PREV, Body, Header
from carryon_sync.formats.ids import text_of
from carryon_sync.formats.members import Members

from carryon.core.environment import Environment
from carryon.core.log.identity import Identity, note_bytes
from carryon.core.notebooks import RECORDS_MADE
from carryon.crypto.notebook_keys import create_notebook
from carryon.crypto.sealing import Draft, new_author
from carryon.notebook.commands import CreateNote
from carryon.notebook.facts import NoteEdited
from carryon.notebook.notebook import Notebook
from carryon.storage.device import DeviceStore, KeptNotebook
from carryon.storage.errors import Moved
from carryon.storage.layouts import STORES
from carryon.storage.log import Fold, Log
from carryon.storage.members import Author

NAME: Final = "Notes"
WELCOME_TITLE: Final = "Welcome"
WELCOME: Final = """\
This is a notebook that lives on this device. It opens without a network, and every word is kept here the moment \
the status says **Saved on this device**.

- Write in **Markdown**: headings, *emphasis*, lists, `code`, [[links]] between notes, `#tags`
- [ ] A box like this one can be pressed
- Bring your notes along: **Import** at the foot of the sidebar takes a folder or a zip of Markdown
- Put them on a second device: **Settings**, then *Add a device*. They travel sealed; whoever carries them cannot read them
"""


async def first_notebook(environment: Environment, device: DeviceStore, *, instead_of: str | None) -> str:
    """Make a notebook, to be shown instead of one that never opens (None: the first); return its id, or that of another core's
    that was first.
    """
    created = await create_notebook(environment.primitives, environment.place.device_name, environment.random)
    kept = KeptNotebook(text_of(created.secrets.notebook), NAME)
    log = await Log.make(await environment.open_store(kept.database, STORES), environment.at_rest)
    members = Members(created.secrets.notebook)
    keyring = created.secrets.keyring(environment.primitives)
    identity = Identity(created.secrets, keyring, members, log.members, environment.random)
    records = [record.encode() for record in created.records]
    assert len(records) == RECORDS_MADE, "by their number it is known that nobody was invited yet"
    admitted = await identity.learn(records)
    assert len(admitted.records) == len(records), f"records of our own are in order: {admitted.refused}"
    await _write_welcome(environment, log, identity, kept.id)
    await log.close()
    try:
        await device.add_notebook(kept, created.secrets.encode(), instead_of=instead_of)
    except Moved:
        first = await device.current()
        assert first is not None, "another core has made the first notebook"
        return first
    return kept.id


async def _write_welcome(environment: Environment, log: Log, identity: Identity, notebook: str) -> None:
    author = new_author(identity.signing.public, environment.random)
    await log.members.keep_author(Author(author, retired=False))
    note = text_of(environment.random(16))
    client = int.from_bytes(environment.random(4), "big")
    now = environment.now()
    facts = Notebook(notebook, client, NAME, author.hex()).act(CreateNote(note, WELCOME_TITLE, WELCOME), now)
    updates = tuple(fact.update for fact in facts if isinstance(fact, NoteEdited))
    header = Header(identity.notebook, identity.tag(note), author, 1, NO_PREV)
    [change] = await identity.seal([Draft(header, Body(note_bytes(note), now, 0, (), (), updates))])
    await log.fold([Fold(change, None)])
