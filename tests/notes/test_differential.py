"""C5: Yjs and our Note on pycrdt, in this Python and in Pyodide, make the same note of the same edits and read each other's
bytes alike.

The engines are whole programs (tests/notes/engines). CARRYON_SOAK=1 plays the recorded traces to their ends.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.notes import engines
from tests.notes.engines import Engine, InThisPython

TRACES = engines.ROOT.parent / "shared" / "data" / "traces"
WHOLE = bool(os.environ.get("CARRYON_SOAK"))
PATCHES_MAX = 4_000
BATCH = 500

PIECES = ["a", "bc ", "\r\n", "\n", "\r", "é", "e\u0301", "😀", "👩‍👩‍👦", "🇳🇴", "中", "\ufeff", "\0", "\u2028", "# "]
TEXT = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
SPLICE = st.tuples(st.just("splice"), st.integers(0, 65_535), st.sampled_from([0, 0, 1, 2, 9]), TEXT)
FIELD = st.tuples(st.just("field"), st.sampled_from(["title", "folder"]), TEXT)
EDITS = st.tuples(st.just("edit"), st.integers(0, 2), st.lists(SPLICE | FIELD, min_size=1, max_size=6))
EXCHANGE = st.tuples(st.just("send"), st.integers(0, 2), st.integers(0, 2))
PLANS = st.lists(EDITS | EXCHANGE, min_size=4, max_size=16)


class Pair(NamedTuple):
    """The two engines that are compared."""

    yjs: Engine
    pycrdt: Engine


@pytest.fixture(scope="module", params=["in this Python", "in Pyodide"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Yjs, and pycrdt in one of its two homes."""
    with engines.yjs() as yjs:
        if request.param == "in this Python":
            yield Pair(yjs, InThisPython())
        else:
            with engines.pyodide(tmp_path_factory.mktemp("sources")) as pycrdt:
                yield Pair(yjs, pycrdt)


@given(plan=PLANS, third=st.booleans())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_c5_random_edits_settle_the_same(pair: Pair, plan: list[tuple[Any, ...]], third: bool) -> None:
    """C5: three replicas, at least one of each kind, edit apart and exchange in causal order: equal texts, fields, bytes."""
    room = _Room([pair.yjs, pair.pycrdt, pair.yjs if third else pair.pycrdt])

    for verb, one, other in plan:
        if verb == "edit":
            room.edit(one, other)
        else:
            room.send(one, other)
    room.settle()

    room.assert_equal(pair)


def test_c5_a_paper_typed_in_one_is_read_in_the_other(pair: Pair) -> None:
    """C5: the recorded paper, keystroke by keystroke, written by each and absorbed by the other."""
    trace = _trace("automerge-paper")
    patches = [patch for txn in trace["txns"] for patch in txn["patches"]]
    patches = patches if WHOLE else patches[:PATCHES_MAX]
    expected = trace["endContent"] if WHOLE else None

    for writer, reader in ((pair.yjs, pair.pycrdt), (pair.pycrdt, pair.yjs)):
        writer.ask([["new", "paper", 1]])
        reader.ask([["new", "paper", 2]])
        for first in range(0, len(patches), BATCH):
            updates = writer.ask([["patch", "paper", *patch] for patch in patches[first : first + BATCH]])
            waits = reader.ask([["apply", "paper", update] for update in updates if update])
            assert not any(waits)

        text = _assert_same(pair, "paper", writer, reader)
        assert expected is None or text == expected


def test_c5_two_people_typing_at_once_settle_the_same(pair: Pair) -> None:
    """C5: the recorded conversation of two, one of them in Yjs and one in pycrdt, each patch on what its author had seen."""
    txns = _trace("friendsforever")["txns"]
    talk = _Talk(pair)

    for txn in txns if WHOLE else txns[:PATCHES_MAX]:
        talk.play(txn)
    talk.settle()

    _assert_same(pair, "talk", pair.yjs, pair.pycrdt)


class _Room:
    """Replicas in engines, and the updates that each has, in the order in which it got them."""

    def __init__(self, homes: list[Engine]) -> None:
        self._homes = homes
        self._logs: list[dict[int, str]] = [{} for _ in homes]
        self._made = 0
        for number, engine in enumerate(homes):
            engine.ask([["new", str(number), 2**31 + number]])

    def edit(self, replica: int, edits: list[tuple[Any, ...]]) -> None:
        name, first = str(replica), self._made + 1
        self._made += len(edits)
        requests = [
            [verb, name, *rest] if verb == "splice" else [verb, name, *rest, number]
            for number, (verb, *rest) in enumerate(edits, first)
        ]
        answers = self._homes[replica].ask(requests)
        self._logs[replica] |= {number: update for number, update in enumerate(answers, first) if update}

    def send(self, one: int, other: int) -> None:
        new = {number: update for number, update in self._logs[one].items() if number not in self._logs[other]}
        if new:
            assert not any(self._homes[other].ask([["apply", str(other), update] for update in new.values()]))
            self._logs[other] |= new

    def settle(self) -> None:
        for one, other in ((0, 1), (1, 2), (2, 1), (1, 0)):
            self.send(one, other)

    def assert_equal(self, pair: Pair) -> None:
        """All replicas hold the same, and whoever loads another's state holds it too."""
        held = []
        for number, engine in enumerate(self._homes):
            name = str(number)
            text, fields, state = engine.ask([["text", name], ["fields", name], ["state", name]])
            held.append((text, fields))
            for reader in pair:
                _, *again = reader.ask([["load", "again", 9, state], ["text", "again"], ["fields", "again"]])
                assert again == [text, fields]
        assert held == [held[0]] * len(held)


class _Talk:
    """The conversation: agent 0 writes in Yjs, agent 1 in pycrdt. Requests are queued while the same agent has its turn."""

    def __init__(self, pair: Pair) -> None:
        self._engines = pair
        self._turn = 0
        self._agents: list[int] = []
        self._updates: list[list[str]] = []
        self._offered = [0, 0]  # up to which transaction each agent's engine was offered the other's
        self._queue: list[tuple[int | None, list[Any]]] = []
        for agent, engine in enumerate(pair):
            engine.ask([["new", "talk", agent + 1]])

    def play(self, txn: dict[str, Any]) -> None:
        """Let an agent write on what it had seen: the other's transactions up to the one that is a parent."""
        agent, number = txn["agent"], len(self._agents)
        self._agents.append(agent)
        self._updates.append([])
        self._take_turn(agent)
        self._offer(max([parent + 1 for parent in txn["parents"] if self._agents[parent] != agent], default=0))
        self._queue += [(number, ["patch", "talk", *patch]) for patch in txn["patches"]]

    def settle(self) -> None:
        """Give each agent what the other wrote."""
        for agent in (0, 1, 0):
            self._take_turn(agent)
            self._offer(len(self._agents))
        self._take_turn(1)

    def _take_turn(self, agent: int) -> None:
        if agent != self._turn or len(self._queue) >= BATCH:
            answers = self._engines[self._turn].ask([request for _, request in self._queue])
            for (number, _), answer in zip(self._queue, answers, strict=True):
                if number is None:
                    assert answer is False
                elif answer:
                    self._updates[number].append(answer)
            self._queue, self._turn = [], agent

    def _offer(self, until: int) -> None:
        for number in range(self._offered[self._turn], until):
            if self._agents[number] != self._turn:
                self._queue += [(None, ["apply", "talk", update]) for update in self._updates[number]]
        self._offered[self._turn] = max(self._offered[self._turn], until)


def _assert_same(pair: Pair, name: str, one: Engine, other: Engine) -> str:
    """Both hold the same text, and each reads the other's state as the other does."""
    texts = []
    for engine in (one, other):
        text, state = engine.ask([["text", name], ["state", name]])
        texts.append(text)
        for reader in pair:
            assert reader.ask([["load", "again", 9, state], ["text", "again"]])[1] == text
    assert texts[0] == texts[1]
    return str(texts[0])


def _trace(name: str) -> dict[str, Any]:
    path = TRACES / f"{name}.json.gz"
    if not path.is_file():
        pytest.skip("there is no ../shared/data/traces beside this clone")
    trace: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return trace
