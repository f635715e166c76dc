"""The short-lived process that injects: ``python -m profilednn_tui.attach.injector METHOD PID < TEMPLATE``.

METHOD is ``pending-call`` or ``thread``. ``@ADDRESS@`` and ``@SIZE@`` in the template stand for the page that the
injection leaves. The answer is one JSON object: ``{"tid": ..., "address": ..., "stopped_s": ...}`` or ``{"failure":
"..."}``.
"""

from __future__ import annotations

import json
import sys

PENDING_CALL, THREAD = "pending-call", "thread"
ADDRESS, SIZE = b"@ADDRESS@", b"@SIZE@"


def main(method: str, pid: int) -> None:
    template = sys.stdin.buffer.read()
    print(json.dumps(inject(method, pid, template)))


def inject(method: str, pid: int, template: bytes) -> dict[str, object]:
    """Inject once and return the answer."""
    from profilednn_tui.attach.injection import InjectionError, Injector
    from profilednn_tui.attach.ptrace import GoneError, RefusedError
    from profilednn_tui.attach.symbols import MissingSymbolsError

    def text(address: int, size: int) -> bytes:
        return template.replace(ADDRESS, b"%d" % address).replace(SIZE, b"%d" % size)

    try:
        injector = Injector(pid)
        run = injector.run_at_next_bytecode if method == PENDING_CALL else injector.run_in_new_thread
        done = run(text)
    except (InjectionError, GoneError, RefusedError, MissingSymbolsError, OSError) as error:
        return {"failure": str(error)}
    return {"tid": done.tid, "address": done.address, "stopped_s": done.stopped_s}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
