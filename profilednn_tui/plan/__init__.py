"""Time to train: what ranks, threads and batch sizes would take, from measured points and a curve of convergence."""
