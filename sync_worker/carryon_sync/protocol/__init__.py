"""How it is said: frames, their codec, why a connection closes."""
