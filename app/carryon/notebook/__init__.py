"""The open notebook in memory: commands in, facts out, and the list, the search, import and export. It is pure."""
