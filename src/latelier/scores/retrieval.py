"""Which image a caption belongs to, and which caption an image, among all of the test images."""

import numpy as np
import torch
from torch import Generator

from latelier.codes.rows import BLOCK, device_of
from latelier.core import Captions, Code, Encodes, Model, need
from latelier.data.captions import Sentences
from latelier.data.images import Images
from latelier.data.words import Vocabulary
from latelier.heads.reading import typical
from latelier.nets.eval_mode import evaluating
from latelier.scores.captioning import LEARNED, captioned, log_mixture, references_of
from latelier.scores.common import Splits

needs = (Encodes, Captions)
NEEDS_CAPTIONS = True
ON_REQUEST = True
LIMIT = 200
RANKS = (1, 5, 10)
DRAWS = 10  # of a code whose most likely value is not typical
PAIRS = 4_096  # of image and caption, at once
PROTOCOL = (
    "Each test image's most likely code (10 draws where that is not typical) and first caption. Caption to image: "
    "images in the order of log p(Y | s) "
    "of that caption. Image to caption: captions in the order of log p(Y | s) less its log mean over all these "
    "images, so that a caption which is likely anywhere does not come first everywhere. Recall@k: how often one that "
    "is right is among the first k; captions word for word alike are equally right. Median rank: of the first that is "
    "right, from 1. Chance: a drawn order."
)


def score(model: Model, data: Splits, generator: Generator) -> dict[str, float]:
    """Recalls in percent and median ranks."""
    test = captioned(data.test)
    table = log_likelihoods(model, test)
    texts = np.array([" ".join(beside[0]) for beside in references_of(test)])
    alike = texts[:, None] == texts
    lift = table - np.logaddexp.reduce(table, 0, keepdims=True)
    found = {"image": first_right(table.T, alike), "caption": first_right(lift, alike)}
    values: dict[str, float] = {}
    for name, ranks in found.items():
        values |= {f"{name} recall@{k} %": 100 * float((ranks <= k).mean()) for k in RANKS}
        values[f"{name} median rank"] = float(np.median(ranks))
    return values | {f"chance recall@{k} %": 100 * min(1.0, k / len(test)) for k in RANKS}


def first_right(table: np.ndarray, right: np.ndarray) -> np.ndarray:
    """[n] rank from 1 of the first right one, in descending order of each row of [n, m]; what ties stands before."""
    best = np.where(right, table, -np.inf).max(1, keepdims=True)
    ranks: np.ndarray = 1 + ((table >= best) & ~right).sum(1)
    return ranks


def log_likelihoods(model: Model, images: Images) -> np.ndarray:
    """[n, n] log p of caption j under the code of image i."""
    writer, device = need(model, Captions), device_of(model)
    sentences = Sentences(images, Vocabulary(writer.words()), LEARNED)
    caption = torch.nn.utils.rnn.pad_sequence([sentences.all(row)[0] for row in range(len(images))], batch_first=True)
    rows = []
    with evaluating(model):
        for block in images.blocks(BLOCK):
            codes = typical(model, block.to(device), DRAWS)
            for i in range(len(block)):
                parts = caption.to(device).split(PAIRS)
                each = [log_mixture(writer, [_of(code, i, len(part)) for code in codes], part) for part in parts]
                rows.append(torch.cat(each))
    return torch.stack(rows).double().cpu().numpy()


def _of(code: Code, row: int, count: int) -> Code:
    return {name: value[row].expand(count, *value[row].shape) for name, value in code.items()}
