"""Comparing two sides, each one or more runs: steps, losses, operators, and a verdict with its uncertainty.

`runs` reads finished sessions, `samples` and `warmup` select the steps that count, `intervals` computes the ratio of
the sides and its confidence interval, `verdict` judges it, `losses` checks that training still computes the same
thing, and `alignment` puts phases, operators and modules side by side. `comparison` combines all of this.
"""
