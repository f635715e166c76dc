"""What a program of the safety table tells about its own training, so that two runs of it can be compared.

A program makes a `Record`, gives it what it trains (`watch`), tells every loss, and calls `end`. The command line is
`PROGRAM.py FOLDER [--resume CHECKPOINT]`: result.json and checkpoint.pt go to the folder.
"""

import argparse
import copy
import io
import json
import pickle
import re
import sys
import warnings
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).parents[1]))

import lazy_dynamo  # noqa: E402, F401

SAMPLES = 64
"""Values kept of each tensor."""


class Record:
    """One run of a program."""

    def __init__(self, updates=8, resumed_updates=3, repeatable=True):
        parser = argparse.ArgumentParser()
        parser.add_argument("folder", type=Path)
        parser.add_argument("--resume", type=Path)
        options = parser.parse_args()
        warnings.simplefilter("ignore")
        self.folder = options.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.resuming = options.resume is not None
        self.updates = range(resumed_updates if self.resuming else updates)
        self._loaded = torch.load(options.resume) if self.resuming else None
        self._watched = {}
        self._before = {}
        self._losses = []
        self._facts = {}
        self._steps = None
        self._repeatable = repeatable
        torch.manual_seed(0)

    def watch(self, **things):
        """Modules, optimizers, tensors or whatever else has a `state_dict`; what was saved of them is loaded."""
        for name, thing in things.items():
            self._watched[name] = thing
            saved = (self._loaded or {}).get(name)
            if saved is not None and isinstance(thing, torch.Tensor):
                with torch.no_grad():
                    thing.copy_(saved)
            elif saved is not None:
                thing.load_state_dict(saved)
        for name, tensor in self._tensors():
            if name not in self._before:
                self._before[name] = tensor.detach().clone()

    def loss(self, value):
        """One loss of an update."""
        self._losses.append(float(value))
        print(f"update {len(self._losses)}: loss {self._losses[-1]:.3f}", flush=True)

    def fact(self, **facts):
        """Something more that has to be the same in every run: numbers within the tolerance."""
        self._facts.update(facts)

    def steps(self, number):
        """Training steps of this process, or of each worker, where they are not as many as the losses."""
        self._steps = number

    def end(self):
        """Write everything."""
        states = {
            name: thing if isinstance(thing, torch.Tensor) else thing.state_dict()
            for name, thing in self._watched.items()
        }
        torch.save(states, self.folder / "checkpoint.pt")
        modules = {name: thing for name, thing in self._watched.items() if isinstance(thing, torch.nn.Module)}
        found = {
            "losses": self._losses,
            "steps": len(self._losses) if self._steps is None else self._steps,
            "repeatable": self._repeatable,
            "facts": self._facts,
            "tensors": {name: self._tensor(name, tensor) for name, tensor in self._tensors()},
            "checkpoint": described(torch.load(self.folder / "checkpoint.pt")),
            "modules": {name: described_module(module) for name, module in modules.items()},
            "traces": {name: traces(module) for name, module in modules.items()},
            "contents": contents(self._watched.values()),
        }
        (self.folder / "result.json").write_text(json.dumps(found))

    def _tensors(self):
        for name, thing in self._watched.items():
            if isinstance(thing, torch.Tensor):
                yield name, thing
            elif isinstance(thing, torch.nn.Module):
                for below, tensor in (*thing.named_parameters(), *thing.named_buffers()):
                    yield f"{name}.{below}", tensor

    def _tensor(self, name, tensor):
        tensor = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
        after, before = tensor.double(), self._before.get(name, tensor).double()
        every = max(1, after.numel() // SAMPLES)
        return {
            "moved": float((after - before).norm()) if after.shape == before.shape else -1.0,
            "values": after.reshape(-1)[::every].tolist(),
            "before": before.reshape(-1)[::every].tolist(),
        }


def described(thing, exact=True):
    """Keys, types, shapes and strides of a checkpoint; values only where the optimizer's groups hold them."""
    if isinstance(thing, torch.Tensor):
        strides = list(thing.stride()) if thing.layout == torch.strided else None
        return ["tensor", str(thing.dtype), list(thing.shape), strides, type(thing).__name__]
    if isinstance(thing, dict):
        return {str(key): described(value, exact and key != "state") for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [described(value, exact) for value in thing]
    return repr(thing) if exact or not isinstance(thing, float) else "float"


def described_module(module):
    """What the program made, and what a copy and a pickle of it are."""
    shown = re.sub(r"-?\d+\.\d{3,}(e[+-]?\d+)?", "#", repr(module))  # observers of quantization show what they saw
    return {"types": types(module), "repr": shown, "deepcopy": copied(module), "pickle": pickled(module)}


def types(module):
    return {path: f"{type(below).__module__}.{type(below).__qualname__}" for path, below in module.named_modules()}


def copied(module):
    try:
        copied = copy.deepcopy(module)
    except Exception as error:
        return type(error).__name__
    return {"types": types(copied), "state": described(copied.state_dict())}


def pickled(module):
    stream = io.BytesIO()
    try:
        torch.save(module, stream, pickle_module=pickle)
        stream.seek(0)
        again = torch.load(stream, weights_only=False)
    except Exception as error:
        return type(error).__name__
    return {"types": types(again), "state": described(again.state_dict())}


def traces(module):
    """What is no part of a checkpoint, but can be seen."""
    return {
        "attributes": {path: sorted(vars(below)) for path, below in module.named_modules()},
        "requires_grad": {name: parameter.requires_grad for name, parameter in module.named_parameters()},
        "hooks": sum(len(below._forward_hooks) + len(below._forward_pre_hooks) for below in module.modules()),
    }


def ranks_agree(module, ranks=2):
    """Whether all ranks hold the same parameters, to the last bit; asked by each of them."""
    vector = torch.cat([parameter.detach().reshape(-1) for parameter in module.parameters()])
    all_of_them = [torch.empty_like(vector) for _ in range(ranks)]
    torch.distributed.all_gather(all_of_them, vector)
    return all(torch.equal(one, vector) for one in all_of_them)


def trains(module):
    return any(parameter.requires_grad for parameter in module.parameters())


def contents(things):
    """What reasons for a refusal can be checked against."""
    modules = [below for thing in things if isinstance(thing, torch.nn.Module) for below in thing.modules()]
    convolutions = [below for below in modules if isinstance(below, (torch.nn.Conv2d, torch.nn.Conv3d))]
    norms = [
        below
        for below in modules
        if type(below).__name__ == "FrozenBatchNorm2d"
        or (isinstance(below, torch.nn.BatchNorm2d) and not below.training and not trains(below))
    ]
    wide = [
        below
        for below in convolutions
        if isinstance(below, torch.nn.Conv2d)
        and (below.kernel_size, below.stride) == ((3, 3), (1, 1))
        and min(below.in_channels, below.out_channels) >= 128
    ]
    optimizers = [type(thing).__name__ for thing in things if isinstance(thing, torch.optim.Optimizer)]
    return {
        "modules": len(modules),
        "convolutions": len(convolutions),
        "wide_3x3_convolutions": len(wide),
        "frozen_norms": len(norms),
        "optimizers": optimizers,
    }
