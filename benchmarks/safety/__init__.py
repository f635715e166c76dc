"""The safety table: small programs that an optimization could harm, each trained with each optimization.

`python -m benchmarks.safety` goes on where it stopped and writes benchmarks/results/safety.jsonl, one cell a line, and
safety.md. `--only PROGRAM` and `--optimization NAME`, which may be repeated, choose cells; `--fresh` makes the chosen
ones anew; `--list` names the programs. `--assume-bfloat16` (as root, Linux) lets the processor pass for one that has
bfloat16 arithmetic, so that bf16, bf16_matmul and winograd are judged, too: they compute right without it, only slowly,
and their cells are marked. `--threads N` limits every program to N threads, for a machine that others use; `threads`
then has nothing to decide. `--jobs N` makes N rows at once: no time is judged here.

A program (tests/targets/safety) is run plainly once, then watched without an optimization (`none`), with each that is
available here, and with all that go together (`together`). A cell's verdict is

    on               it was on, and all is as in the plain run
    no effect: why   in the words of the receipt
    declined: why    it was taken back, or could not be on
    HARMED: what     the training went on, but something is not as in the plain run
    CRASHED: how     another exit code than the plain run's, or none in time

As in the plain run means: stdout (numbers within the tolerance), every loss within the tolerance, every parameter that
moves moves about as far, the checkpoint's keys, types, shapes, strides and groups, the types of all modules, also of
their copies and pickles, and a plain run that resumes from the checkpoint. The tolerances, with reasons, are in
judge.py.
"""
