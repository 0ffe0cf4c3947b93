"""The game between a critic and who draws for it: what each minimises, given the critic's logits.

A logit says how much the critic believes that what it sees is of the data. In the joint game it sees images of the
data with the codes inferred from them, and codes of the prior with the images drawn from them (Dumoulin et al. 2017,
arXiv 1606.00704); the losses are those of the HALI paper's algorithm 1, in which the coder's is the critic's with the
two sides exchanged, so that it does not saturate: not the minimax loss."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional


def judged(data: Tensor, drawn: Tensor) -> Tensor:
    """[b] nats, what the critic minimises, of logits [b] on the data's and on the drawn side: cross-entropy, 2 ln 2
    where it knows nothing (Goodfellow et al. 2014, arXiv 1406.2661, eq. 1)."""
    return functional.softplus(-data) + functional.softplus(drawn)


def conspired(data: Tensor, drawn: Tensor) -> Tensor:
    """[b] nats, what encoder and decoder minimise together."""
    return judged(drawn, data)


def outdone(data: Tensor, drawn: Tensor) -> Tensor:
    """[b] nats, what a critic minimises who compares each image of the data with one drawn, in place of judging each
    alone: ln 2 where it knows nothing. Who draws minimises the same with the sides exchanged, and then gains nothing
    from modes that it draws too often (Jolicoeur-Martineau 2018, arXiv 1807.00734, eq. 4; Huang et al. 2024, arXiv
    2501.05441)."""
    return functional.softplus(drawn - data)


def fooled(drawn: Tensor) -> Tensor:
    """[b] nats, what minimises who draws and has no other side: -log of the critic's belief, which does not
    saturate."""
    return functional.softplus(-drawn)


def right(data: Tensor, drawn: Tensor) -> Tensor:
    """[b], the share of the two verdicts that are right: one half is chance."""
    return ((data > 0).float() + (drawn < 0).float()) / 2


def ordered(data: Tensor, drawn: Tensor) -> Tensor:
    """[b], the share of pairs whose data's side has the higher verdict: one half is chance."""
    return ((data > drawn).float() + (data >= drawn).float()) / 2


def steepness(critic: Callable[..., Tensor], *inputs: Tensor, units: Sequence[Tensor] | None = None) -> Tensor:
    """[b], the squared norm of the logit's gradient with respect to its inputs: R1, where they are of the data, and R2,
    where they are drawn (Mescheder et al. 2018, arXiv 1801.04406, eqs. 9 and 10, without their weight). With ``units``,
    squared lengths, slopes are counted for a step of each input's: the same for images, points and codes of any
    size. Differentiable once more."""
    with torch.enable_grad():
        leaves = [part.detach().requires_grad_() for part in inputs]
        slopes = torch.autograd.grad(critic(*leaves).sum(), leaves, create_graph=True)
        squares = [slope.float().square().flatten(1).sum(1) for slope in slopes]
        scaled = squares if units is None else [unit * square for unit, square in zip(units, squares, strict=True)]
        return torch.stack(scaled).sum(0)
