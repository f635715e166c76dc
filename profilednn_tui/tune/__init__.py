"""Finds the fastest proven setting: effects of all switches in one process, a race, and a shootout against stock."""
