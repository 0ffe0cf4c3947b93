"""Words of patches: how near each place of an image is to what k-means finds in whitened patches of unlabelled images
(Coates, Lee & Ng 2011, "An analysis of single-layer networks in unsupervised feature learning", section 3)."""

import numpy as np
import torch
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

from latelier.data.images import Images

WORDS, PATCHES, EACH = 800, 200_000, 10  # and how many patches of an image
LARGEST, PATCH = 32, 6  # pixels a side: of images, which are averaged down to it, and of their patches
NORMAL, WHITE = 10 / 255**2, 0.1  # added to the variance of a patch, and to those of patches together
QUARTERS = 2  # parts a side over which words are averaged


class PatchWords:
    """Learned from images; turns images into float32 [n, QUARTERS**2 * WORDS]."""

    def __init__(self, images: Images):
        rng = np.random.default_rng(0)
        rows = np.sort(rng.permutation(len(images))[: PATCHES // EACH])
        side = min(LARGEST, *images.shape[1:])
        self.patch = max(3, round(PATCH * side / LARGEST))
        found = torch.cat([self._some(block, rng) for block in images.take(rows).blocks()]).numpy()
        self.mean = torch.from_numpy(found.mean(0))
        values, ways = np.linalg.eigh(np.cov((found - found.mean(0)).T))
        self.white = torch.from_numpy((ways / np.sqrt(values + WHITE) @ ways.T).astype(np.float32))
        seen = self._whitened(torch.from_numpy(found)).numpy()
        means = MiniBatchKMeans(WORDS, batch_size=4_096, n_init=1, max_iter=20, random_state=0).fit(seen)
        self.words = torch.from_numpy(means.cluster_centers_.astype(np.float32))

    def __call__(self, images: Images) -> np.ndarray:
        return torch.cat([self._read(block) for block in images.blocks(64)]).numpy()

    def _patches(self, image: Tensor) -> Tensor:
        """[b, c, h, w] in [0, 1] -> [b, h', w', d], each of mean 0 and variance 1."""
        image = avg_pool2d(image, max(1, min(image.shape[2:]) // LARGEST))
        patches = image.unfold(2, self.patch, 1).unfold(3, self.patch, 1).permute(0, 2, 3, 1, 4, 5).flatten(3)
        patches = patches - patches.mean(3, keepdim=True)
        return patches / (patches.var(3, keepdim=True) + NORMAL).sqrt()

    def _some(self, image: Tensor, rng: np.random.Generator) -> Tensor:
        """[n, d], ``EACH`` of each image."""
        patches = self._patches(image).flatten(1, 2)
        return torch.cat([one[rng.permutation(len(one))[:EACH].copy()] for one in patches])

    def _whitened(self, patches: Tensor) -> Tensor:
        white = (patches - self.mean) @ self.white
        return white / (white.norm(dim=-1, keepdim=True) + 1e-9)

    def _read(self, image: Tensor) -> Tensor:
        """How much nearer than on average each word is, of all places of a quarter on the mean."""
        apart = torch.cdist(self._whitened(self._patches(image)).flatten(1, 2), self.words)
        near = (apart.mean(2, keepdim=True) - apart).clamp(min=0)
        side = round(near.shape[1] ** 0.5)
        near = near.view(len(near), side, -1, WORDS).permute(0, 3, 1, 2)
        return adaptive_avg_pool2d(near, QUARTERS).flatten(1)
