"""The contract between agent and host: the one place for what both of them write, read or spell.

It runs inside the target as well, so it needs nothing but Python 3.9 and its standard library.
"""
