"""Children that train, made and ended in all kinds of ways, one a name: `children.py NAME`; 40 steps each."""

import multiprocessing
import os
import sys
import time

from tiny import model, train

STEPS = 40


def work(number=0):
    train(STEPS)
    return number


def in_processes(kind, count=2):
    context = multiprocessing.get_context(kind)
    children = [context.Process(target=work, args=(number,)) for number in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    print([child.exitcode for child in children])


def fork():
    in_processes("fork")


def spawn():
    in_processes("spawn")


def forkserver():
    in_processes("forkserver")


def daemon():
    child = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    child.start()
    child.join()
    print(child.exitcode)


def train_and_raise():
    train(STEPS)
    raise ValueError("boom")


def raises():
    child = multiprocessing.get_context("fork").Process(target=train_and_raise)
    child.start()
    child.join()
    print(child.exitcode)


def pool():
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as executor:
        print(executor.submit(work, 7).result())


def terminated_pool():
    """Leaving the block ends the workers by SIGTERM, as soon as the last result is there."""
    with multiprocessing.get_context("fork").Pool(2) as workers:
        print(workers.map(work, [1, 2], chunksize=1))


def killed():
    """The parent ends a child that trains on and on."""
    context = multiprocessing.get_context("spawn")
    enough = context.Event()
    child = context.Process(target=train_until_killed, args=(enough,))
    child.start()
    enough.wait()
    child.kill()
    child.join()
    print(child.exitcode)


def train_until_killed(enough):
    train(STEPS)
    enough.set()
    time.sleep(60)


def bare():
    for status in (0, 3):
        child = os.fork()
        if child == 0:
            train(STEPS)
            os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def exit_by_name():
    """The function is pickled by its name, as it would be without us."""
    child = multiprocessing.get_context("spawn").Process(target=os._exit, args=(5,))
    child.start()
    child.join()
    print(child.exitcode, os._exit.__name__)
    try:
        os._exit("no number")
    except TypeError as error:
        print(error)
    train(STEPS)


def shared(rank, net):
    import torch

    torch.manual_seed(rank)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(torch.randn(4, 8)).pow(2).mean().backward()
        optimizer.step()


def hogwild():
    import torch.multiprocessing as mp

    context = mp.get_context("spawn")
    net = model()
    net.share_memory()
    before = net[0].weight.clone()
    children = [context.Process(target=shared, args=(rank, net)) for rank in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    print([child.exitcode for child in children], bool((net[0].weight != before).any()))


def ranked(rank, address):
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel

    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    import torch

    net = DistributedDataParallel(model())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(torch.ones(4, 8)).pow(2).mean().backward()
        optimizer.step()
    dist.destroy_process_group()


def spawned_ranks():
    import tempfile

    import torch.multiprocessing as mp

    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(ranked, args=(f"file://{folder}/store",), nprocs=2)
    print("done")


def spawned_loader():
    import torch
    from torch.utils.data import DataLoader

    net = model()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    data = torch.ones(4 * STEPS, 8)
    for batch in DataLoader(data, batch_size=4, num_workers=1, multiprocessing_context="spawn"):
        optimizer.zero_grad()
        net(batch).pow(2).mean().backward()
        optimizer.step()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
