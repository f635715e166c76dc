"""Pictures of the program at work, and what takes them."""
