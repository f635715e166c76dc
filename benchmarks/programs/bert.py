"""A BERT of transformers, fine-tuned on random sentences of different lengths."""

import torch
from transformers import BertConfig, BertForSequenceClassification

torch.manual_seed(0)
config = BertConfig(hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024)
model = BertForSequenceClassification(config)
model.train()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)
while True:
    length = int(torch.randint(3, 9, ())) * 16
    tokens, labels = torch.randint(1000, (8, length)), torch.randint(2, (8,))
    loss = model(input_ids=tokens, attention_mask=torch.ones_like(tokens), labels=labels).loss
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
