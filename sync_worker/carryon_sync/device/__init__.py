"""The device's half of the protocol: pure machines, driven by `carryon.core.relays`."""
