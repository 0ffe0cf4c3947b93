"""Label propagation on a graph of nearest neighbours (Zhou et al. 2004, "Learning with local and global consistency").

A few labels spread over edges between like images, so that images without labels decide where a class ends. With S =
D^-1/2 W D^-1/2 of symmetric weights W and their sums D, F solves (1 - alpha S) F = (1 - alpha) Y for the labels Y,
which conjugate gradients do in a fraction of the rounds of F <- alpha S F + (1 - alpha) Y (on 10,000 images 40 in
place of 400, to the same answers). A class that lies among many others would take their rows; so each column of F is
divided by its sum (class mass normalisation, Zhu et al. 2003). That supposes classes of about one size and tolerates
others. Where sizes are known it is not enough to multiply sums by them: F is flat, and small classes are never named
(on MNIST thinned to classes of 2 to 23 %, 10 labels a class, 19 % balanced error where even sums have 8). The sizes
are met by what is named, which has 6.3 there."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize

from latelier.errors import Refusal

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NEIGHBOURS, ALPHA = 10, 0.99
LEFT, LONGEST = 1e-3, 200  # length of what is unsolved, as a share of that of the labels, and rounds at most
SHARPNESS = 4.0  # the weight is exp(-SHARPNESS) at the distance of the last neighbour
BLOCK = 512  # rows whose distances to all others are held at once
SHARP, ROUNDS = 30.0, 100  # of shares whose means are made a prior: so nearly what is named, and smooth enough to solve
SMALLEST = 1e-6  # squared distance on the unit sphere that float32 tells from 0
FOLDS = 5
TINY = np.finfo(np.float64).tiny


def blurred(image: Tensor, least: int, *, padded: bool) -> Tensor:
    """Pixels in which neighbours are of one class more often than in raw ones: of images [b, c, h, w] with ``least``
    pixels in size or more, means of 3 x 3 of them, every other one; others as they are. ``padded``: a mean at the edge
    counts the black outside too. With 10 labels a class of MNIST propagation errs on 5.1 % of them (not ``padded``),
    and on 7.4 of raw ones."""
    return image if min(image.shape[2:]) < least else avg_pool2d(image, 3, 2, 1, count_include_pad=padded)


def neighbours_graph(codes: np.ndarray, k: int = NEIGHBOURS, *, centre: bool = True) -> "csr_matrix":
    """Symmetric weights between each row of ``codes`` [n, d] and its ``k`` nearest others: float64 [n, n] in [0, 1].

    Nearest by the cosine of rows less their mean, because a code has no origin of its own; pixels have one, black, and
    do better without (``centre`` False: 5.1 for 6.5 % error on blurred MNIST, 10 labels a class). Weights are
    exp(-4 d^2 / d_k^2) with d^2 = 2 - 2 cosine and d_k the distance of the k-th; an edge has the larger of its two.
    Seconds grow with n^2 d (15,000 x 784: 4 s of one core), memory with n (d + k + ``BLOCK``). The same to the bit for
    the same codes and number of threads. Raises Refusal for fewer than two rows and for numbers that are not finite."""
    from scipy.sparse import csr_matrix

    if len(codes) < 2 or k < 1:
        raise Refusal(f"propagation: {len(codes)} images with {k} neighbours each are no graph; give more")
    if not np.isfinite(codes).all():
        raise Refusal("propagation: there are codes that are not finite; see whether the training failed")
    n, k = len(codes), min(k, len(codes) - 1)
    rows = torch.from_numpy(np.array(codes, np.float32))
    rows = normalize(rows - rows.mean(0) if centre else rows, dim=1)
    near, cosine = torch.empty(n, k, dtype=torch.int64), torch.empty(n, k)
    for start in range(0, n, BLOCK):
        block = rows[start : start + BLOCK] @ rows.T
        own = torch.arange(len(block))
        block[own, start + own] = -torch.inf
        cosine[start : start + BLOCK], near[start : start + BLOCK] = block.topk(k)
    weight = _weights(cosine)
    begins = np.arange(0, n * k + 1, k)
    graph = csr_matrix((weight.numpy().ravel(), near.numpy().ravel(), begins), shape=(n, n))
    return graph.maximum(graph.T).tocsr()


def _weights(cosine: torch.Tensor) -> torch.Tensor:
    """Of edges to the k nearest, whose cosines [n, k] fall: float64 [n, k]."""
    square = (2 - 2 * cosine.double()).clamp(min=SMALLEST)
    return torch.exp(-SHARPNESS * square / square[:, -1:])


def propagate(
    graph: "csr_matrix",
    label: np.ndarray,
    classes: int,
    *,
    alpha: float = ALPHA,
    prior: np.ndarray | None = None,
) -> np.ndarray:
    """What the neighbours of each image say of its class: float32 [n, classes], shares that sum to 1 over a row.

    ``label`` is int64 [n], -1 where it is unknown; a known one is evidence, and may be overruled in its own row.
    ``prior`` [classes], if known: the shares of rows in which each class shall be the likeliest; without it columns
    weigh the same. A row that no label reaches has the prior, and a class without any label 0 everywhere. The same to
    the bit for the same input. Raises Refusal for labels that are none or too large, and for a prior that is none."""
    from scipy.sparse import diags

    share = _checked(prior, classes)
    known = np.flatnonzero(label >= 0)
    if not 0 <= label.max() < classes:
        raise Refusal(f"propagation: {len(known)} labels up to {label.max()}; give one or more, all below {classes}")
    share = share * np.isin(np.arange(classes), label[known])
    if share.sum() == 0:
        raise Refusal("propagation: the prior is 0 for each class that has a label; give one of these a share")
    degree = np.asarray(graph.sum(1)).ravel()
    half = diags(np.where(degree > 0, degree, 1) ** -0.5)
    begin = np.zeros((len(label), classes), np.float32)
    begin[known, label[known]] = 1
    found = _solved(alpha * (half @ graph @ half).tocsr().astype(np.float32), begin).astype(np.float64).clip(min=0)
    found = found / np.maximum(found.sum(0), TINY) * (share > 0)
    reached = found.sum(1) > 0
    if prior is not None:
        found[reached] = _met(found[reached], share / share.sum())
    found[~reached] = share
    shares: np.ndarray = (found / found.sum(1, keepdims=True)).astype(np.float32)
    return shares


def extended(share: np.ndarray, codes: np.ndarray, others: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """What rows ``others`` [m, d] are that are not in the graph of ``codes`` [n, d]: the mean of the ``share`` [n,
    classes] of their ``k`` nearest there, by the weights of an edge (Delalleau et al. 2005, eq. 5): float32 [m,
    classes]. Both are centred on the mean of ``codes``."""
    centre = np.asarray(codes, np.float32).mean(0)
    known, new = (normalize(torch.from_numpy(np.asarray(rows, np.float32) - centre), dim=1) for rows in (codes, others))
    value, k = torch.from_numpy(share), min(k, len(codes))
    found = torch.empty(len(new), share.shape[1])
    for start in range(0, len(new), BLOCK):
        cosine, near = (new[start : start + BLOCK] @ known.T).topk(k)
        weight = _weights(cosine).float()
        found[start : start + BLOCK] = torch.einsum("mk,mkc->mc", weight / weight.sum(1, keepdim=True), value[near])
    return found.numpy()


def _solved(spread: "csr_matrix", begin: np.ndarray) -> np.ndarray:
    """The columns of F that solve F - spread F = begin, by conjugate gradients (Hestenes & Stiefel 1952)."""
    found, rest = np.zeros_like(begin), begin.copy()
    way, size = rest.copy(), np.square(begin).sum(0)
    enough = LEFT**2 * size
    for _ in range(LONGEST):
        turned = way - spread @ way
        step = size / np.maximum((way * turned).sum(0), np.finfo(np.float32).tiny)
        found += step * way
        rest -= step * turned
        new = np.square(rest).sum(0)
        if (new <= enough).all():
            break
        way = rest + new / np.maximum(size, np.finfo(np.float32).tiny) * way
        size = new
    return found


def _met(found: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The rows with their columns weighted so that each class is the largest of its ``share`` of them, as nearly as
    rows allow: by scaling columns and rows in turn (Sinkhorn & Knopp 1967) of their powers by ``SHARP``."""
    log = np.log(np.maximum(found / found.sum(1, keepdims=True), TINY))
    goal = np.log(np.maximum(share, TINY))
    weight = goal / SHARP
    for _ in range(ROUNDS):
        power = SHARP * (log + weight)
        power = np.exp(power - power.max(1, keepdims=True))
        mean = (power / power.sum(1, keepdims=True)).mean(0)
        weight = weight + np.where(share > 0, goal - np.log(np.maximum(mean, TINY)), 0) / SHARP
    log = log + weight
    weighted: np.ndarray = np.exp(log - log.max(1, keepdims=True)) * (found > 0)
    return weighted


def cross_validated(
    graph: "csr_matrix",
    label: np.ndarray,
    classes: int,
    folds: int = FOLDS,
    *,
    alpha: float = ALPHA,
    prior: np.ndarray | None = None,
) -> float:
    """Error in percent of ``propagate`` on the known labels themselves, each hidden once while the others spread.

    The labels of a class are dealt to the folds in turn, so that two of a class are enough: one of them stays. A label
    that is the only one of its class is never hidden, nor measured. The more labels, the finer: with 2 of each of 10
    classes one more mistake is 5 points. Raises Refusal where no class has two labels, and for fewer than two folds."""
    fold = _dealt(label, folds)
    wrong = 0
    for number in range(folds):
        hidden = fold == number
        if hidden.any():
            shares = propagate(graph, np.where(hidden, -1, label), classes, alpha=alpha, prior=prior)
            wrong += int((shares[hidden].argmax(1) != label[hidden]).sum())
    return 100 * wrong / int((fold >= 0).sum())


def _dealt(label: np.ndarray, folds: int) -> np.ndarray:
    """The fold [n] in which each known label is hidden; -1 for none."""
    fold: np.ndarray = np.full(len(label), -1)
    for number in np.unique(label[label >= 0]):
        rows = np.random.default_rng([0, int(number)]).permutation(np.flatnonzero(label == number))
        if len(rows) > 1:
            fold[rows] = np.arange(len(rows)) % folds
    if folds < 2 or (fold < 0).all():
        raise Refusal(f"propagation: {folds} folds need two labels or more of some class, and two folds or more")
    return fold


def _checked(prior: np.ndarray | None, classes: int) -> np.ndarray:
    share: np.ndarray = np.ones(classes) if prior is None else np.array(prior, np.float64)
    if share.shape != (classes,) or not np.isfinite(share).all() or share.min() < 0 or share.sum() <= 0:
        raise Refusal(
            f"propagation: a prior is a share of 0 or more for each of {classes} classes, not {share.tolist()}"
        )
    share /= share.sum()
    return share
