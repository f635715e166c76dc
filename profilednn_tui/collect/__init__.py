"""The host's collectors: what the operating system knows about the target.

`sample` reads everything once per second; `cores`, `threads`, `memory` and `workers` are pure functions from two
samples to one event; `recording.sampler` writes the events to ``host.jsonl``.
"""
