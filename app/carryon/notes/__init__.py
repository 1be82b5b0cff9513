"""A note as a CRDT document, and what is read from it: the only package that imports pycrdt. It is pure."""
