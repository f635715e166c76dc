"""Two sides of runs against each other: steps, losses, operators, and a verdict with its uncertainty.

`runs` reads finished sessions, `samples` and `warmup` choose the steps that count, `intervals` gives the ratio of two
sides with its confidence interval, `verdict` judges it, `losses` says whether the training still computes the same,
and `alignment` puts phases, operators and modules side by side. `comparison` is all of it for two sides.
"""
