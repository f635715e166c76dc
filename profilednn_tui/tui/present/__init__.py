"""What the panes say: pure functions from records to lines and rows, without a widget."""
