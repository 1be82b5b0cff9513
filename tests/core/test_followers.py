"""Several cores on one device: what is pressed in one that follows reaches the one that talks to the relay."""

from __future__ import annotations

import asyncio

import pytest

from tests.core.home import Home, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

ORIGIN_ADDRESS = "http://relay.test:8000/"


async def leader_and_follower(home: Home) -> tuple[Tab, Tab]:
    """Two tabs of one device, each with a core of its own; the first one's core leads."""
    leader = await home.begin()
    await home.quiet(leader)
    follower = await home.tab(leader.worker.device.worker())
    await until(lambda: opened(follower).syncing.standing().live, "the follower knows")
    assert opened(leader).syncing._link is not None and opened(follower).syncing._link is None
    return leader, follower


def say_nothing_more(tab: Tab) -> None:
    """The channel is only a hint: what a core posts gets lost."""
    opened(tab)._channel.post = lambda _message: None  # type: ignore[method-assign]


@rule
async def test_an_invite_made_in_a_following_core_lets_a_device_in(home: Home) -> None:
    """J9: its record reaches the relay by the core that leads."""
    _, follower = await leader_and_follower(home)

    joined = await home.join(follower, "Bert")

    assert opened(joined).notebook.id == opened(follower).notebook.id


@pytest.mark.parametrize("hint", ["heard", "lost"])
@rule
async def test_a_relay_is_disconnected_and_connected_from_a_following_core(home: Home, hint: str) -> None:
    """J9: a hint that is lost is made up for when somebody looks; every core says the same in the end."""
    leader, follower = await leader_and_follower(home)
    if hint == "lost":
        say_nothing_more(follower)

    for action, address in (("relay.disconnect", ""), ("relay.connect", ORIGIN_ADDRESS)):
        follower.act(action, address=address)
        await until(lambda: follower.saved, "it is pressed")
        if hint == "lost":
            await asyncio.sleep(1.0)
            leader.look()
        await until(
            lambda address=address: opened(leader).syncing.address == opened(follower).syncing.address == address,  # type: ignore[misc]
            "both know",
            5.0,
        )
        await until(lambda address=address: bool(home.network.wires) == bool(address), "the leader does it", 5.0)  # type: ignore[misc]

    await home.quiet(leader)


@rule
async def test_an_invite_whose_hint_was_lost_reaches_the_relay_when_somebody_looks(home: Home) -> None:
    """J9: the promise is the storage, which is read again."""
    leader, follower = await leader_and_follower(home)
    say_nothing_more(follower)
    secret = await home.link(follower)
    leader.look()
    await home.quiet(leader)

    joining = await home.tab(home.device("Bert").worker(), "?join", secret)
    joining.act("join.accept")

    await until(lambda: opened(joining).notebook.id == opened(leader).notebook.id, "joined", 30.0)


@rule
async def test_every_core_knows_a_device_by_name_when_its_record_has_come(home: Home) -> None:
    """J18: the leading core meets it by the relay, the following one by the storage."""
    leader, follower = await leader_and_follower(home)
    await home.join(leader, "Bert")

    for tab in (leader, follower):
        await until(lambda tab=tab: tab.status.startswith("Seen by Bert"), "it is seen by name", 30.0)  # type: ignore[misc]
        tab.go("?at=settings")
        await until(lambda tab=tab: "Bert" in str(tab.regions), "Settings name it", 5.0)  # type: ignore[misc]
