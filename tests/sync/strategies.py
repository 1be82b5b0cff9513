"""What hypothesis draws for the sync tests: well-formed values of every format."""

from __future__ import annotations

from carryon_sync.formats.change import N_MAX, NO_PREV, Body, Change, Header, Kind, Link, Seen
from hypothesis import strategies as st


def octets(length: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=length, max_size=length)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    kind = draw(st.sampled_from(Kind))
    n = draw(st.integers(1, N_MAX))
    prev = NO_PREV if n == 1 else draw(octets(32).filter(any))
    extra = b"" if kind is Kind.CHANGE else draw(st.binary(max_size=80))
    return Header(draw(octets(16)), draw(octets(16)), draw(octets(16)), n, prev, kind, extra)


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    links = draw(st.lists(st.builds(Link, octets(16), st.integers(1, N_MAX), octets(32)), max_size=4))
    seen = draw(st.lists(st.builds(Seen, octets(16), st.integers(0, 2**64 - 1), octets(32)), max_size=3))
    return Body(
        note=draw(octets(16)),
        time=draw(st.integers(-(2**63), 2**63 - 1)),
        apart=draw(st.integers(0, 2**32 - 1)),
        needs=tuple({link.author: link for link in sorted(links, key=lambda link: link.author)}.values()),
        seen=tuple({one.log: one for one in sorted(seen, key=lambda one: one.log)}.values()),
        updates=tuple(draw(st.lists(st.binary(max_size=60), max_size=5))),
    )


def changes() -> st.SearchStrategy[Change]:
    return st.builds(
        Change, headers(), octets(32), octets(32), octets(12), st.binary(min_size=48, max_size=200), octets(64)
    )
