"""The relay's half of the protocol: pure machines and the ledger's port, driven by `carryon_sync.server`."""
