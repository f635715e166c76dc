"""What the calls of a window add up to in a stretch of time, and how fragmented they are."""
