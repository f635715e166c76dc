"""Resume a program from several checkpoints, each in a process of its own: `resume.py PROGRAM (CHECKPOINT FOLDER)...`.

torch is imported once; the processes are forked before it has started any thread.
"""

import os
import runpy
import sys
import traceback

import torch  # noqa: F401

program, *pairs = sys.argv[1:]
for checkpoint, folder in zip(pairs[::2], pairs[1::2], strict=True):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    code = 1
    try:
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/output.txt", "w") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        sys.argv = [program, folder, "--resume", checkpoint]
        sys.path[0] = os.path.dirname(program)
        runpy.run_path(program, run_name="__main__")
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
