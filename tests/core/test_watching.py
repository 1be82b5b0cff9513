"""Who watches gets edits at once; who is alone gathers them for two seconds, because each change costs some 250 bytes."""

from __future__ import annotations

import asyncio

from tests.core.home import Home, holdings, opened, rule
from tests.simulation.virtual_loop import until

AT_ONCE_S = 0.5


@rule
async def test_an_edit_is_shown_at_once_on_a_device_that_is_there(home: Home) -> None:
    """P6: also when the other one only looks, and never writes."""
    one = await home.begin()
    other = await home.join(one, "Bert")
    note = next(iter(opened(one).notebook.rows))
    await home.show(other, note)
    await home.show(one, note)

    for word in ("one ", "two ", "three "):
        one.type(word)
        await until(lambda: other.text == one.text, f"{word} is shown on the other device", AT_ONCE_S)
        await asyncio.sleep(10.0)


@rule
async def test_alone_edits_are_gathered_into_one_change(home: Home) -> None:
    """P8: a change for two seconds of typing, not for each key."""
    tab = await home.begin()
    await home.quiet(tab)
    before = len(holdings(tab).ids)

    for letter in "typed":
        tab.type(letter)
        await asyncio.sleep(0.2)
    await home.quiet(tab)

    assert len(holdings(tab).ids) == before + 1
