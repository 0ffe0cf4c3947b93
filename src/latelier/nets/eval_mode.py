"""Modes of nets: training and evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards each part is back in the mode that it was in."""
    training = [part for part in model.modules() if part.training]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part in training:
            part.training = True


@contextmanager
def unremembered(*nets: nn.Module) -> Iterator[None]:
    """Batch norm normalises by the batch as in training, and leaves its running statistics as they are: for images
    that are not of the data."""
    norms = [part for net in nets for part in net.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    remembering = [norm for norm in norms if norm.track_running_stats]
    for norm in remembering:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in remembering:
            norm.track_running_stats = True
