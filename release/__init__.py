"""Building and checking what is published: ``make dist``."""
