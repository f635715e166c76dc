"""Panes: each places what `present` says."""
