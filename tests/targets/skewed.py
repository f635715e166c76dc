"""`python skewed.py MILLISECONDS COMMAND ...`: runs a command whose monotonic clock is that much ahead of this one's.

It gets a time namespace of its own, as another machine would have another clock; root alone may make one.
"""

import ctypes
import os
import subprocess
import sys

CLONE_NEWTIME = 0x80

offset_ns = int(sys.argv[1]) * 1_000_000
if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWTIME):
    sys.exit(f"no time namespace: {os.strerror(ctypes.get_errno())}")
with open("/proc/self/timens_offsets", "w") as stream:
    stream.write(f"monotonic {offset_ns // 10**9} {offset_ns % 10**9}")
sys.exit(subprocess.run(sys.argv[2:], check=False).returncode)
