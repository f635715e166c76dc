"""Graphics made of characters: pure functions from numbers to lines, without widgets."""
