"""The algebra of heads: a partial order per author, with forks covered by neither branch."""

from __future__ import annotations

from carryon_sync.formats.change import Link
from carryon_sync.formats.heads import Heads, beyond, covers, holds, reached, union
from hypothesis import given
from hypothesis import strategies as st

AUTHORS = [bytes([number]) * 16 for number in range(3)]
links = st.builds(
    Link, st.sampled_from(AUTHORS), st.integers(1, 4), st.integers(0, 1).map(lambda number: bytes([number]) * 32)
)
heads = st.lists(links, max_size=4).map(lambda some: reached({}, some))


@given(heads)
def test_heads_cover_themselves_and_nothing_is_beyond_them(one: Heads) -> None:
    assert covers(one, one)
    assert beyond(one, one) == ()


@given(heads, heads, heads)
def test_covering_is_transitive(one: Heads, two: Heads, three: Heads) -> None:
    if covers(one, two) and covers(two, three):
        assert covers(one, three)


@given(heads, heads)
def test_what_is_beyond_is_what_is_not_covered(one: Heads, two: Heads) -> None:
    assert covers(two, one) == (beyond(one, two) == ())
    assert all(not holds(two, link) for link in beyond(one, two))


@given(heads, heads, heads)
def test_union_does_not_depend_on_order(one: Heads, two: Heads, three: Heads) -> None:
    assert union(one, two) == union(two, one)
    assert union(union(one, two), three) == union(one, union(two, three))


def test_the_branches_of_a_fork_do_not_cover_each_other() -> None:
    here, there = Link(AUTHORS[0], 2, bytes(32)), Link(AUTHORS[0], 2, b"\1" * 32)

    assert not covers({here.author: here}, {there.author: there})
    assert beyond({here.author: here}, {there.author: there}) == (here,)
    assert union({here.author: here}, {there.author: there}) == {there.author: there}
