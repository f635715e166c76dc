"""oneDNN's verbose logs: reading them, breaking them down, comparing them, and parameters for running them again."""
