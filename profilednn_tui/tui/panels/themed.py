"""Widgets that draw their own lines in the colours of the theme."""

from __future__ import annotations

from textual.widget import Widget

from profilednn_tui.tui.theme import Palette


class Themed(Widget):
    """Provides the palette of the current theme.

    Among several bases it comes last: textual takes styles and bindings from the first base that is a widget.
    """

    _palette: Palette | None = None

    @property
    def palette(self) -> Palette:
        if self._palette is None:
            self._palette = Palette(self.app.theme_variables, self.app.current_theme.ansi)
        return self._palette

    def notify_style_update(self) -> None:
        """Drop cached colours: the theme or the focus has changed."""
        super().notify_style_update()
        self._palette = None
