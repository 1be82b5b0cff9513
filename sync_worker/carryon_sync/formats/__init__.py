"""What is written: layouts of changes and members' records, and the algebra of what they say. The ground: it imports nothing of the rest."""
