"""A word-level LSTM language model with carried state and clipped gradients."""

import torch
from torch import nn

torch.manual_seed(0)
WORDS, WIDTH, BATCH, LENGTH = 5000, 200, 20, 35
embed, lstm, head = nn.Embedding(WORDS, WIDTH), nn.LSTM(WIDTH, WIDTH, 2, dropout=0.2), nn.Linear(WIDTH, WORDS)
parameters = [*embed.parameters(), *lstm.parameters(), *head.parameters()]
optimizer = torch.optim.SGD(parameters, lr=1.0)
text = torch.randint(WORDS, (LENGTH * 200 + 1, BATCH))
state, place = None, 0
while True:
    words, following = text[place : place + LENGTH], text[place + 1 : place + LENGTH + 1]
    place = (place + LENGTH) % (LENGTH * 200)
    if state is not None:
        state = tuple(one.detach() for one in state)
    output, state = lstm(embed(words), state)
    loss = nn.functional.cross_entropy(head(output).flatten(0, 1), following.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(parameters, 0.25)
    optimizer.step()
