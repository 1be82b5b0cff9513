"""Profiles of the property tests: the machine is shared, so none is judged by the clock.

`make test` is a proof and tries the same examples each time; `soak` is a search and tries new ones, many more of them.
`make breaks` asks for `noticed`: it wants to know that a test fails, and not by how small an example.
"""

from __future__ import annotations

import os

from hypothesis import Phase, settings

settings.register_profile("proof", deadline=None, derandomize=True)
settings.register_profile("soak", deadline=None, max_examples=5_000)
settings.register_profile("noticed", deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "proof"))
