"""Starting a target under watch: its command, its environment, and who owns its terminal.

Headless, the target inherits our three streams and stays in our process group (`headless`). Under the TUI a small
process of its own, the holder, owns a pseudo-terminal for it and outlives us (`start`, `holder`).
"""
