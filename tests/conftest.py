"""Profiles of the property tests: the machine is shared, so none is judged by the clock; `soak` tries many more examples."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.register_profile("soak", deadline=None, max_examples=5_000)
settings.load_profile("unhurried")
