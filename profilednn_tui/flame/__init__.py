"""Operators as trees of the lines and modules that lead to them: what flame graphs show and exports of stacks hold."""
