"""The contents of the panes: pure functions from records to lines and rows, without widgets."""
