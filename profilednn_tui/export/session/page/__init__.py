"""The session as one HTML page that people send around: it needs no network, and holds no source text."""
