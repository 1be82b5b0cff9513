"""The shell of a session: what it is told while it is busy."""

from __future__ import annotations

from tests.core.home import Home, opened, rule


@rule
async def test_an_invite_made_while_the_relay_sends_faster_than_is_stored_reaches_it(home: Home) -> None:
    """A hint to the session that finds its queue full is late, not lost."""
    tab = await home.begin()
    await home.quiet(tab)
    syncing = opened(tab).syncing
    link = syncing._link
    assert link is not None

    def crowded() -> None:
        while not link._events.full():
            link._events.put_nowait(tuple)
        link.members_changed()

    syncing.members_changed = crowded  # type: ignore[method-assign]

    joined = await home.join(tab, "Bert")

    assert opened(joined).notebook.id == opened(tab).notebook.id
