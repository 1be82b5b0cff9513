"""What hypothesis draws for the sync tests: well-formed values of every format."""

from __future__ import annotations

from carryon_sync.formats.change import N_MAX, NO_COMMIT, NO_PREV, Body, Change, Header, Kind, Link, Seen
from carryon_sync.formats.running import MARK_STEP
from hypothesis import strategies as st


def octets(length: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=length, max_size=length)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    kind = draw(st.sampled_from([*Kind, 77, 200]))
    n = draw(st.integers(1, N_MAX))
    prev = NO_PREV if n == 1 else draw(octets(32).filter(any))
    extra = b"" if kind == Kind.CHANGE else draw(st.binary(max_size=80))
    return Header(draw(octets(16)), draw(octets(16)), draw(octets(16)), n, prev, kind, extra)


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    links = draw(st.lists(st.builds(Link, octets(16), st.integers(1, N_MAX), octets(32)), max_size=4))
    marks = st.integers(0, 2**50).map(lambda number: number * MARK_STEP)
    seen = draw(st.lists(st.builds(Seen, octets(16), marks, octets(32)), max_size=3))
    return Body(
        note=draw(octets(16)),
        time=draw(st.integers(-(2**63), 2**63 - 1)),
        apart=draw(st.integers(0, 2**32 - 1)),
        needs=tuple({link.author: link for link in sorted(links, key=lambda link: link.author)}.values()),
        seen=tuple({one.log: one for one in sorted(seen, key=lambda one: one.log)}.values()),
        updates=tuple(draw(st.lists(st.binary(max_size=60), max_size=5))),
        tips=tuple(sorted(draw(st.sets(octets(32), max_size=3)))),
        more=draw(st.binary(max_size=20)),
    )


@st.composite
def changes(draw: st.DrawFn) -> Change:
    header, signature = draw(headers()), draw(octets(64))
    if header.kind == Kind.ATTEST:
        return Change(header, NO_COMMIT, bytes(32), bytes(12), b"", signature)
    ciphertext = draw(st.binary(min_size=17, max_size=200))
    return Change(header, draw(octets(32).filter(any)), draw(octets(32)), draw(octets(12)), ciphertext, signature)
