"""Screens: their panes and the actions of their keys."""
