"""What names the job that this process is a rank of, alike on all machines that take part."""

from __future__ import annotations

import os
from typing import Any

MOST_STORES = 8
"""Stores inside of each other, each of which adds a prefix."""
LOCAL = ("localhost", "127.", "::1")
_CLUSTERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")


def job_names(distributed: Any) -> list[str]:
    """Its names, such as ``run 7f3a`` and ``store node1:29500``; empty if nothing is known."""
    names = []
    run = os.environ.get("TORCHELASTIC_RUN_ID", "none")
    if run != "none":
        names.append(f"run {run}")
    address = _store_address(distributed) or _address_from_variables()
    if address is not None:
        names.append(f"store {address}")
    names += [f"{name} {os.environ[name]}" for name in _CLUSTERS if os.environ.get(name)]
    return names


def _store_address(distributed: Any) -> str | None:
    """Where the store listens over which the ranks have found each other; None if it is not reached by TCP."""
    try:
        store = distributed.distributed_c10d._get_default_store()
        for _ in range(MOST_STORES):
            if hasattr(store, "host") and hasattr(store, "port"):
                return _address(str(store.host), str(store.port))
            store = store.underlying_store
    except (AttributeError, RuntimeError, ValueError):
        pass
    return None


def _address_from_variables() -> str | None:
    host, port = os.environ.get("MASTER_ADDR"), os.environ.get("MASTER_PORT")
    return _address(host, port) if host and port else None


def _address(host: str, port: str) -> str:
    """An address that means the same on all machines: one that each has for itself gets the machine's name."""
    return f"{os.uname().nodename}/{host}:{port}" if host.startswith(LOCAL) else f"{host}:{port}"
