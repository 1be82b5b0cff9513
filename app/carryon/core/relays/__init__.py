"""Who talks to a relay, and the evidence that comes of it."""
