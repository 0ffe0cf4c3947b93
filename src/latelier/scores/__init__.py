"""Scores: one a file, (model, splits) -> named numbers. A score asks for capabilities and never for a model by name.

A score is a module with ``needs`` (capabilities), ``PROTOCOL`` (what was measured, in words), ``LIMIT`` (how many test
images it measures unless asked for another number) and ``score(model, data, generator, **options) -> dict[str,
float]``. The names of its values end in their unit; "NAME sd" is the standard deviation of NAME, "NAME se" the standard
error of its mean over images.

Optional: ``NEEDS_LABELS`` says that images without labels are of no use to it; ``NEEDS_FACTORS`` that it needs known
factors of every image, two at least unless it is named; ``NEEDS_ATTRIBUTES`` that it needs attributes, or
classes; ``NEEDS_CAPTIONS`` that it needs captions;
``NEEDS_PARTS`` and ``NEEDS_MODES`` that it needs drawn images with their shapes' masks or their modes;
``TAKES_DIRECTIONS`` that it reads ``Splits.found``; ``ON_REQUEST`` that it takes so long that it is left out unless it
is named; and ``verdict(values) -> str`` puts the values in words.
"""

from types import ModuleType

from latelier.config.lookup import find_module, module_names
from latelier.core import Model, missing


def find(name: str) -> ModuleType:
    """The score of that name, or the user's own module for a name with dots. Raises Refusal with the nearest match."""
    return find_module("latelier.scores", name, "score", "score")


def list_scores() -> list[str]:
    """Names of all scores, in alphabetical order."""
    return module_names("latelier.scores", "score")


def possible(model: Model) -> list[str]:
    """Names of the scores for which the model has the capabilities."""
    return [name for name in list_scores() if not missing(model, find(name).needs)]
