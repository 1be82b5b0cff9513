"""Profiles of the property tests: the machine is shared, so none is judged by the clock.

`make test` is a proof and tries the same examples each time; `soak` is a search and tries new ones, many more of them.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("proof", deadline=None, derandomize=True)
settings.register_profile("soak", deadline=None, max_examples=5_000)
settings.load_profile("proof")
