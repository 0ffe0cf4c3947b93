"""-log p(y | z) of yes-or-no attributes, some of which are unknown."""

from torch import Tensor
from torch.nn import functional

from latelier.objectives.reduction import wide

FAKE = "fake"  # the logit that separates drawn images from real ones, beside the attributes'


def cross_entropy(logits: Tensor, attribute: Tensor) -> Tensor:
    """logits [b, a], attribute [b, a] 1, 0 or -1 (unknown) -> [b, a] nats; 0, without a gradient, where unknown.

    What is known of an attribute weighs the more the less of it is known, so that the mean over the batch is the mean
    over the known: a few labels count beside many images."""
    logits, known = wide(logits), attribute >= 0
    nats = functional.softplus(logits) - attribute.clamp(min=0) * logits
    return (nats * known) / known.float().mean(0).clamp(min=1 / len(known))
