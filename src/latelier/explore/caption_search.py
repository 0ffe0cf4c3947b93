"""Images by a caption: how likely the model finds the words when it looks at each."""

import numpy as np

from latelier.core import Captions, need
from latelier.explore.opened_run import OpenedRun
from latelier.nets.eval_mode import evaluating
from latelier.scores.captioning import codes_of, log_mixture
from latelier.slices import Slices
from latelier.uses.imagining import tokens_of

BLOCK = 16  # images a slice


def likelihoods(opened: OpenedRun, text: str) -> Slices[np.ndarray]:
    """float64 [n]: log p(text | image) in nats, of all images of the data. Raises Refusal for words that the model does
    not know."""
    writer, count = need(opened.model, Captions), len(opened.shown)
    caption, found = tokens_of(text, writer.words()).to(opened.device), np.empty(count)
    for start in range(0, count, BLOCK):
        rows = slice(start, min(start + BLOCK, count))
        with evaluating(opened.model):
            codes = codes_of(opened.model, opened.shown.floats(rows).to(opened.device), None, opened.generator(0))
            found[rows] = log_mixture(writer, codes, caption.expand(rows.stop - start, -1)).cpu().numpy()
        yield rows.stop / count
    return found
