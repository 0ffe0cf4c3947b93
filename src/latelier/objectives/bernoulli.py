"""Bernoulli pixels, given by logits."""

from torch import Tensor
from torch.nn import functional

from latelier.objectives.reduction import aligned, summed, wide


def log_likelihood(x: Tensor, logits: Tensor, *, keep: int = 1) -> Tensor:
    """x log p + (1 - x) log(1 - p) with p = sigmoid(logits), in nats, summed over all but the first ``keep`` axes.

    ``x`` is in [0, 1] and ``logits`` has its shape, or further leading axes: image [b, c, h, w], logits [s, b, c, h, w]
    with ``keep=2``. Only for x in {0, 1} is it the log of a probability; on grey pixels it is the usual cross-entropy,
    whose largest value is the negative entropy of the pixels, not 0.
    """
    assert aligned(x, logits), f"x {tuple(x.shape)} and logits {tuple(logits.shape)} differ in more than leading axes"
    x, logits = wide(x), wide(logits)
    cross_entropy = functional.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none")
    return -summed(cross_entropy, keep=keep)
