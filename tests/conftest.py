"""What all tests start from."""

from __future__ import annotations

import signal

# Found in a run of the tests in a shell's background, whose children ignore Ctrl-C: those of a test would, too.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)
