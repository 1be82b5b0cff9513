"""What the device keeps: the log, which is the truth, and what is derived from it.

1. Everything durable goes through one port, `store.Store`, and is durable when the call returns.
2. Only `log.Log` and `device.DeviceStore` know store names and record layouts (`layouts`).
3. Nothing here understands a note: changes are sealed bytes, rows and states are sealed bytes.
"""
