"""A live terminal instrument for PyTorch training on CPU servers."""

__version__ = "0.1.0"
