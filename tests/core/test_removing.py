"""Removing a device, lowering a role and ending an invite, by real cores around a real room: who is out gets and gives nothing new."""

from __future__ import annotations

import asyncio

from carryon.core.acts.pairing import INVITE_MS
from carryon.core.acts.removing import change_role, remove_device, revoke_invite
from carryon.core.device_view import troubles_of
from carryon.core.relays.custody import EXPIRED_S
from carryon_sync.formats.records import Invite, Role
from carryon_sync.formats.rejected import Rejected

from tests.core.home import Home, opened, rule
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

QUIET_S = 10.0


def certificate(tab: Tab) -> bytes:
    return opened(tab).identity.certificate


@rule
async def test_g4_a_removed_device_gets_nothing_that_is_written_after(home: Home) -> None:
    """It keeps what it has; its connection ends, and no key of the new epoch is wrapped to it."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    note = anna.note
    await home.show(bert, note)

    assert await remove_device(opened(anna), certificate(bert)) is None
    await home.quiet(anna)
    await home.show(anna, note)
    anna.type("after ")
    await home.quiet(anna)
    await asyncio.sleep(QUIET_S)

    assert "after" in anna.text
    assert "after" not in bert.text
    assert not opened(bert).syncing.standing().live
    assert "removed" in opened(bert).syncing.standing().words
    assert opened(anna).identity.keyring.current not in opened(bert).identity.keyring.epochs


@rule
async def test_i7_what_a_removed_device_wrote_unknowing_counts_as_far_as_its_remover_held_it(home: Home) -> None:
    """Bert writes on a flight and is removed meanwhile: a relay that helps him gives his words to Carl, on whom they wait."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    carl = await home.join(anna, "Carl")
    note = anna.note
    for tab in (bert, carl):
        await home.show(tab, note)
    bert.type("before ")
    await until(lambda: "before" in anna.text + carl.text and "before" in carl.text, "all have it", 30.0)
    await home.together(anna, bert, carl)
    home.network.go_offline("Bert", told=True)
    bert.type("flight ")
    await until(lambda: bert.saved and not opened(bert).outgoing.waiting, "it is in a change", 30.0)
    page = await opened(bert).log.changes.entries(0)
    written = [entry.change.encode() for entry in page.entries]
    out = certificate(bert)
    bert.crash()

    assert await remove_device(opened(anna), out) is None
    await until(lambda: not opened(carl).identity.members.may_connect(out), "Carl knows", 30.0)
    taken = await opened(carl).receiving.receive(written, None, None)

    assert taken.entered == ()
    assert len(opened(carl).receiving.holdback.unvouched) == 1
    [trouble] = troubles_of(opened(carl))
    assert "1 change was written by a device that was removed" in trouble.words
    assert "before" in carl.text
    assert "flight" not in carl.text
    await home.show(carl, note)
    carl.type("on ")
    await home.together(anna, carl)
    assert "flight" not in anna.text


@rule
async def test_i5_a_device_that_may_only_read_writes_nothing_and_says_why(home: Home) -> None:
    """What its person typed is still in the editor; when an owner lets it write again, it does."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    note = anna.note
    await home.show(bert, note)

    assert await change_role(opened(anna), certificate(bert), Role.READER) is None
    await until(lambda: bert.ready == "read-only", "Bert is told", 30.0)
    bert.type("mine ")
    await asyncio.sleep(QUIET_S)

    assert "may only read" in str(bert.regions)
    assert "mine" not in (opened(bert).notebook.text(note) or "")
    assert opened(bert).syncing.standing().live
    lowered = opened(anna).identity.members.device(certificate(bert))
    assert lowered is not None
    assert await change_role(opened(anna), lowered.id, Role.EDITOR) is None
    await until(lambda: bert.ready == "ready", "Bert may write again", 30.0)


@rule
async def test_a_withdrawn_invite_joins_nobody(home: Home) -> None:
    """Its link says so."""
    anna = await home.begin()
    secret = await home.link(anna)
    [invite] = [record.id for record in opened(anna).identity.members.records() if isinstance(record.says, Invite)]

    assert await revoke_invite(opened(anna), invite) is None
    await home.quiet(anna)
    joining = await home.tab(home.device("Eve").worker(), "?join", secret)
    joining.act("join.accept")

    await until(lambda: "withdrawn" in str(joining.regions), "it says why", 60.0)


@rule
async def test_i10_an_inviter_revokes_what_has_expired(home: Home) -> None:
    """Every device reads it in the records, whatever clock it has, and whatever a relay lets in."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    await home.link(anna)
    known = [opened(tab).identity.members for tab in (anna, bert)]
    [_, invite] = [record.id for record in known[0].records() if isinstance(record.says, Invite)]

    await asyncio.sleep(QUIET_S)
    assert [members.uses_left(invite) for members in known] == [1, 1]
    anna.worker.device.skew_ms = INVITE_MS

    await until(lambda: not any(members.uses_left(invite) for members in known), "both know its end", 2 * EXPIRED_S)


@rule
async def test_an_inviter_witnesses_whom_it_let_in(home: Home) -> None:
    """I10: so a newcomer can refill a wiped relay alone, when the invite has long expired."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")

    members = opened(anna).identity.members
    await until(lambda: not members.unwitnessed(certificate(anna)), "it is witnessed", 30.0)
    await until(lambda: opened(bert).identity.members.tips() == members.tips(), "Bert has the witness", 30.0)
    assert not opened(bert).identity.members.unwitnessed(certificate(anna))


@rule
async def test_only_owners_decide_about_others(home: Home) -> None:
    """In words, and nothing changes."""
    anna = await home.begin()
    bert = await home.join(anna, "Bert")
    await change_role(opened(anna), certificate(bert), Role.EDITOR)
    await until(lambda: not opened(bert).identity.members.is_owner(certificate(bert)), "Bert knows", 30.0)

    refused = await remove_device(opened(bert), certificate(anna))

    assert isinstance(refused, Rejected)
    assert "owner" in refused.reason
    assert isinstance(await remove_device(opened(anna), certificate(anna)), Rejected)
