"""What a person presses or types, carried out."""
