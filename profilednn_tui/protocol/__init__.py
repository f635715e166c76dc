"""The contract between agent and host: the single definition of everything that both write, read or name.

It also runs inside the target, so it needs nothing but Python 3.9 and its standard library.
"""
