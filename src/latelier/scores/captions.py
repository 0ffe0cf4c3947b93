"""Captions beside references: BLEU, ROUGE_L, CIDEr, perplexity; beside two captioners that look at nothing or copy."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
from torch import Generator

from latelier.codes.rows import pixels
from latelier.core import Captions, Encodes, Model
from latelier.data.images import Images
from latelier.data.words import words_of
from latelier.scores.captioning import (
    captioned,
    likelihoods,
    references_of,
    unknown_share,
    usual_draws,
    written,
)
from latelier.scores.common import Splits
from latelier.scores.text.bleu import bleu
from latelier.scores.text.cider import cider
from latelier.scores.text.meteor import meteor as java_meteor
from latelier.scores.text.rouge import rouge_l
from latelier.terminal.tables import counted

needs = (Encodes, Captions)
NEEDS_CAPTIONS = True
LIMIT = 1_000
BEAM = 5
FEWEST_DRAWS = 10  # for perplexity, where captions are of the most likely code
PROTOCOL = (
    f"One caption for each test image with captions, by a beam of {BEAM} and the most likely code, or 50 draws "
    "where that is not typical, unless said otherwise, at most 30 words, beside all of its references. BLEU, "
    "ROUGE_L and CIDEr (CIDEr-D, rarity among these references) by coco-caption's formulas on lower-cased words "
    "without punctuation; its own tokeniser would also take contractions apart. METEOR by its Java program where "
    "captions.meteor names the jar. Perplexity: exp of nats a token of all references, their ends included, under the "
    f"mean of p(Y | s) over as many samples of the code, {FEWEST_DRAWS} where captions are of the most likely one; "
    "words that occurred too seldom in training count as one unknown token. Commonest: the caption that occurs most "
    "often in the training split, for every image. Nearest: the first caption of the training image nearest in pixels."
)


def score(
    model: Model, data: Splits, generator: Generator, *, beam: int = BEAM, draws: int | None = None, meteor: str = ""
) -> dict[str, float]:
    """Of captions written with that ``beam`` under this many ``draws`` of the code, 0 for the most likely one, by
    default ``usual_draws``. ``meteor`` is the path of meteor-1.5.jar. Raises Refusal where that does not run."""
    draws = usual_draws(model) if draws is None else draws
    test, fit = captioned(data.test), captioned(data.fit)
    references = references_of(test)
    texts, _ = written(model, test, beam, draws, generator)
    ours = [words_of(text) for text in texts]
    values = judged(ours, references)
    if meteor:
        values["METEOR"] = java_meteor(ours, references, meteor)
    nats, tokens = likelihoods(model, test, draws or FEWEST_DRAWS, generator)
    values |= {
        "perplexity": float(np.exp(-nats.sum() / tokens.sum())),
        "unknown words %": unknown_share(model, references),
    }
    for name, copied in (("commonest", _commonest(fit, len(test))), ("nearest", _nearest(fit, test))):
        values |= {f"{metric} {name}": value for metric, value in judged(copied, references).items()}
    return values


def verdict(values: dict[str, float], n: int) -> str:
    """Whether it beats both on n images, in plain words, and whether METEOR was measured."""
    names = ("commonest", "nearest")
    beaten = [name for name in names if all(values[m] > values[f"{m} {name}"] for m in ("BLEU-4", "CIDEr"))]
    claim = {
        2: "Better than both copies",
        1: f"Better than the {''.join(beaten)} caption alone",
        0: "Better than neither copy",
    }
    absent = "" if "METEOR" in values else " METEOR was not measured: no jar was given."
    return f"{claim[len(beaten)]} by BLEU-4 and CIDEr, on {counted(n, 'image')}.{absent}"


def judged(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> dict[str, float]:
    """The metrics that need no other program."""
    values = {f"BLEU-{n}": value for n, value in enumerate(bleu(candidates, references), 1)}
    return values | {"ROUGE_L": rouge_l(candidates, references), "CIDEr": cider(candidates, references)}


def _commonest(fit: Images, count: int) -> list[list[str]]:
    said = Counter(tuple(words) for words in chain.from_iterable(references_of(fit)))
    return [list(said.most_common(1)[0][0])] * count


def _nearest(fit: Images, test: Images) -> list[list[str]]:
    known, measured = pixels(fit), pixels(test)
    found = []
    for block in np.array_split(measured, max(1, len(measured) // 100)):
        distance = (known**2).sum(1) - 2 * block @ known.T
        found += [words_of(next(t for t in fit.captions[row] if words_of(t))) for row in distance.argmin(1)]
    return found
