"""Drawings made of characters: pure functions from numbers to lines, without a widget."""
