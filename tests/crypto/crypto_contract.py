"""The rules that every adapter of the crypto port keeps, by name; pytest runs them on CPython and in the browser."""

from tests.crypto import epoch_rules, joining_rules, primitives_rules, sealing_rules
from tests.crypto.bench import RULES

__all__ = ["RULES", "epoch_rules", "joining_rules", "primitives_rules", "sealing_rules"]
