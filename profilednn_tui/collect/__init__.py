"""The host's own collectors: what the operating system knows about the target.

`sample` reads everything once a second; `cores`, `threads`, `memory` and `workers` are pure functions from two
moments to one event; `recorder` writes the events to ``host.jsonl``.
"""
