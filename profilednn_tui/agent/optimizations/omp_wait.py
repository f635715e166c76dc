"""Decides whether OpenMP threads spin or sleep between parallel loops."""

from __future__ import annotations

import os
from typing import Any

from . import LaunchChanges, Optimization
from ._processors import one_for_each_core, usable_threads

VARIABLE = "OMP_WAIT_POLICY"


class OpenMPWait(Optimization):
    name = "omp_wait"
    description = "OpenMP threads spin between loops if each has its own core, otherwise they sleep"
    at_launch = True

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._policy = ""

    def prepare_launch(self) -> LaunchChanges:
        asked = self.context.environment.get("OMP_NUM_THREADS", "").split(",")[0]
        cores = len(one_for_each_core(os.sched_getaffinity(0)))
        threads = int(asked) if asked.isdigit() else len(os.sched_getaffinity(0))
        usable = usable_threads(cores, self.context.quota)
        crowded = threads > usable and "threads" not in self.context.others
        return LaunchChanges({VARIABLE: "passive" if crowded else "active"})

    def begin_torch(self) -> None:
        self._policy = self.context.environment.get(VARIABLE, "").lower()

    def receipt(self, steps: int) -> str:
        what = {"active": "threads spin", "passive": "threads sleep"}.get(self._policy)
        return f"{VARIABLE}={self._policy}: {what} between parallel loops" if what else ""

    def no_effect(self) -> str:
        return f"{VARIABLE} did not reach the process"
