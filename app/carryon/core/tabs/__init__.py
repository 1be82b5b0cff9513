"""What a tab and the core say to each other."""
