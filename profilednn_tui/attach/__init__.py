"""Bringing the agent into a process that was started without us, and taking it out again.

`checks` explains whether a process can be attached to; `strategy` tries one method after another until the agent says
hello: `remote_exec`, `injection` from a short-lived process (`injector`), `gdb`. `recorder` is the process that keeps
the session of an attached process, as the holder does for a launched one.
"""
