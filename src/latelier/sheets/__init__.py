"""One sheet a file: a module with ``needs`` and ``draw(view)``, which answers one uint8 image [H, W, 3], and with
``IMAGES`` where it wants another number of images of the data than most. ``draw`` raises Refusal for data that it
cannot be drawn from. With ``ON_REQUEST`` a report leaves it out; ``TAKES`` names the options of ``latelier draw`` that
are its own."""

from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from latelier.config.lookup import find_module, module_names, spelt
from latelier.core import innermost, missing
from latelier.core.lacking import lack
from latelier.errors import Refusal
from latelier.terminal.say import say

if TYPE_CHECKING:
    from latelier.sheets.view import View

ORDER = (  # of a report's sheets: first what only some methods draw, last what shows a net's insides
    *("parts", "part_crops", "swap", "edits", "delta", "captions", "imagine", "levels", "level_traverse", "innovation"),
    *("reconstruct", "samples", "traverse", "interpolate", "inpaint", "manifold", "codes", "latent_map"),
    *("distances", "weights", "augmented", "losses", "filters", "unpooling"),
)
IMAGES = 64  # of the data that a sheet sees, unless it says otherwise


def find(name: str) -> ModuleType:
    """The sheet of that name, or the user's own module for a name with dots. Raises Refusal, with the nearest match,
    when there is none."""
    return find_module(__name__, name, "sheet", "draw")


def list_sheets() -> list[str]:
    """The names of all sheets; none of them is imported for it."""
    return module_names(__name__, "draw")


def possible(model: nn.Module) -> list[str]:
    """The names of the sheets that the model has the capabilities for."""
    return [name for name in list_sheets() if not missing(model, find(name).needs)]


def draw_sheet(sheet: str, view: "View") -> np.ndarray:
    """The sheet as uint8 [H, W, 3]. Raises Refusal when the model lacks a capability that it needs, or the data what it
    takes."""
    module = find(sheet)
    if lacking := missing(view.model, module.needs):
        able = ", ".join(possible(view.model))
        raise Refusal(f"sheet '{spelt(sheet)}' {lack(type(innermost(view.model)), lacking)}; it can draw: {able}")
    drawn: np.ndarray = module.draw(view)
    return drawn


def ordered(names: Iterable[str]) -> list[str]:
    """The names as a report shows them; what ``ORDER`` does not name comes last."""
    return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


def wanted(sheet: ModuleType) -> int:
    """How many images of the data the sheet would like to see. ``PICTURES``, the former name, is read for one more
    version, and a line says so."""
    if hasattr(sheet, "PICTURES") and not hasattr(sheet, "IMAGES"):
        said = f"{sheet.__file__ or sheet.__name__}: PICTURES is now called IMAGES"
        say(f"{said}: rename it there; the next version reads IMAGES alone", error=True)
        return int(sheet.PICTURES)
    return int(getattr(sheet, "IMAGES", IMAGES))


def takes(sheet: ModuleType) -> tuple[str, ...]:
    """Names of the options that it has beside those of every sheet."""
    names: tuple[str, ...] = getattr(sheet, "TAKES", ())
    return names
