"""One notebook of this device while it is open: what runs for it, and how the parts hang together.

The tasks, each the owner of one resource: the writer (journal), outgoing (folding), derived (rows and texts), leadership (who talks to
relays), and the sessions with relays. Everything that a person sees goes through `show`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from carryon_sync.formats.change import Seen
from carryon_sync.formats.members import Members

from carryon.core.environment import Environment
from carryon.core.log.attention import Attention
from carryon.core.log.author import HeldAuthor, take_author
from carryon.core.log.derived import Derived
from carryon.core.log.documents import Documents, Heads, named
from carryon.core.log.identity import Identity
from carryon.core.log.inherited import fold_inherited
from carryon.core.log.outgoing import Folded, Outgoing
from carryon.core.log.received import Receiving, Taken, places_of
from carryon.core.log.scrub import scrub
from carryon.core.log.unfolded import Unfolded
from carryon.core.log.writer import Writer
from carryon.core.relays.custody import Custody
from carryon.core.relays.leadership import Leadership
from carryon.core.relays.syncing import Syncing
from carryon.core.tabs.sessions import Tabs, TabSession
from carryon.crypto.notebook_keys import Secrets
from carryon.crypto.receipts import NOTES_MAX, NoteDigest, heads_digest
from carryon.notebook.facts import Fact, NoteAbsorbed, NoteEdited
from carryon.notebook.notebook import Notebook
from carryon.notes.digest import content_digest
from carryon.storage.changes import LogEntry, link_of
from carryon.storage.device import KeptNotebook
from carryon.storage.errors import Full, StorageError
from carryon.storage.journal import JournalKey, Journalled
from carryon.storage.layouts import STORES, JournalRow
from carryon.storage.log import Log
from carryon.storage.members import Author

STALE_S: Final = 0.15
STALE_MAX_S: Final = 0.5
INHERIT_S: Final = 3.0
FOLLOW_PAUSE_S: Final = 1.0
NEIGHBOURS_S: Final = 1.5
NEIGHBOURS_LOOK_S: Final = 0.02


class OpenNotebook:
    """A notebook that is open; make it with `OpenNotebook.open`, then `run` it."""

    def __init__(
        self,
        environment: Environment,
        secrets: Secrets,
        notebook: Notebook,
        client: int,
        log: Log,
        identity: Identity,
        author: HeldAuthor,
        tabs: Tabs,
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called when what the device knows of this notebook (status, devices) may have changed."""
        self.environment = environment
        self.secrets = secrets
        self.notebook = notebook
        self.log = log
        self.identity = identity
        self.author = author
        self.tabs = tabs
        self._changed = changed
        self.writer = Writer(log.journal, self.keep_author, changed)
        self.documents = Documents(notebook, client, log, identity, self.is_shown)
        self._look = asyncio.Event()
        self.outgoing = Outgoing(
            author.id,
            log,
            identity,
            self.documents,
            seen=self._seen,
            folded=self._folded,
            left_behind=self._look.set,
            changed=changed,
            is_watched=self._is_watched,
        )
        self.documents.unfolded_by(lambda note: (*self.outgoing.unfolded(note), *self.writer.waiting(note)))
        self.receiving = Receiving(log, identity, notebook, self.documents, self.outgoing, self._look.set)
        # Held by whoever brings something into memory that is on its way into the log without the writer.
        self.unlogged = asyncio.Lock()
        self.derived = Derived(
            log,
            notebook,
            self.documents,
            lambda: (self.receiving.absorbed, self.receiving.mendings),
            self._at_rest,
            identity.tag,
        )
        # The nonces of acts that are carried out and not durable yet.
        self.acts_under_way: set[str] = set()
        self.members_met = asyncio.Event()
        self.syncing = Syncing(
            environment, log, identity, self.receiving, self._took, changed, self.members_met.set, self.digests
        )
        self._channel = environment.channel(f"carryon-{notebook.id}", self._heard)
        self.unfolded = Unfolded(author.id, log.journal, self._channel, self._is_known)
        self.syncing.broadcast(self._channel)
        identity.published = self.syncing.members_kept
        self.attention = Attention(log, identity, notebook, self._attention_changed)
        log.quarantine.touched = self._quarantine_touched
        log.quarantine.mended = self.receiving.mended
        self.leadership = Leadership(environment.locks, f"relay-{notebook.id}", self._channel, self._lead)
        self._custody = Custody(identity, self.now, lambda: self.syncing.standing().live, self.syncing.members_kept)
        self._neighbours = False
        # Why rows of cores that are gone are not in changes, where that was tried.
        self.owed: str | None = None
        self.texts_read: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stale: asyncio.TimerHandle | None = None
        self._stale_since = 0.0
        self._shown_at = 0.0

    @classmethod
    async def open(
        cls, environment: Environment, kept: KeptNotebook, secrets: Secrets, tabs: Tabs, changed: Callable[[], None]
    ) -> "OpenNotebook":
        """Open the database of a notebook, take an author, and put the rows into memory."""
        log = await Log.open(await environment.open_store(kept.database, STORES), environment.at_rest)
        members = Members(secrets.notebook)
        keyring = secrets.keyring(environment.primitives)
        identity = Identity(secrets, keyring, members, log.members, environment.random)
        await identity.read_kept()
        author = await take_author(log, environment.locks, secrets.signing, environment.random)
        # A client number is never used twice: pycrdt and Yjs would take two edits for one.
        client = int.from_bytes(environment.random(4), "big")
        notebook = Notebook(kept.id, client, kept.name, author.id.hex())
        opened = cls(environment, secrets, notebook, client, log, identity, author, tabs, changed)
        try:
            await opened._start()
        except BaseException:
            # Its author is free again, for this core or another one that tries later.
            await opened.close()
            raise
        return opened

    async def _start(self) -> None:
        # What quarantine names at this look and not at a later one has been mended between them.
        await self.log.quarantine.items()
        mendings = await self.log.quarantine.mendings()
        absorbed = await self.derived.read_rows(mendings)
        await self.receiving.start(absorbed, mendings)
        left = (await self.log.journal.read(self.author.id)).rows
        self.outgoing.journalled(left)
        await self._inherit_if_there_is_room()
        await self._until_neighbours_folded()
        # What other cores, or this one before it died, put into the log after the rows were written.
        self.syncing.appended((await self.receiving.follow()).entered)
        for note in {one.row.note for one in left}:
            await self.documents.use(note)
        self.notebook.refresh()

    async def _until_neighbours_folded(self) -> None:
        """Have all that is saved on this device here: a tab whose core died may go on with words that another core has taken over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + NEIGHBOURS_S
        rows = await self._neighbours_rows()
        self._channel.post({"type": "here"})
        while rows and loop.time() < end:
            await asyncio.sleep(NEIGHBOURS_LOOK_S)
            await self._inherit_if_there_is_room()
            rows &= await self._neighbours_rows()

    async def _neighbours_rows(self) -> set[JournalKey]:
        return {one.key for one in (await self.log.journal.read()).rows if one.key[0] != self.author.id}

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.writer.run())
            tasks.create_task(self.outgoing.run())
            tasks.create_task(self.derived.run())
            tasks.create_task(self.leadership.run())
            tasks.create_task(self._follow())
            tasks.create_task(self.syncing.meet_members())
            tasks.create_task(self._inherit_on())
            tasks.create_task(self.attention.run())
            tasks.create_task(self._read_texts())

    async def _read_texts(self) -> None:
        await self.derived.read_texts()
        self.texts_read.set_result(None)
        self.tabs.dirty(self.sessions())

    async def close(self) -> None:
        """Let go of locks, channel and database of one that was not run."""
        self._channel.close()
        self.author.held.release()
        await self.log.close()

    @asynccontextmanager
    async def _at_rest(self) -> AsyncIterator[None]:
        """Hold a moment in which everything in memory is in the journal or the log; it lasts until the caller gives way."""
        async with self.unlogged:
            await self.writer.settle()
            yield

    async def keep_author(self) -> None:
        """Keep the author, where it is new, before anything is written as it. Raises StorageError."""
        if not self.author.kept:
            await self.log.members.keep_author(Author(self.author.id, retired=False))
            self.author = replace(self.author, kept=True)

    @property
    def read_only(self) -> str:
        """The words of why nothing is written into this notebook now; empty when it is."""
        members, certificate = self.identity.members, self.identity.certificate
        if members.needs_update or self.receiving.newer:
            return "A newer Carryon has written into this notebook what this one does not know: update Carryon to write on."
        if not members.may_connect(certificate):
            return "This device was removed from the notebook: what is here stays, and nothing new is written."
        if not members.may_write(certificate):
            return "This device may only read this notebook: an owner can let it write."
        return ""

    def now(self) -> int:
        """The wall clock, ms since 1970."""
        return self.environment.now()

    def journal_row(self, edited: NoteEdited, base: Heads) -> JournalRow:
        """The journal row of an edit made on top of `base`."""
        links = tuple(
            sorted((link for author, link in base.items() if author != self.author.id), key=lambda link: link.author)
        )
        return JournalRow(self.author.id, edited.note, links, edited.time, self.syncing.apart(), edited.update)

    def journalled(self, rows: Sequence[Journalled]) -> None:
        """Edits of this core's tabs are durable: they may be folded, and everybody may see them."""
        self.outgoing.journalled(rows)
        self.unfolded.tell(self.outgoing.waiting)
        for one in rows:
            self.notebook.saved(one.row.note)

    def is_shown(self, note: str) -> bool:
        """Whether a tab shows the note."""
        return any(session.bound == note for session in self.sessions())

    def sessions(self) -> list[TabSession]:
        """The tabs that show this notebook."""
        return [
            session for session in self.tabs if session.state is not None and session.state.notebook == self.notebook.id
        ]

    def show(self, facts: Sequence[Fact], besides: TabSession | None = None) -> None:
        """Show what has happened: updates to the editors that have the note open at once, regions when the rows are right again."""
        for fact in facts:
            if isinstance(fact, NoteEdited | NoteAbsorbed):
                heads = self.documents.heads(fact.note)
                for session in self.sessions():
                    if session is not besides:
                        session.update(fact.note, fact.update, heads)
        loop = asyncio.get_running_loop()
        self._shown_at = loop.time()
        if self._stale is None:
            self._stale_since = self._shown_at
            self._stale = loop.call_later(STALE_S, self._refresh_at_rest)
        self._changed()

    def digests(self) -> Sequence[NoteDigest]:
        """What this device makes of the notes that were used last, at the heads that it holds of them."""
        if not self.writer.is_idle:
            # A document may be ahead of its heads by what is on its way to the disk.
            return ()
        notes = [(note, self.notebook.note(note)) for note in self.documents.settled()[:NOTES_MAX]]
        return [
            NoteDigest(
                self.identity.tag(note), heads_digest(self.documents.heads(note).values()), content_digest(document)
            )
            for note, document in notes
            if document is not None
        ]

    def _seen(self) -> Sequence[Seen]:
        return self.syncing.seen()

    def hint(self) -> None:
        """Something outside happened (a tab came to the front, the network is back): look again."""
        self._look.set()
        self.syncing.hint()

    def _refresh_at_rest(self) -> None:
        # While keys come, the page is busy with them.
        loop = asyncio.get_running_loop()
        due = min(self._shown_at + STALE_S, self._stale_since + STALE_MAX_S)
        if loop.time() < due:
            self._stale = loop.call_at(due, self._refresh_at_rest)
            return
        self._stale = None
        self.notebook.refresh()
        self.tabs.dirty(self.sessions())

    def _folded(self, folded: Folded) -> None:
        note, entry = folded.note, folded.entry
        self.documents.advance(note, link_of(entry.change), folded.rows)
        heads = named(self.documents.heads(note))
        self.notebook.put_heads(note, heads, folded.time, first=folded.begins)
        self.wrote([entry])
        self.unfolded.tell(self.outgoing.waiting)

    def wrote(self, entries: Sequence[LogEntry]) -> None:
        """This core has put these of its own changes into the log."""
        self.receiving.wrote(entries)
        self._channel.post({"type": "log"})
        self.syncing.appended(places_of(entries))

    def _took(self, taken: Taken) -> None:
        if taken.entered:
            self._channel.post({"type": "log"})
        self.show(taken.facts)

    async def _lead(self) -> None:
        # The core that led may have died between a commit and its word of it.
        self._look.set()
        async with asyncio.TaskGroup() as tasks:
            duties = [
                tasks.create_task(self._custody.run()),
                tasks.create_task(self._try_early()),
                tasks.create_task(scrub(self.log.changes)),
            ]
            await self.syncing.lead()
            for duty in duties:
                duty.cancel()

    async def _try_early(self) -> None:
        """Try what came too early again, whenever keys or members' records have come, by whatever way."""
        while True:
            changed = self.identity.changed
            try:
                taken = await self.receiving.try_again()
            except StorageError:
                # It lies in quarantine still, and is tried again.
                await asyncio.sleep(FOLLOW_PAUSE_S)
                continue
            self._took(taken)
            self.syncing.took(taken)
            await changed.wait()

    def _quarantine_touched(self) -> None:
        self.attention.touch()
        # With what it named the log may have been mended.
        self._look.set()
        self._channel.post({"type": "quarantine"})

    def _attention_changed(self) -> None:
        self.syncing.lacking()
        self._changed()

    def _is_watched(self) -> bool:
        return self._neighbours or self.syncing.is_watched()

    def _heard(self, message: Mapping[str, str | int]) -> None:
        self._neighbours = True
        self.leadership.heard(message)
        self.syncing.heard(message)
        match message.get("type"):
            case "log":
                self._look.set()
            case "quarantine":
                self.attention.touch()
                self._look.set()
            case "standing" if int(message["position"]) > self.receiving.absorbed:
                # A core may have died between a commit and its word of it; whoever leads knows where the log ends.
                self._look.set()
            case "here":
                # The other core has just opened: it may have absorbed what a dead one told nobody of. It does not know of this one
                # yet, and waits for what lies in the journal.
                self._look.set()
                self.outgoing.hurry()
                self._channel.post({"type": "there"})
                self.unfolded.tell_again(self.outgoing.waiting)
            case "unfolded":
                self.unfolded.heard(message)
                self._changed()
            case _:
                return

    async def _inherit(self) -> None:
        try:
            await fold_inherited(
                self.log,
                self.environment.locks,
                self.identity,
                self.documents,
                self.author.id,
                self._is_known,
                self._behind,
                self._changed,
            )
        except StorageError:
            await self._count_unfolded()
            raise
        await self._count_unfolded()

    async def _count_unfolded(self) -> None:
        if await self.unfolded.count():
            self._changed()

    def _is_known(self, row: Journalled) -> bool:
        # What is being written is this core's, though it has not heard yet that it is there.
        return not self.writer.is_idle or self.outgoing.knows(row)

    def _behind(self) -> None:
        self._look.set()
        self._channel.post({"type": "log"})

    async def _inherit_if_there_is_room(self) -> None:
        # A notebook opens on a full disk too: what other cores left lies in the journal still, and is looked for again.
        try:
            await self._inherit()
        except Full as error:
            self.owed = str(error)

    async def _inherit_on(self) -> None:
        while True:
            await asyncio.sleep(INHERIT_S)
            owed = None
            try:
                # Also where nobody was heard of: another core may have saved words and died without a word of it.
                await self._inherit()
            except StorageError as error:
                # It lies in the journal still, and is looked for again.
                owed = str(error)
            if owed != self.owed:
                self.owed = owed
                self._changed()

    async def _follow(self) -> None:
        while True:
            await self._look.wait()
            self._look.clear()
            try:
                taken = await self.receiving.follow()
            except StorageError:
                # It is in the log, and is looked for again.
                await asyncio.sleep(FOLLOW_PAUSE_S)
                self._look.set()
                continue
            self.derived.reflects(self.receiving.mendings)
            if taken.entered or taken.facts:
                self.show(taken.facts)
                self.syncing.appended(taken.entered)
