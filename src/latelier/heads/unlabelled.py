"""What a label head learns from images without a label.

Consistency (Sohn et al. 2020, FixMatch, eq. 4, with the alignment of Berthelot et al. 2020, ReMixMatch, section 3.1):
where the head is sure of an image, that class is the pseudo-label of a strongly changed view. Propagation (Iscen et
al. 2019) adds classes that labels reach on a graph of nearest codes, where the head itself is not sure. Another way is
in ``heads.words``."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from latelier.core.looks import Memory
from latelier.data.augment import Augment, strong
from latelier.data.batches import Batches
from latelier.learners.propagation import extended, neighbours_graph, propagate
from latelier.nets.running import Running

UNKNOWN = -1
DECAY = 0.98  # of the running mean of what the head says
FEW, FAR = (
    0.3,
    0.3,
)  # of unlabelled images with a pseudo-label, and of ``imbalance``: 77 and 23 % of two classes, 3 of 10 missing
CHANCE = 0.002  # times the number of classes: twice what chance adds to eight pseudo-labels of a batch
MARGIN = 0.2  # lead of a propagated class over the next, as a share of its own, from which it is kept


class Guess(NamedTuple):
    """Pseudo-labels of the unlabelled images of a batch."""

    label: Tensor  # [b] int64; -1 where there is none, and where the label is known
    report: dict[str, Tensor]
    share: Tensor | None = None  # [b, classes] in place of one class: rows sum to 1, or are 0 where nothing is known


class Unlabelled(Running, ABC):
    """``prior`` [classes]: shares of the classes among all images."""

    later: tuple[str, ...] = ("taught",)
    asks = True  # what the head says of an image, to guess its class
    prior: Tensor
    taught: Tensor  # running shares of the classes of pseudo-labels

    def __init__(self, image: tuple[int, int, int], classes: int, prior: tuple[float, ...]):
        super().__init__()
        self.view = strong(image)
        self.turn = replace(self.view, cutout=0.0)  # nothing is cut out of an image that is to be classified
        shares = torch.tensor(prior or (1.0,) * classes)
        self.register_buffer("prior", shares / shares.sum())
        self.register_buffer("taught", self.prior.clone())

    def changed(self, image: Tensor, generator: Generator) -> Tensor:
        """A strong view of each image, [b, c, h, w]."""
        return self.view(image, generator)

    @abstractmethod
    def guess(self, said: Tensor, label: Tensor, index: Tensor, truth: Tensor) -> Guess:
        """Of what the head says, probabilities [b, classes], or of the images' rows in the data (``index``); what is
        right, where ``truth`` has it, is only reported."""

    @abstractmethod
    def follow(
        self, batches: Batches, rows: Tensor, others: Iterable[Tensor], codes: Callable[[Tensor], np.ndarray]
    ) -> dict[str, float]:
        """Keeps what the labelled among ``rows`` of the data say of the rest of them and of blocks of ``others``, whose
        ``codes`` are [n, d]; what there is to log of it."""

    @torch.no_grad()
    def note(self, shares: Tensor, kept: Tensor) -> None:
        """Takes note of the pseudo-labels, [b, classes], of those images that are ``kept``."""
        mean = (shares * kept[:, None]).sum(0) / kept.sum().clamp(min=1)
        self.taught.lerp_(torch.where(kept.any(), mean, self.taught), 1 - DECAY)

    def imbalance(self) -> Tensor:
        """How far recent pseudo-labels are from the prior, as chi-squared, sum_c p_c^2 / prior_c - 1: 0 where
        they agree, C / k - 1 where k of C even ones come."""
        return (self.taught.square() / self.prior).sum() - 1


class Consistent(Unlabelled):
    """``threshold``: how sure the head must be of an image to give its strong view that class as a pseudo-label."""

    mean: Tensor

    def __init__(self, image: tuple[int, int, int], classes: int, threshold: float, prior: tuple[float, ...]):
        super().__init__(image, classes, prior)
        self.threshold = threshold
        self.register_buffer("mean", self.prior.clone())
        self.propagated = Memory(UNKNOWN, classes)

    @torch.no_grad()
    def guess(self, said: Tensor, label: Tensor, index: Tensor, truth: Tensor) -> Guess:
        free, said = label < 0, said.float()
        mean = (said * free[:, None]).sum(0) / free.sum().clamp(min=1)
        self.mean.lerp_(torch.where(free.any(), mean, self.mean), 1 - DECAY)
        aligned = said * self.prior / self.mean.clamp(min=1e-6)
        sure, own = (aligned / aligned.sum(1, keepdim=True)).max(1)
        reached = self.propagated.of(index)
        found = torch.where(sure > self.threshold, own, reached)
        found = torch.where(free, found, UNKNOWN)
        kept = found >= 0
        self.note(one_hot(found.clamp(min=0), len(self.prior)).float(), kept)
        return Guess(found, report_of(found, kept, free, truth))

    def follow(
        self, batches: Batches, rows: Tensor, others: Iterable[Tensor], codes: Callable[[Tensor], np.ndarray]
    ) -> dict[str, float]:
        """The classes that labels reach on the graph of the codes of ``rows``, and those that it says of ``others``."""
        label, known = batches.labels(rows), codes(rows)
        share = propagate(neighbours_graph(known), label, len(self.prior), prior=self.prior.cpu().double().numpy())
        self.propagated.begin(len(batches.images))
        reached, free = self._keep(rows, np.where(label[:, None] < 0, share, 0)), int((label < 0).sum())
        for block in others:
            reached, free = reached + self._keep(block, extended(share, known, codes(block))), free + len(block)
        return {"propagated to": float(free), "propagated kept": reached / max(1, free)}

    def _keep(self, rows: Tensor, share: np.ndarray) -> int:
        """Notes the classes of ``rows`` that have a clear lead in their ``share`` [n, classes]; how many."""
        order = np.sort(share, 1)
        clear = order[:, -1] - order[:, -2] > MARGIN * order[:, -1]
        found = torch.from_numpy(np.where(clear, share.argmax(1), UNKNOWN))
        self.propagated.value[rows] = found.to(self.propagated.value)
        return int(clear.sum())


def report_of(found: Tensor, kept: Tensor, free: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """[b] each: the share of the images without a label (``free``) that have a pseudo-label (``kept``), and the
    share of these that are right, where ``truth`` is known."""
    count = free.sum()  # 0 where every image has its target already
    report = {"pseudo kept": torch.where(count > 0, kept.sum() / count.clamp(min=1), 1.0)}
    if len(truth):
        report["pseudo right"] = (kept & (found == truth)).sum() / (kept & (truth >= 0)).sum().clamp(min=1)
    return {name: value.expand(len(found)) for name, value in report.items()}


def over_views(answer: Callable[[Tensor], Tensor], image: Tensor, change: Augment, views: int) -> Tensor:
    """[b, classes]: the geometric mean, summing to 1, of the answers to this many changed views of each image, the same
    changes for all, so that an image's answer does not depend on its batch mates. It errs as seldom as the arithmetic
    mean, whose probabilities are too modest where the answers are right (docs/few-labels.md)."""
    generator = Generator().manual_seed(0)  # of the CPU: the same views on every device
    said = torch.stack([answer(change(image, generator, alike=True)).float() for _ in range(views)])
    return said.clamp(min=torch.finfo(said.dtype).tiny).log().mean(0).softmax(1)


def remarks(terms: Mapping[str, float], classes: int, prior: bool, asks: bool = True) -> list[str]:
    """What means of the report's terms warn of, from half of the training on, which is when "pseudo imbalance" is
    reported. ``prior``: whether shares of ``classes`` were given; ``asks``: whether the head is asked for guesses."""
    if "pseudo imbalance" not in terms:
        return []
    found = []
    if asks and terms["pseudo kept"] < FEW:
        said = f"after half of the training fewer than {100 * FEW:.0f} % of images without a label have a pseudo-label"
        found.append(f"{said}: lower head.threshold, label more, or train longer")
    far = terms["pseudo imbalance"] > max(FAR, CHANCE * classes)
    if far and prior:
        said = "classes of pseudo-labels are far from as common as head.prior says"
        found.append(f"{said}: correct the shares, or label more")
    elif far:
        said = "classes of pseudo-labels are far from equally common"
        found.append(f"{said}: if they are so, say how common by --prior; if not, label more")
    return found
