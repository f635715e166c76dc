"""A small form of PyTorch's MNIST Hogwild example on random images: two spawned workers train one model at once."""

import torch
import torch.multiprocessing as mp
from record import Record
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.conv2_drop = nn.Dropout2d()
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = F.dropout(F.relu(self.fc1(x.view(-1, 320))), training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


def data():
    generator = torch.Generator().manual_seed(5)
    labels = torch.randint(10, (320,), generator=generator)
    images = 0.3 * torch.randn(320, 1, 28, 28, generator=generator)
    images[torch.arange(320), 0, 2 * labels] += 2.0  # one bright line tells the class
    return TensorDataset(images, labels)


def train(rank, model, losses):
    torch.manual_seed(1 + rank)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    model.train()
    loader = DataLoader(data(), batch_size=16, shuffle=True)
    for batch, (images, labels) in enumerate(loader):
        if batch == losses.shape[1]:
            return
        optimizer.zero_grad()
        loss = F.nll_loss(model(images), labels)
        loss.backward()
        optimizer.step()
        losses[rank, batch] = loss.item()


if __name__ == "__main__":
    record = Record(updates=16, repeatable=False)
    mp.set_start_method("spawn")
    model = Net().share_memory()
    record.watch(model=model)
    losses = torch.zeros(2, len(record.updates)).share_memory_()
    workers = [mp.Process(target=train, args=(rank, model, losses)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print("exit codes:", [worker.exitcode for worker in workers])
    model.eval()
    with torch.no_grad():
        images, labels = data()[:64]
        print(f"test loss: {F.nll_loss(model(images), labels):.3f}")
    for loss in losses.t().reshape(-1):
        record.loss(loss)
    record.steps(len(record.updates))
    record.end()
