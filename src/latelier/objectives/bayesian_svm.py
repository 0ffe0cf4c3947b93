"""The support vector machine as a pseudo-likelihood (Polson & Scott 2011), and its closed-form EM.

Legend: n images, k dimensions of a code, classes l; y in {-1, 1}; u = y * decision.
-2 gamma max(1 - u, 0) = log of the integral over lambda > 0 of N(1 - u; -lambda, lambda / gamma) (Pu et al. 2016,
eq. 9): given the weights 1 / lambda, the machine is a linear regression.
"""

import torch
from torch import Tensor

from latelier.objectives.reduction import wide

CLOSEST = 1e-6  # distance from the margin at which a weight stops growing


def one_versus_rest(label: Tensor, classes: int) -> Tensor:
    """label [n] -> y [n, classes], 1 for the image's class and -1 for others; rows of -1 for an unknown label."""
    return 2.0 * (label[:, None] == torch.arange(classes, device=label.device)) - 1


def negative_log_likelihood(decision: Tensor, label: Tensor, gamma: float) -> Tensor:
    """-log L(y | s) summed over the machines: decision [b, classes], label [b] -> [b]; 0, without a gradient, where the
    label is -1. As lambda is integrated out, its gradient is that of the expected complete-data likelihood at
    ``weights``."""
    decision = wide(decision)
    hinge = (1 - one_versus_rest(label, decision.shape[1]) * decision).clamp(min=0)
    return 2 * gamma * hinge.sum(1) * (label >= 0)


def log_odds(decision: Tensor, gamma: float) -> Tensor:
    """log L(1) - log L(-1) of each machine, [b, classes]. Their softmax over classes is the pseudo-posterior of the
    label, as eq. 25's product over machines differs between labels by these alone."""
    return 2 * gamma * ((1 + decision).clamp(min=0) - (1 - decision).clamp(min=0))


def weights(u: Tensor) -> Tensor:
    """E[1 / lambda | u] = 1 / |1 - u|, the mean of an inverse Gaussian of shape gamma; bounded at the margin."""
    return 1 / (1 - u).abs().clamp(min=CLOSEST)


def solve(gram: Tensor, pull: Tensor, gamma: float, precision: float) -> Tensor:
    """The M step: (gamma A + precision I) beta = gamma v for each class. A [classes, k, k], v [classes, k], beta the
    same."""
    ridge = precision * torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    out: Tensor = torch.linalg.solve(gamma * gram + ridge, gamma * pull)
    return out


def moments(code: Tensor, y: Tensor, beta: Tensor) -> tuple[Tensor, Tensor]:
    """The E step at beta [classes, k] for code [n, k] and y [n, classes]: A = sum_n w_n s_n s_n' [classes, k, k] and
    v = sum_n y_n (1 + w_n) s_n [classes, k]."""
    w = weights(y * (code @ beta.T))
    return torch.einsum("nl,ni,nj->lij", w, code, code), (y * (1 + w)).T @ code


def fit(code: Tensor, label: Tensor, classes: int, gamma: float, precision: float, steps: int = 200) -> Tensor:
    """beta [classes, k] after this many EM steps from zero: the minimum of sum 2 gamma hinge + precision / 2 |beta|^2
    for each class. Code [n, k] with known labels [n]; append ones for a bias. In float64."""
    code, y = code.double(), one_versus_rest(label, classes).double()
    beta = code.new_zeros(classes, code.shape[1])
    for _ in range(steps):
        beta = solve(*moments(code, y, beta), gamma, precision)
    return beta
