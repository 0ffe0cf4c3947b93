"""Words of patches: how near each place of an image is to what k-means finds in whitened patches of unlabelled images
(Coates, Lee & Ng 2011, "An analysis of single-layer networks in unsupervised feature learning", section 3), and what a
few labelled images make of them."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

from latelier.learners import regression

WORDS, STEP = 800, 1  # and pixels from patch to patch: 400 and 2 take a fifth of the time, and cost a point or two
AT_ONCE = 4  # images whose distances from all words stay in a CPU's caches: twice as fast as 64
PATCHES, EACH = 100_000, 10  # to learn from, at most, and how many of an image
LARGEST, PATCH = 32, 6  # sizes in pixels: of images, which are averaged down to it, and of their patches
NORMAL, WHITE = 10 / 255**2, 0.1  # added to the variance of a patch, and to those of patches together
QUARTERS = 2  # parts a side over which words are averaged
CHARGE = 0.003  # C of the logistic regression, of .001 to .03 among the best on held-out photographs
LEAST = 0.01  # of the spread of all columns, added to each one's: a word that hardly occurs stays small


class PatchWords:
    """Learned from ``blocks`` of images, float32 [b, c, h, w] in [0, 1]; turns such images into float32 [b,
    QUARTERS**2 * words]. The same for the same images and number of threads."""

    def __init__(self, blocks: Iterable[Tensor], *, words: int = WORDS, step: int = STEP, patches: int = PATCHES):
        from sklearn.cluster import MiniBatchKMeans

        self.step = step
        rng = np.random.default_rng(0)
        found = torch.cat(list(self._some(blocks, rng, patches))).numpy()
        self.mean = torch.from_numpy(found.mean(0))
        values, ways = np.linalg.eigh(np.cov((found - found.mean(0)).T))
        self.white = torch.from_numpy((ways / np.sqrt(values + WHITE) @ ways.T).astype(np.float32))
        seen = self._whitened(torch.from_numpy(found)).numpy()
        means = MiniBatchKMeans(min(words, len(seen)), batch_size=4_096, n_init=1, max_iter=20, random_state=0)
        self.words = torch.from_numpy(means.fit(seen).cluster_centers_.astype(np.float32))

    def __call__(self, image: Tensor) -> Tensor:
        return torch.cat([self._read(some) for some in image.split(AT_ONCE)])

    def _read(self, image: Tensor) -> Tensor:
        """How much nearer than on average each word is, of all places of a quarter on the mean."""
        patches = self._patches(image)
        apart = torch.cdist(self._whitened(patches.flatten(1, 2)), self.words)
        near = (apart.mean(2, keepdim=True) - apart).clamp(min=0)
        near = near.unflatten(1, patches.shape[1:3]).permute(0, 3, 1, 2)
        return adaptive_avg_pool2d(near, QUARTERS).flatten(1)

    def _some(self, blocks: Iterable[Tensor], rng: np.random.Generator, most: int) -> Iterator[Tensor]:
        """[n, d] at a time, ``EACH`` of each image, ``most`` in all."""
        for block in blocks:
            block = block[: -(-most // EACH)]
            most -= EACH * len(block)
            patches = self._patches(block).flatten(1, 2)
            yield torch.cat([one[rng.permutation(len(one))[:EACH].copy()] for one in patches])
            if most <= 0:
                return

    def _patches(self, image: Tensor) -> Tensor:
        """[b, h', w', d], each of mean 0 and variance 1."""
        image = avg_pool2d(image, max(1, min(image.shape[2:]) // LARGEST))
        least = min(image.shape[2:])
        side = min(least, max(3, round(PATCH * min(least, LARGEST) / LARGEST)))
        patches = image.unfold(2, side, self.step).unfold(3, side, self.step).permute(0, 2, 3, 1, 4, 5).flatten(3)
        patches = patches - patches.mean(3, keepdim=True)
        normal: Tensor = patches / (patches.var(3, keepdim=True) + NORMAL).sqrt()
        return normal

    def _whitened(self, patches: Tensor) -> Tensor:
        white: Tensor = (patches - self.mean) @ self.white
        white = white / (white.norm(dim=-1, keepdim=True) + 1e-9)
        return white


class Teacher:
    """Logistic regression on the words of labelled images, [n, d] and int64 [n], every column on one scale, as the
    source has it."""

    def __init__(self, words: np.ndarray, label: np.ndarray, charge: float = CHARGE):
        self.centre, self.scale = words.mean(0), words.std(0) + LEAST * words.std() + 1e-9
        self.machine = regression.fit((words - self.centre) / self.scale, label, charge)

    def predict(self, words: np.ndarray) -> np.ndarray:
        """The likeliest class of each row [n, d]: int64 [n]."""
        return self.machine.predict((words - self.centre) / self.scale)

    def shares(self, words: np.ndarray, classes: int) -> np.ndarray:
        """Probabilities of rows [n, d]: float32 [n, classes], 0 for a class without a label."""
        said = (words - self.centre) / self.scale @ self.machine.weight.T + self.machine.bias
        said = np.exp(said - said.max(1, keepdims=True))
        found = np.zeros((len(words), classes), np.float32)
        found[:, self.machine.classes] = said / said.sum(1, keepdims=True)
        return found
