"""Reports on each optimization: whether it is on, what it actually changed, or why it changed nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ...protocol.vocabulary import DECLINED, NO_EFFECT, ON
from ..isolation.dynamo import graphs
from . import Missing, Optimization

Account = tuple[str, str]
"""State and text."""


@dataclass
class Seen:
    """Which of the things that optimizations act on were seen in this process."""

    training: bool = False
    """Any sign of training."""
    optimizer: bool = False
    compiled: set[bool] = field(default_factory=set)
    """For the models trained so far, whether the program compiles them."""

    def lacks(self, one: Optimization) -> str:
        """What the optimization needs but this process lacked; empty if nothing was lacking."""
        if one.acts_on and not self.training:
            return "no model was trained in this process"
        if one.acts_on == "model" and not self.compiled:
            outside = " outside of what the script compiles" if graphs() else ""
            return f"training calls no nn.Module with trainable parameters{outside}"
        if one.acts_on == "model" and self.compiled == {True}:
            return "the script compiles the model itself"
        if one.acts_on == "optimizer" and not self.optimizer:
            return "no torch optimizer has made an update"
        return ""


class Receipts:
    """The state and text of all optimizations in one process, and which of them have been reported."""

    def __init__(self) -> None:
        self.seen = Seen()
        self._final: dict[str, Account] = {}
        """Accounts of optimizations that are not on, by name."""
        self._reported: dict[str, Account] = {}
        self._next_news_step = 0
        self._left_alone: dict[str, dict[str, str]] = {}
        """Why a model was left alone, by the optimization's name and the model's class."""
        self._acted: set[Optimization] = set()
        """Optimizations that were on in a model call."""
        self._looks: Counter[int] = Counter()
        """Calls of each model, by its ``id``, that were made as in a plain run."""

    def close(self, name: str, state: str, text: str) -> None:
        """Record that an optimization is not, or no longer, active."""
        self._final[name] = state, text

    def leave_alone(self, one: Optimization, root: object, reason: str) -> None:
        """Record that an optimization leaves a model alone."""
        self._left_alone.setdefault(one.name, {})[type(root).__name__] = reason

    def acted(self, active: list[Optimization]) -> None:
        """Record that these optimizations were active in a model call."""
        self._acted.update(active)

    def looked_at(self, model: object) -> None:
        """Record that a call of a model was made as in a plain run, without any optimization of it."""
        self._looks[id(model)] += 1

    def news(self, active: list[Optimization], steps: int, final: bool) -> dict[str, Account]:
        """Unreported accounts; those of active optimizations follow after a whole step, or when `final`."""
        found = dict(self._final)
        if final or (steps and steps >= self._next_news_step):
            self._next_news_step = max(3, 2 * steps)  # a receipt may contain figures that keep changing slightly
            found.update((one.name, self.account(one, steps)) for one in active)
        fresh = {name: account for name, account in found.items() if self._reported.get(name) != account}
        self._reported.update(fresh)
        return fresh

    def begin_anew(self) -> None:
        """In a forked child, report everything again in the child's own stream."""
        self._reported.clear()
        self._next_news_step = 0

    def account(self, one: Optimization, steps: int) -> Account:
        """State and text of an optimization that has not been reverted."""
        try:
            without = max(self._looks.values(), default=0) if one.acts_on == "model" else 0
            receipt = one.receipt(max(0, steps - without))
            reasons = {**self._left_alone.get(one.name, {}), **one.left_alone}
            left_alone = "; ".join(f"{what} left alone, because {reason}" for what, reason in reasons.items())
            nowhere = one.acts_on == "model" and one not in self._acted
            if receipt and not (left_alone and nowhere):
                return ON, f"{receipt}; {left_alone}" if left_alone else receipt
            if left_alone:
                return DECLINED, left_alone
            return NO_EFFECT, f"because {self.seen.lacks(one) or one.no_effect()}"
        except Exception as error:  # noqa: BLE001 - runs on the agent's thread while training may continue
            return ON, f"no receipt: {error_text(error)}"


def sentence(missing: Missing) -> str:
    """The reason and, if known, the fix."""
    return f"{missing.reason}; fix: {missing.fix}" if missing.fix else missing.reason


def error_text(error: BaseException) -> str:
    """The exception's class and message, truncated."""
    return f"{type(error).__name__}: {error}"[:500]
