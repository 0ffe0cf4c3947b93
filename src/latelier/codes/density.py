"""Densities fitted to codes after training: a mixture of Gaussians, or a neural spline flow.

A decoder is trained on codes of images, which together need not look like the prior: draws of a density that was fitted
to them are nearer to what it knows (Ghosh et al. 2020, arXiv 1903.12436, section 4; Dai and Wipf 2019)."""

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from latelier.codes.fitting import fit_likeliest
from latelier.errors import Refusal

COMPONENTS = (1, 2, 5, 10, 20, 50)  # that a mixture is tried with
FULL = 256  # latent dimensions up to which covariances are full; diagonal beyond
RIDGE = 1e-4  # on the diagonal of covariances, of codes with variance 1
TRANSFORMS, HIDDEN, BINS = 3, (64, 64), 8  # of the flow
EPOCHS, BATCH, RATE = 100, 256, 1e-3  # of its training
WAIT = 10  # epochs without a better likelihood of held-out codes after which it ends


class Density(nn.Module, ABC):
    """A density of codes [n, d], standardised by the mean and the spread of the codes that it was fitted to."""

    def __init__(self, mean: Tensor, sd: Tensor):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("sd", sd)
        self.mean: Tensor
        self.sd: Tensor

    @property
    @abstractmethod
    def said(self) -> str:
        """What it is, in words."""

    @abstractmethod
    def standard(self, n: int, generator: Generator) -> Tensor:
        """[n, d] draws of standardised codes."""

    @abstractmethod
    def log_standard(self, code: Tensor) -> Tensor:
        """[n] nats, of standardised codes [n, d]."""

    def sample(self, n: int, generator: Generator) -> Tensor:
        """[n, d] draws."""
        return self.standard(n, generator) * self.sd + self.mean

    def log_prob(self, code: Tensor) -> Tensor:
        """[n] nats, of codes [n, d]."""
        return self.log_standard((code - self.mean) / self.sd) - self.sd.log().sum()


class Mixture(Density):
    """Gaussians: ``share`` [k], ``centre`` [k, d], and ``factor`` [k, d, d], lower triangular, or [k, d] where
    covariances are diagonal."""

    def __init__(self, mean: Tensor, sd: Tensor, share: Tensor, centre: Tensor, factor: Tensor):
        super().__init__(mean, sd)
        for name, value in {"share": share, "centre": centre, "factor": factor}.items():
            self.register_buffer(name, value)
        self.share: Tensor
        self.centre: Tensor
        self.factor: Tensor

    @property
    def said(self) -> str:
        count = len(self.share)
        return "a Gaussian" if count == 1 else f"a mixture of {count} Gaussians"

    def standard(self, n: int, generator: Generator) -> Tensor:
        chosen = torch.multinomial(self.share, n, replacement=True, generator=generator)
        size = n, self.centre.shape[1]
        noise = torch.randn(size, generator=generator, device=self.centre.device, dtype=self.centre.dtype)
        for number, factor in enumerate(self.factor):
            rows = chosen == number
            noise[rows] = noise[rows] * factor if factor.ndim == 1 else noise[rows] @ factor.T
        return self.centre[chosen] + noise

    def log_standard(self, code: Tensor) -> Tensor:
        off = code[:, None] - self.centre
        if self.factor.ndim == 2:
            white, size = off / self.factor, self.factor.log().sum(1)
        else:
            white = torch.linalg.solve_triangular(self.factor, off.permute(1, 2, 0), upper=False).permute(2, 0, 1)
            size = self.factor.diagonal(dim1=1, dim2=2).log().sum(1)
        each = -0.5 * (white.square().sum(2) + code.shape[1] * math.log(2 * math.pi)) - size
        return torch.logsumexp(each + self.share.log(), 1)


class Flow(Density):
    """A neural spline flow (Durkan et al. 2019, arXiv 1906.04032), by zuko."""

    def __init__(self, mean: Tensor, sd: Tensor):
        super().__init__(mean, sd)
        self.flow = _zuko().flows.NSF(len(mean), transforms=TRANSFORMS, hidden_features=HIDDEN, bins=BINS)

    @property
    def said(self) -> str:
        return "a neural spline flow"

    def standard(self, n: int, generator: Generator) -> Tensor:
        noise = torch.randn(n, len(self.mean), generator=generator, device=self.mean.device)
        drawn: Tensor = self.flow().transform.inv(noise)
        return drawn

    def log_standard(self, code: Tensor) -> Tensor:
        nats: Tensor = self.flow().log_prob(code)
        return nats


def fit_mixture(known: np.ndarray, held: np.ndarray, seed: int) -> Mixture:
    """The mixture, of ``COMPONENTS`` and fitted to codes ``known`` [n, d], under which ``held`` [m, d] are likeliest.
    The same for the same seed."""
    from sklearn.mixture import GaussianMixture

    mean, sd = _spread(known)
    rows, kind = (known - mean) / sd, "full" if known.shape[1] <= FULL else "diag"
    best, found = -math.inf, None
    for count in (one for one in COMPONENTS if one == 1 or one * 10 <= len(rows)):
        tried = GaussianMixture(count, covariance_type=kind, reg_covar=RIDGE, random_state=seed).fit(rows)
        if (score := tried.score((held - mean) / sd)) > best:
            best, found = score, tried
    if found is None:
        raise Refusal("no mixture can be fitted: the codes are no numbers")
    factor = np.linalg.cholesky(found.covariances_) if kind == "full" else np.sqrt(found.covariances_)
    parts = (mean, sd, found.weights_, found.means_, factor)
    return Mixture(*(torch.from_numpy(np.asarray(part)).float() for part in parts))


def fit_flow(known: np.ndarray, held: np.ndarray, seed: int) -> Flow:
    """The flow at the epoch at which ``held`` [m, d] are likeliest, trained on codes ``known`` [n, d]. The same for the
    same seed."""
    mean, sd = (torch.from_numpy(part).float() for part in _spread(known))
    rows, test = (torch.from_numpy(part).float() for part in (known, held))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # zuko draws first weights from torch's own generator
        flow = Flow(mean, sd)
    fit_likeliest(flow, rows, test, seed, EPOCHS, BATCH, RATE, WAIT)
    return flow


FITS: dict[str, Any] = {"gmm": fit_mixture, "flow": fit_flow}


def of_tensors(kind: str, tensors: dict[str, Tensor]) -> Density:
    """A density of its tensors by name. Raises KeyError, RuntimeError or ValueError where they do not belong
    together."""
    mean, sd = tensors["mean"], tensors["sd"]
    if mean.ndim != 1 or sd.shape != mean.shape or not (sd > 0).all():
        raise ValueError("mean and spread do not belong together")
    if kind == "flow":
        flow = Flow(mean, sd)
        flow.load_state_dict(tensors)
        return flow.requires_grad_(False)
    share, centre, factor = tensors["share"], tensors["centre"], tensors["factor"]
    k, d = len(share), len(mean)
    if tensors.keys() != {"mean", "sd", "share", "centre", "factor"} or share.ndim != 1 or centre.shape != (k, d):
        raise ValueError("shares and centres do not belong together")
    if factor.shape not in ((k, d, d), (k, d)) or not ((share >= 0).all() and share.sum() > 0):
        raise ValueError("shares and covariances do not belong together")
    return Mixture(mean, sd, share, centre, factor)


def _spread(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of each column [d]; a column that does not vary has 1e-3 of the mean spread, or 1."""
    sd = rows.std(0)
    return rows.mean(0), np.maximum(sd, 1e-3 * (sd.mean() or 1000.0))


def _zuko() -> Any:
    try:
        import zuko
    except ImportError as error:
        raise Refusal('a flow needs zuko, not installed here: pip install "latelier[flow]", or --kind gmm') from error
    return zuko
