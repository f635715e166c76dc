"""The text that an injection runs in the target: the whole agent, so that the target needs access to no file."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from functools import cache
from pathlib import Path

from profilednn_tui.launch.options import AGENT_FOLDER

PACKAGE = "_profilednn"
"""The name under which the agent's modules are loaded in the target."""

_PACKAGE_FOLDER = AGENT_FOLDER.parent
_BOOT = AGENT_FOLDER / "boot" / "attached.py"

# Runs in the main thread between two bytecodes, so it does next to nothing: it starts a thread without the locks of
# `threading`, leaves no name in `__main__` and lets no exception out. Imports and the rest happen in the thread.
_START = """
try:
 import _thread
 def _start(packed="{packed}",page=({address},{size})):
  try:
   import binascii,json,zlib
   order=json.loads(zlib.decompress(binascii.a2b_base64(packed)))
   order["address"],order["size"]=page
   names={{"__name__":"_profilednn_attached"}}
   exec(compile(order["boot"],order["path"],"exec"),names)
   names["main"](order)
  except BaseException:
   pass
 _thread.start_new_thread(_start,())
except BaseException:
 pass
"""


def start_text(
    folder: str, budget_percent: float, stop_after: int | None, address: str = "0", size: str = "0"
) -> bytes:
    """One Python statement that starts the agent with its recording in `folder`, a path as the target sees it.

    `address` and `size` describe the page that the agent unmaps when it leaves; zero if there is none.
    """
    modules, digest = agent_modules()
    order = {
        "folder": folder,
        "budget_percent": budget_percent,
        "stop_after": stop_after,
        "modules": modules,
        "digest": digest,
        "boot": _BOOT.read_text(),
        "path": str(_BOOT),
    }
    packed = base64.b64encode(zlib.compress(json.dumps(order).encode(), 9)).decode()
    text = _START.format(packed=packed, address=address, size=size)
    return f"exec({text!r},{{}})\n".encode()


@cache
def agent_modules() -> tuple[dict[str, tuple[str, str]], str]:
    """Module name -> (path, source) of the agent and its dependencies, and a digest of them all."""
    files = sorted((_PACKAGE_FOLDER / "protocol").glob("*.py"))
    files += [path for path in sorted(AGENT_FOLDER.rglob("*.py")) if path.parent != _BOOT.parent]
    modules = {_module_name(path): (str(path), path.read_text()) for path in files}
    return modules, hashlib.sha256(json.dumps(modules).encode()).hexdigest()


def _module_name(path: Path) -> str:
    parts = path.relative_to(_PACKAGE_FOLDER).with_suffix("").parts
    return ".".join((PACKAGE, *(part for part in parts if part != "__init__")))
