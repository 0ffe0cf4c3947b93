"""A teacher of the images without a label that needs no net: what patch words say of them (``learners.patch_words``).

Before the first step a logistic regression on the words of the labelled images gives each of the others a share of
every class, and those shares are the target of a strongly changed view of it: distillation (Hinton et al. 2015, eq. 4
at temperature 1) from a teacher of another kind, which a net of few labels falls far behind on photographs. The net
ends better than its teacher, since it sees every image in ever new views (Xie et al. 2020, "noisy student")."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from latelier.core.looks import Shares
from latelier.data.batches import Batches
from latelier.errors import Refusal
from latelier.heads.unlabelled import UNKNOWN, Guess, Unlabelled, report_of
from latelier.learners.patch_words import EACH, PATCHES, PatchWords, Teacher

BLOCK = 64  # images whose words are read at once
SEEN = 1e-6  # least mean share that a class is divided by


class Words(Unlabelled):
    """Teaches what patch words say, at the shares that they say it."""

    asks = False

    def __init__(self, image: tuple[int, int, int], classes: int, prior: tuple[float, ...]):
        super().__init__(image, classes, prior)
        self.said = Shares(classes)

    @torch.no_grad()
    def guess(self, said: Tensor, label: Tensor, index: Tensor, truth: Tensor) -> Guess:
        free = label < 0
        share = self.said.of(index) * free[:, None]
        kept = share.any(1)
        self.note(share, kept)
        return Guess(torch.full_like(label, UNKNOWN), report_of(share.argmax(1), kept, free, truth), share)

    def follow(
        self, batches: Batches, rows: Tensor, others: Iterable[Tensor], codes: Callable[[Tensor], np.ndarray]
    ) -> dict[str, float]:
        """Words are learned from ``rows``, and classes from their labelled images, mirrored too where training mirrors;
        the mean share of each class over all is then its prior's."""
        label = batches.labels(rows)
        self.said.begin(len(batches.images))
        if (label >= 0).all():
            return {"pseudo labels": 0.0}
        if len(np.unique(label[label >= 0])) < 2:
            raise Refusal("head.unlabelled=words separates classes, so it needs labels of two or more")
        mixed = rows[torch.from_numpy(np.random.default_rng(0).permutation(len(rows))[: PATCHES // EACH])]
        words = PatchWords(batches.rows(some).image.cpu() for some in mixed.split(BLOCK))

        def read(some: Tensor, mirrored: bool = False) -> np.ndarray:
            blocks = (batches.rows(part).image.cpu() for part in some.split(BLOCK))
            return torch.cat([words(block.flip(3) if mirrored else block) for block in blocks]).numpy()

        known, names = rows[torch.from_numpy(label >= 0)], label[label >= 0]
        sides = (False, True) if batches.mirrored else (False,)
        teacher = Teacher(np.concatenate([read(known, side) for side in sides]), np.tile(names, len(sides)))
        parts = [rows[torch.from_numpy(label < 0)], *others]
        shares = [teacher.shares(read(some), len(self.prior)) for some in parts if len(some)]
        everything, share = torch.cat(parts), torch.from_numpy(np.concatenate(shares)).to(self.prior.device)
        share = share * self.prior / share.mean(0).clamp(min=SEEN)
        share = share / share.sum(1, keepdim=True)
        self.said.keep(everything.to(share.device), share)
        return {"pseudo labels": float(len(share)), "pseudo confidence": float(share.amax(1).mean())}
