"""Keeps a target from importing TorchDynamo, which takes as long as torch itself and which only compiling needs.

Every optimizer imports it for two marks that mean nothing outside of a compilation. Anything else that is asked of it
imports the real one.
"""

import importlib
import importlib.util
import sys
import types

import torch

NAME = "torch._dynamo"


def real():
    """TorchDynamo; from now on, everybody gets it."""
    if isinstance(sys.modules.get(NAME), LazyDynamo):
        del sys.modules[NAME]
    torch._dynamo = importlib.import_module(NAME)
    return torch._dynamo


class LazyDynamo(types.ModuleType):
    """Has the two marks, and turns into the real module when it is asked for more."""

    __path__ = ()

    @staticmethod
    def graph_break(*_words):
        """Nothing is compiled that could be broken."""

    @staticmethod
    def disable(function=None, *_words, **_named):
        """Nothing is compiled, this neither."""
        return function if function is not None else lambda decorated: decorated

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(real(), name)


class PartsFinder:
    """Imports the real module before any part of it."""

    def find_spec(self, name, path=None, target=None):
        if not name.startswith(f"{NAME}.") or not isinstance(sys.modules.get(NAME), LazyDynamo):
            return None
        real()
        if name not in sys.modules:
            return importlib.util.find_spec(name)
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec):
        return sys.modules[spec.name]

    def exec_module(self, module):
        """It is there already."""


if NAME not in sys.modules:
    sys.modules[NAME] = torch._dynamo = LazyDynamo(NAME)
    sys.meta_path.insert(0, PartsFinder())
