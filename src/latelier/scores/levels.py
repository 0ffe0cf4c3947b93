"""Reconstructions by each level of a hierarchy of codes; by all of the code, of a model without levels."""

from torch import Tensor

from latelier.core import Decodes, Encodes, HasLevels, Model, has, need

WHOLE = "code"  # what the only reconstruction is called where there are no levels


def levels_of(model: Model) -> tuple[str, ...]:
    """Names of the reconstructions, from the image upwards."""
    return need(model, HasLevels).levels() if has(model, HasLevels) else (WHOLE,)


def reconstructed(model: Model, image: Tensor) -> dict[str, Tensor]:
    """By each level the mean image [b, c, h, w] of the level's most likely code; what lies below it is drawn from it
    alone."""
    code, decoder = need(model, Encodes).encode(image).mode(), need(model, Decodes)
    if not has(model, HasLevels):
        return {WHOLE: decoder.decode(code)}
    return {level: decoder.decode({level: code[level]}) for level in levels_of(model)}
