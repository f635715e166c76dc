"""Who waits for whom: what each rank of a distributed training does with its steps, and which one is late."""
