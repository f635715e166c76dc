"""The safety table: small programs that an optimization could harm, each trained with each optimization.

`python -m benchmarks.safety` continues where it stopped and writes benchmarks/results/safety.jsonl, one cell per line,
and safety.md. `--only PROGRAM` and `--optimization NAME`, which may be repeated, select cells; `--fresh` makes the
selected ones anew; `--list` lists the programs. `--assume-bfloat16` (as root, Linux) makes the processor appear to have
bfloat16 arithmetic, so that bf16, bf16_matmul and winograd are judged, too: they compute correctly without it, only
slowly, and their cells are marked. `--threads N` limits every program to N threads, for a shared machine; `threads`
then has nothing to decide. `--jobs N` makes N rows at once: no times are judged here.

A program (tests/targets/safety) is run plainly once, then watched without an optimization (`none`), with each that is
available here, and with all that can be combined (`together`). A cell's verdict is

    on               it was on, and everything is as in the plain run
    no effect: why   in the words of the receipt
    declined: why    it was reverted, or could not be on
    HARMED: what     training continued, but something is not as in the plain run
    CRASHED: how     the exit code differs from the plain run's, or the run did not end in time

"As in the plain run" covers stdout (numbers within the tolerance), every loss (within the tolerance), how far every
parameter moves (approximately), the checkpoint's keys, types, shapes, strides and groups, the types of all modules and
of their copies and pickles, and a plain run that resumes from the checkpoint. The tolerances, with reasons, are in
judge.py.
"""
