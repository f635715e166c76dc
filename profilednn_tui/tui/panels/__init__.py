"""Panes: each shows what a module of `present` computes."""
