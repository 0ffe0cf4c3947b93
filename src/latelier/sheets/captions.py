"""Images beside a reference caption and the model's own, each with its log-probability."""

import numpy as np
import torch

from latelier.core import Captions, Encodes, need
from latelier.data.words import Vocabulary
from latelier.scores.captioning import codes_of, log_mixture
from latelier.sheets.sheet import Cell, Grid, compose
from latelier.sheets.view import View, pixels

needs = (Encodes, Captions)
IMAGES = 24
ACROSS, PITCH = 4, 320  # images a row, px an image
BEAM, LONGEST = 5, 30


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]."""
    image = view.image[:IMAGES]
    writer = need(view.model, Captions)
    vocabulary = Vocabulary(writer.words())
    codes = codes_of(view.model, image, None, view.generator)
    ours = writer.describe(codes, BEAM, LONGEST)
    references = [next(iter(texts), "") for texts in view.captions[: len(image)]] or [""] * len(image)
    table = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(vocabulary.tokens(text, 2 * LONGEST), dtype=torch.int64) for text in references], batch_first=True
    )
    known = log_mixture(writer, codes, table.to(image.device)).tolist()
    cells = [
        Cell(shown, f"{_said(reference, score)}\nmodel: {vocabulary.text(row)} ({found:.1f})")
        for shown, reference, score, row, found in zip(
            pixels(image), references, known, ours.token.tolist(), ours.log_probability.tolist(), strict=True
        )
    ]
    rows = [cells[start : start + ACROSS] for start in range(0, len(cells), ACROSS)]
    source = "the most likely code" if len(codes) == 1 else f"{len(codes)} samples of the code together"
    footer = (
        f"Under each image its first caption, and the model's, found by a beam of {BEAM} from {source}. "
        "In brackets log p(caption | code) in nats, of the words and the end; words that the model does not know count "
        "as one."
    )
    return compose(f"{view.title}: captions", [[Grid(rows, pitch=PITCH)]], footer)


def _said(reference: str, score: float) -> str:
    return f"given: {reference} ({score:.1f})" if reference else "no caption given"
