"""-log p(y | z) where some labels are unknown."""

from torch import Tensor
from torch.nn import functional

from latelier.objectives.reduction import wide


def cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """logits [b, classes], label [b] -> [b] nats; 0, without a gradient, where the label is -1."""
    return functional.cross_entropy(wide(logits), label, reduction="none", ignore_index=-1)
