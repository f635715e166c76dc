"""The agent: our code inside the target. A guest.

It runs in the target's interpreter (Python 3.9 or newer, torch 2.4 or newer) under the private package name
``_profilednn``, with the standard library and the target's own torch only, so all imports here are relative.
Whatever fails in it is reported as an event, and the training goes on.
"""
