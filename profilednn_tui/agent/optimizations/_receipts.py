"""What is told of each optimization: whether it is on, what it has really changed, or why it has not."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...protocol.vocabulary import DECLINED, NO_EFFECT, ON
from ..isolation.dynamo import graphs
from . import Missing, Optimization

Account = tuple[str, str]
"""State and text."""


@dataclass
class Seen:
    """What this process has shown of what optimizations act on."""

    training: bool = False
    """Anything of a training."""
    optimizer: bool = False
    compiled: set[bool] = field(default_factory=set)
    """Of the models that were trained: whether the program compiles them."""

    def lacks(self, one: Optimization) -> str:
        """What the optimization acts on and this process never had; empty when it had it."""
        if one.acts_on and not self.training:
            return "no model was trained in this process"
        if one.acts_on == "model" and not self.compiled:
            outside = " outside of what the script compiles" if graphs() else ""
            return f"the training calls no nn.Module with trainable parameters{outside}"
        if one.acts_on == "model" and self.compiled == {True}:
            return "the script compiles the model itself"
        if one.acts_on == "optimizer" and not self.optimizer:
            return "no optimizer of torch has made an update"
        return ""


class Receipts:
    """The accounts of all optimizations of one process, and which of them have been told."""

    def __init__(self) -> None:
        self.seen = Seen()
        self._final: dict[str, Account] = {}
        """Of those that are not on, by name."""
        self._told: dict[str, Account] = {}
        self._next_news_step = 0
        self._left_alone: dict[str, dict[str, str]] = {}
        """By name of an optimization and class of a model, why that was left alone."""
        self._acted: set[str] = set()
        """Those that were on in the call of a model."""

    def close(self, name: str, state: str, text: str) -> None:
        """An optimization is not on, or no longer."""
        self._final[name] = state, text

    def leave_alone(self, one: Optimization, root: object, reason: str) -> None:
        """An optimization does nothing to one model."""
        self._left_alone.setdefault(one.name, {})[type(root).__name__] = reason

    def acted(self, active: list[Optimization]) -> None:
        """These were on in the call of a model."""
        self._acted.update(one.name for one in active)

    def news(self, active: list[Optimization], steps: int, final: bool) -> dict[str, Account]:
        """What has not been told yet; accounts of those that are on come after a whole step, or when none will come."""
        found = dict(self._final)
        if final or (steps and steps >= self._next_news_step):
            self._next_news_step = max(3, 2 * steps)  # a receipt may hold figures that go on changing a little
            found.update((one.name, self.account(one, steps)) for one in active)
        fresh = {name: account for name, account in found.items() if self._told.get(name) != account}
        self._told.update(fresh)
        return fresh

    def begin_anew(self) -> None:
        """In a forked child: all has to be told in the child's own stream."""
        self._told.clear()
        self._next_news_step = 0

    def account(self, one: Optimization, steps: int) -> Account:
        """State and text of one that has not been taken back."""
        try:
            receipt = one.receipt(steps)
            left_alone = "; ".join(
                f"{model} left alone, because {reason}" for model, reason in self._left_alone.get(one.name, {}).items()
            )
            nowhere = one.acts_on == "model" and one.name not in self._acted
            if receipt and not (left_alone and nowhere):
                return ON, f"{receipt}; {left_alone}" if left_alone else receipt
            if left_alone:
                return DECLINED, left_alone
            return NO_EFFECT, f"because {self.seen.lacks(one) or one.no_effect()}"
        except Exception as error:  # noqa: BLE001 - asked by the agent's thread, while the training may go on
            return ON, f"no receipt: {error_text(error)}"


def sentence(missing: Missing) -> str:
    """Reason and fix."""
    return f"{missing.reason}; fix: {missing.fix}" if missing.fix else missing.reason


def error_text(error: BaseException) -> str:
    """Class and message, not too long."""
    return f"{type(error).__name__}: {error}"[:500]
