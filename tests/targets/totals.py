"""Trains in loops of many shapes, whose lengths are known to the program only; `python totals.py SHAPE`.

Prints a hash of the weights, and what a dataset that counts has been asked.
"""

import argparse
import hashlib
import itertools
import sys
import time

import lazy_dynamo  # noqa: F401
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, SequentialSampler

EPOCHS, BATCHES, PAUSE_S = 4, 12, 0.03


class Numbers(Dataset):
    def __init__(self, size=4 * BATCHES):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        time.sleep(PAUSE_S / 8)
        return torch.full((8,), index / 48)


class Stream(IterableDataset):
    def __len__(self):
        print("asked")
        return 7

    def __iter__(self):
        for index in range(4 * BATCHES):
            time.sleep(PAUSE_S / 8)
            yield torch.full((8,), index / 48)


class Talking(BatchSampler):
    def __len__(self):
        print("asked")
        return super().__len__()


class Config:
    """`epochs` is computed, and says so."""

    limit = EPOCHS

    @property
    def epochs(self):
        print("asked")
        return EPOCHS


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 8))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def loader(dataset=None, **settings):
    return DataLoader(dataset or Numbers(), **{"batch_size": 4, **settings})


def step(batch):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(batch), batch).backward()
    optimizer.step()


def validate():
    with torch.no_grad():
        for batch in loader(Numbers(8)):
            model(batch)


def train_epoch(batches):
    for batch in batches:
        step(batch)


def plain():
    batches = loader()
    for epoch in range(EPOCHS):
        for batch in batches:
            step(batch)
        validate()


def in_functions():
    arguments = argparse.Namespace(epochs=EPOCHS)
    batches = loader()
    for _ in range(1, arguments.epochs + 1):
        for _, batch in enumerate(batches):
            step(batch)
        validate()


def called():
    config = {"train": {"epochs": EPOCHS}}
    for epoch in range(config["train"]["epochs"]):
        train_epoch(loader())
        epoch += 1
        validate()


def captured():
    epochs = EPOCHS

    def run():
        for _ in range(epochs):
            train_epoch(loader())

    run()


def phases():
    loaders = {"train": loader(), "val": loader(Numbers(8))}
    for epoch in range(EPOCHS):
        for phase in ["train", "val"]:
            for batch in loaders[phase]:
                if phase == "train":
                    step(batch)
                else:
                    with torch.no_grad():
                        model(batch)


def accumulating():
    for epoch in range(EPOCHS):
        for number, batch in enumerate(loader(batch_size=2)):
            nn.functional.mse_loss(model(batch), batch).backward()
            if number % 2:
                optimizer.step()
                optimizer.zero_grad()


def steps():
    batches = iter(itertools.cycle(list(loader())))
    for number in range(EPOCHS * BATCHES):
        step(next(batches))
        time.sleep(PAUSE_S)


def one_pass():
    for batch in loader(Numbers(4 * EPOCHS * BATCHES)):
        step(batch)


def resumed():
    begin = 2
    for epoch in range(begin, EPOCHS + begin):
        train_epoch(loader())


def endless():
    done = 0
    while True:
        train_epoch(loader())
        done += 1
        if done == EPOCHS:
            break


def property_epochs():
    config = Config()
    total = config.epochs
    for epoch in range(config.epochs):
        train_epoch(loader())
    assert total == EPOCHS


def class_epochs():
    for epoch in range(Config.limit):
        train_epoch(loader())


def stream():
    for epoch in range(EPOCHS):
        train_epoch(loader(Stream()))


def talking_sampler():
    numbers = Numbers(4 * EPOCHS * BATCHES)
    for batch in DataLoader(numbers, batch_sampler=Talking(SequentialSampler(numbers), 4, False)):
        step(batch)


def locals_kept():
    """A program that looks at its own variables later."""
    before = locals()
    for epoch in range(EPOCHS):
        train_epoch(loader())
    print(sorted(before))


def lightning():
    import warnings

    import lightning

    warnings.simplefilter("ignore")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = model

        def training_step(self, batch, number):
            return nn.functional.mse_loss(self.model(batch), batch)

        def validation_step(self, batch, number):
            self.model(batch)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(), loader(), loader(Numbers(8)))


def transformers():
    import tempfile

    import transformers

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return {"loss": nn.functional.mse_loss(self.model(x), x)}

    with tempfile.TemporaryDirectory() as folder:
        settings = transformers.TrainingArguments(
            folder,
            num_train_epochs=EPOCHS,
            per_device_train_batch_size=2,
            gradient_accumulation_steps=2,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
        )
        transformers.Trainer(
            Wrapped(),
            settings,
            train_dataset=Numbers(),
            data_collator=lambda rows: {"x": torch.stack(rows)},
        ).train()


if __name__ == "__main__":
    shape = sys.argv[1]
    if shape == "module_level":
        epochs = EPOCHS
        for epoch in range(epochs):
            for batch in loader():
                step(batch)
            validate()
    else:
        globals()[shape]()
    weights = hashlib.sha256()
    for parameter in model.parameters():
        weights.update(parameter.detach().numpy().tobytes())
    print(weights.hexdigest())
