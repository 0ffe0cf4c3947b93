"""Captions of drawn scenes, whose truth is known: right word for word, and right in colours, shapes and relations."""

from torch import Generator

from latelier.core import Captions, Encodes, Model
from latelier.data.drawn.scene_factors import COLOURS, KINDS, TEXTURES
from latelier.scores.captioning import captioned, references_of, written
from latelier.scores.common import Splits

needs = (Encodes, Captions)
NEEDS_CAPTIONS = True
NEEDS_PARTS = True
LIMIT = 2_000
BEAM = 5
GROUPS = {
    "sizes": ("small", "large"),
    "colours": COLOURS,
    "textures": TEXTURES,
    "shapes": KINDS,
    "relations": ("above", "below", "left", "right", "both"),
}
PROTOCOL = (
    f"One caption for each drawn test image, by a beam of {BEAM} and the most likely code, or 50 draws where that "
    "is not typical, unless said otherwise. Exact: it is, word for word, one of the image's captions, all of "
    "which are true. Colours, shapes and so on: its words of that group are, in their order, those of one of the "
    "image's captions. Parts: all groups are, of one caption."
)


def score(
    model: Model, data: Splits, generator: Generator, *, beam: int = BEAM, draws: int | None = None
) -> dict[str, float]:
    """Shares in percent, of captions written with that ``beam`` under this many ``draws`` of the code, 0 for the most
    likely one, by default ``usual_draws``."""
    test = captioned(data.test)
    texts, _ = written(model, test, beam, draws, generator)
    hits = dict.fromkeys(("exact", *GROUPS, "parts"), 0)
    for text, references in zip(texts, references_of(test), strict=True):
        said, wanted = grouped(text.split()), [grouped(words) for words in references]
        hits["exact"] += text.split() in references
        hits["parts"] += said in wanted
        for name in GROUPS:
            hits[name] += said[name] in [one[name] for one in wanted]
    return {f"{name} %": 100 * count / len(texts) for name, count in hits.items()}


def grouped(words: list[str]) -> dict[str, list[str]]:
    """The words of each group, in their order. A ground's texture is none of a shape."""
    if "ground" in words:
        words = words[words.index("ground") + 1 :]
    return {name: [word for word in words if word in group] for name, group in GROUPS.items()}
