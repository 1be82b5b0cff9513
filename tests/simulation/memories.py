"""Whether cores let go of documents that nobody wants any more: it is seen on nothing but their memory."""

from __future__ import annotations

from tests.simulation.tab import Tab
from tests.simulation.world import World


class Memories:
    """The notes that were in the memory of cores when somebody looked last."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: dict[object, set[str]] = {}

    def look(self, tab: Tab) -> None:
        """See what the core of a tab has let go of since the last look."""
        core = tab.worker.core
        for opened in core.notebooks.opened() if core is not None else ():
            notebook = opened.notebook
            held = {note for note in notebook.rows if notebook.note(note) is not None}
            if self._held.get(notebook, held) - held:
                self._world.tally.note("path", "idle drop")
            self._held[notebook] = held
