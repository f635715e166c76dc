"""Launching a target to profile: its command, its environment, and the owner of its terminal.

Headless, the target inherits our three streams and stays in our process group (`headless`). With the TUI, a small
separate process, the holder, owns a pseudo-terminal for it and outlives us (`start`, `holder`).
"""
