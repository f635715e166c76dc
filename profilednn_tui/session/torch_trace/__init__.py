"""Opens traces that torch.profiler has written itself, as if they were recordings."""
