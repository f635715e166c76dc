"""What oneDNN says in its verbose logs: reading, breaking down, comparing, and repeating its primitives."""
