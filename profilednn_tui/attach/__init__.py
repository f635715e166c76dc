"""Getting into a process that was started without us, and out again.

`checks` says in words whether it can be done; `ladder` tries one way after another until the agent says hello:
`remote_exec`, `injection` from a short-lived process (`injector`), `gdb`. `recorder` is the process that keeps the
session of an attached process, in the place of a launched run's holder.
"""
