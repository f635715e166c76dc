"""The owners of memory, by the names that all output uses."""

from __future__ import annotations

PARAMETERS = "parameters"
"""With the buffers of modules."""
GRADIENTS = "gradients"
OPTIMIZER_STATE = "optimizer state"
SAVED = "saved activations"
"""Kept by graphs between two steps: nothing in most trainings."""
TENSORS = "other tensors"
HEAP = "other heap"
"""Of NumPy arrays, libraries with oneDNN's primitives, and the interpreter's large objects."""
HEAP_AND_SLACK = "other heap and slack"
"""Both, where the allocator tells nothing of itself."""
SLACK = "allocator slack"
"""Freed, and kept by the allocator."""
CODE = "primitives' code"
"""Generated at run time, mostly by oneDNN."""
INTERPRETER = "interpreter's objects"
FILES = "libraries and files"
SHARED = "shared memory"
STACK = "main thread's stack"
WORKERS = "worker processes"
"""What DataLoader workers and other children have of their own."""
AGENT = "profilednn-tui"

EXPLANATIONS: dict[str, str] = {
    PARAMETERS: "parameters and buffers of the models",
    GRADIENTS: "of all parameters",
    OPTIMIZER_STATE: "such as Adam's moments",
    SAVED: "kept by autograd graphs between steps",
    TENSORS: "inputs, outputs, data sets: whatever the program refers to",
    HEAP: "NumPy arrays, oneDNN's primitives, libraries, large Python objects",
    HEAP_AND_SLACK: "this allocator does not tell them apart",
    SLACK: "freed by the program, kept by the allocator",
    CODE: "generated at run time, mostly by oneDNN for its primitives",
    INTERPRETER: "small Python objects, from their number",
    FILES: "programs, libraries and mapped data, due share",
    SHARED: "such as batches from workers, due share",
    STACK: "",
    WORKERS: "what DataLoader workers and other children have of their own",
    AGENT: "what the process grew by when the agent started",
}
