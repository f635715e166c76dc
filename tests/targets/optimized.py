"""Trains a real model for a few steps and tells what it can see itself: losses, layouts, types, operators called.

`python optimized.py MODEL` prints one line of JSON.
"""

import json
import sys
from operator import attrgetter

import lazy_dynamo  # noqa: F401
import torch
from torch import nn

torch.manual_seed(0)
STEPS = 4


def retinanet():
    from torchvision.models import resnet18
    from torchvision.models.detection import RetinaNet
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
    from torchvision.ops import FrozenBatchNorm2d

    extractor = _resnet_fpn_extractor(resnet18(weights=None, norm_layer=FrozenBatchNorm2d), 3, returned_layers=[3, 4])
    anchors = AnchorGenerator(sizes=((32,), (64,), (128,)), aspect_ratios=((0.5, 1.0, 2.0),) * 3)
    model = RetinaNet(extractor, num_classes=7, anchor_generator=anchors, min_size=64, max_size=64)
    images = [torch.rand(3, 64, 64) for _ in range(2)]
    targets = [{"boxes": torch.tensor([[4.0, 4.0, 40.0, 44.0]]), "labels": torch.tensor([label])} for label in (2, 5)]
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    return model, optimizer, lambda: sum(model(images, targets).values())


def focal():
    """A script that imports the focal loss by name before training begins, and keeps it in a default argument."""
    from torchvision.models import resnet18
    from torchvision.ops import sigmoid_focal_loss

    model, images = resnet18(weights=None, num_classes=5), torch.rand(2, 3, 64, 64)
    targets = nn.functional.one_hot(torch.tensor([1, 3]), 5).float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def loss(criterion=sigmoid_focal_loss):
        return criterion(model(images), targets, reduction="sum")

    return model, optimizer, loss


def resnet(batch=4):
    from torchvision.models import resnet18

    model, images, labels = resnet18(weights=None, num_classes=5), torch.rand(batch, 3, 64, 64), torch.arange(batch) % 5
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    criterion = nn.CrossEntropyLoss()
    return model, optimizer, lambda: criterion(see_logits(model(images)), labels)


def large_batch():
    return resnet(16)


def head_only():
    """Only the head is trained, and nobody said so to the backbone."""
    from torchvision.models import resnet18

    model, images, labels = resnet18(weights=None, num_classes=5), torch.rand(4, 3, 64, 64), torch.arange(4)
    optimizer = torch.optim.RMSprop(model.fc.parameters(), lr=1e-3)
    return model, optimizer, lambda: nn.functional.cross_entropy(model(images), labels)


def bert():
    from transformers import BertConfig, BertForSequenceClassification

    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    model = BertForSequenceClassification(
        BertConfig(vocab_size=100, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **sizes)
    )
    words, labels = torch.randint(0, 100, (4, 16)), torch.tensor([0, 1, 0, 1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def loss():
        output = model(input_ids=words, labels=labels)
        see_logits(output.logits)
        return output.loss

    return model, optimizer, loss


seen = {}


def see_logits(logits):
    seen["logits"] = str(logits.dtype)
    return logits


def channels_last(tensor):
    return tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last) and not tensor.is_contiguous()


def watch_layer(model):
    """Look at a convolution or linear layer in the middle of the model."""
    layers = [module for module in model.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]

    def hook(layer, arguments, output):
        seen["layer"] = str(output.dtype)
        seen["layer_channels_last"] = channels_last(output)

    layers[len(layers) // 2].register_forward_hook(hook)


def main():
    model, optimizer, compute_loss = globals()[sys.argv[1]]()
    model.train()
    watch_layer(model)
    losses = []

    def step():
        optimizer.zero_grad()
        loss = compute_loss()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        seen["loss"] = str(loss.dtype)

    for _ in range(STEPS):
        step()
    with torch.profiler.profile() as profile:
        step()
    seen["operators"] = {event.key: event.count for event in profile.key_averages()}
    weights = [module.weight for module in model.modules() if isinstance(module, nn.Conv2d)]
    seen["channels_last_weights"] = sum(channels_last(weight) for weight in weights)
    seen["kernels_3x3"] = sum(weight.shape[-1] > 1 for weight in weights)
    seen["gradients"] = sum(attrgetter("grad")(parameter) is not None for parameter in model.parameters())
    seen["parameter_types"] = sorted({str(parameter.dtype) for parameter in model.parameters()})
    seen["mean"] = float((torch.full((1 << 20,), 1e-39) * 0.5).view(torch.int32).float().mean())
    seen["losses"] = losses
    print(json.dumps(seen))


main()
