"""Collects garbage between steps, at fixed intervals, instead of whenever enough objects have been made.

A collection in the middle of a step makes that step longer, and in a distributed training all other ranks wait for it.
"""

import gc


class SteadyGarbageCollection:
    """An optimization of its own package: it imports neither profilednn_tui nor torch."""

    description = "Python's garbage is collected every 100 updates, right before an update"

    EVERY = 100

    def begin_training(self):
        """Switch the collector off; whatever is switched has its counterpart in `undo`."""
        if not gc.isenabled():
            raise self.Declined("the program has switched the garbage collector off itself")
        self.updates = self.collections = 0
        gc.disable()
        self.undo.append(gc.enable)

    def before_update(self, optimizer):
        """Count updates, and collect when it is time."""
        self.updates += 1
        if self.updates % self.EVERY == 0:
            gc.collect()
            self.collections += 1

    def receipt(self, steps):
        """What has really been changed; it is empty before training begins."""
        if not getattr(self, "updates", 0):
            return ""
        return f"the collector ran {self.collections} times in {self.updates} updates, and at no other time"
