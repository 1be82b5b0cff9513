"""Heads say how far each author's chain of one tag is held; this is their algebra.

1. Heads cover a link when they hold its author further, or at the same number with the same id.
2. A fork, two ids at one number, is covered by neither branch: whoever compares sees that something is missing.

It knows nothing of what lies between: that a chain is contiguous is `holdback.py`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from carryon_sync.formats.change import Link

Heads = Mapping[bytes, Link]


def holds(heads: Heads, link: Link) -> bool:
    """Say whether `heads` reach a link."""
    head = heads.get(link.author)
    return head is not None and (head.n > link.n or head == link)


def covers(heads: Heads, others: Heads) -> bool:
    """Say whether `heads` reach all of `others`, author by author."""
    return all(holds(heads, link) for link in others.values())


def beyond(heads: Heads, others: Heads) -> tuple[Link, ...]:
    """Return the links of `heads` that `others` do not reach, ascending by author."""
    return tuple(heads[author] for author in sorted(heads) if not holds(others, heads[author]))


def union(heads: Heads, others: Heads) -> dict[bytes, Link]:
    """Return the greater link of each author; of a fork's two, the one with the greater id, the same everywhere."""
    return reached(heads, others.values())


def reached(heads: Heads, links: Iterable[Link]) -> dict[bytes, Link]:
    """Return `heads` moved on by `links`."""
    moved = dict(heads)
    for link in links:
        head = moved.get(link.author)
        if head is None or (link.n, link.id) > (head.n, head.id):
            moved[link.author] = link
    return moved
