"""Learn the latent codes of images, see what they hold, and put them to use.

Every verb of the command line is a function here, of the same name and arguments: ``latelier.train("vae",
data="digits", out="runs/first")``; ``load`` opens a trained run as a torch module and ``build`` gives an untrained
model. Names are imported on first use, because torch takes a second to load. (What the commands ``models`` and
``data`` list, ``list_models`` and ``list_data`` return: ``latelier.models`` and ``latelier.data`` are packages; so is
``latelier.explore``, whose verb is ``latelier.verbs.explore.explore``.)"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Refusal": "latelier.core",
    "build": "latelier.runs.building",
    "load": "latelier.runs.building",
    "list_models": "latelier.verbs.listing:models",
    "list_data": "latelier.verbs.listing:data",
    **{
        verb: f"latelier.verbs.{verb}"
        for verb in (
            "demo",
            "train",
            "score",
            "draw",
            "encode",
            "decode",
            "reconstruct",
            "inpaint",
            "edit",
            "classify",
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
