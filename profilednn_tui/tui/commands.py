"""The palette: every action that has a key, by name."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from profilednn_tui.tui.keys import key_name, keymap_of, own_bindings, remapped


class ActionsProvider(Provider):
    """Actions of the focused pane, the screen and the app."""

    def _actions(self) -> Iterator[tuple[str, str, partial[Coroutine[Any, Any, bool]]]]:
        seen: set[str] = set()
        for node in (self.app, self.screen, self.focused):
            if node is None:
                continue
            for binding in own_bindings(type(node)):
                if binding.description not in seen and binding.action != "command_palette":
                    seen.add(binding.description)
                    text = binding.description[0].upper() + binding.description[1:]
                    yield (
                        text,
                        key_name(remapped(binding, keymap_of(node))),
                        partial(self.app.run_action, binding.action, node),
                    )

    async def discover(self) -> Hits:
        for text, key, run in self._actions():
            yield DiscoveryHit(f"{text}  ({key})", run)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for text, key, run in self._actions():
            score = matcher.match(text)
            if score > 0:
                yield Hit(score, matcher.highlight(f"{text}  ({key})"), run, text=text)
