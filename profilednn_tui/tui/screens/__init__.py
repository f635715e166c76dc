"""Screens: which panes are on them, and what their keys do."""
