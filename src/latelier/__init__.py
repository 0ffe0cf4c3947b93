"""Learn the latent codes of images, see what they hold, and put them to use.

Every verb of the command line is a function here, of the same name and arguments: ``latelier.train("vae",
data="digits", out="runs/first")``; ``load`` opens a trained run as a torch module and ``build`` gives an untrained
model. Names are imported on first use, because torch takes a second to load. (What the commands ``models`` and
``data`` list, ``list_models`` and ``list_data`` return: ``latelier.models`` and ``latelier.data`` are packages; so is
``latelier.explore``, whose verb is ``latelier.verbs.explore.explore``.)"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what a type checker and an editor see
    from latelier.errors import Refusal as Refusal
    from latelier.runs.building import build as build
    from latelier.runs.building import load as load
    from latelier.verbs.cache import cache as cache
    from latelier.verbs.caption import caption as caption
    from latelier.verbs.classify import classify as classify
    from latelier.verbs.compare import compare as compare
    from latelier.verbs.decode import decode as decode
    from latelier.verbs.demo import demo as demo
    from latelier.verbs.draw import draw as draw
    from latelier.verbs.duplicates import duplicates as duplicates
    from latelier.verbs.edit import edit as edit
    from latelier.verbs.encode import encode as encode
    from latelier.verbs.export import export as export
    from latelier.verbs.fit_prior import fit_prior as fit_prior
    from latelier.verbs.inpaint import inpaint as inpaint
    from latelier.verbs.listing import data as list_data  # noqa: F401
    from latelier.verbs.listing import models as list_models  # noqa: F401
    from latelier.verbs.neighbours import neighbours as neighbours
    from latelier.verbs.outliers import outliers as outliers
    from latelier.verbs.parts import parts as parts
    from latelier.verbs.reconstruct import reconstruct as reconstruct
    from latelier.verbs.report import report as report
    from latelier.verbs.reproduce import reproduce as reproduce
    from latelier.verbs.score import score as score
    from latelier.verbs.suggest import suggest as suggest
    from latelier.verbs.sweep import sweep as sweep
    from latelier.verbs.train import train as train

__version__ = "0.1.0"

_PUBLIC = {
    "Refusal": "latelier.errors",
    "build": "latelier.runs.building",
    "load": "latelier.runs.building",
    "list_models": "latelier.verbs.listing:models",
    "list_data": "latelier.verbs.listing:data",
    **{
        verb: f"latelier.verbs.{verb}"
        for verb in (
            "demo",
            "train",
            "sweep",
            "score",
            "draw",
            "fit_prior",
            "encode",
            "decode",
            "reconstruct",
            "inpaint",
            "edit",
            "classify",
            "suggest",
            "neighbours",
            "duplicates",
            "outliers",
            "caption",
            "parts",
            "compare",
            "report",
            "export",
            "reproduce",
            "cache",
        )
    },
}
__all__ = [*_PUBLIC, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'latelier' has no attribute '{name}'")
    module, _, attribute = _PUBLIC[name].partition(":")
    return getattr(import_module(module), attribute or name)


def __dir__() -> list[str]:
    return sorted(__all__)
