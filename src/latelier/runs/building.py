"""From a method's name and settings to a model, and from a run's files to the trained one."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from latelier.config.lookup import find_module, module_names, spelt
from latelier.config.own_code import Named, permitted, running, with_named
from latelier.config.settings import configure, nest, to_json
from latelier.core import Encodes, Fits, Model, Wrapper, has, need
from latelier.engine import checkpoint
from latelier.engine.memory import check_room
from latelier.engine.state import check_card, load_weights
from latelier.errors import Refusal
from latelier.heads.caption import CaptionConfig
from latelier.heads.captioned import Captioned
from latelier.heads.joint import Joint
from latelier.heads.reading import map_of, width
from latelier.runs import hub
from latelier.runs.compatibility import settings_of
from latelier.runs.with_prior import with_prior
from latelier.storage.schemas import CardNote


@dataclass(frozen=True)
class Card:
    """What a weights file says of itself: enough to build the model again."""

    model: str
    image: tuple[int, int, int]
    config: dict[str, Any]
    head: dict[str, Any] | None = None
    classes: tuple[str, ...] = ()
    caption: dict[str, Any] | None = None
    words: tuple[str, ...] = ()  # of a caption head, by token number

    def json(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def modules(self) -> list[str]:
        """Names of the modules that it is built from: the method and its heads."""
        return [self.model, *(part["kind"] for part in (self.head, self.caption) if part)]


def build(
    name: str,
    image: tuple[int, int, int],
    *,
    classes: tuple[str, ...] | int = (),
    words: tuple[str, ...] = (),
    **config: Any,
) -> Model:
    """An untrained model of the method ``name`` for images (c, h, w).

    ``config`` are the method's fields, dotted names given as a dict: ``build("vae", (1, 28, 28), latent=16, net="mlp",
    **{"net.widths": (512,)})``; ``head="softmax"`` adds a label head over ``classes`` (names, or how many), and
    ``caption="gru"`` a caption head over ``words`` (``Vocabulary.words``). Raises Refusal for an unknown method, field
    or value.
    """
    return assemble(Named(name), image, classes, with_named(config), words=words)[0]


def assemble(
    name: str,
    image: tuple[int, int, int],
    classes: tuple[str, ...] | int,
    settings: dict[str, Any],
    words: tuple[str, ...] = (),
) -> tuple[Model, Card]:
    """A model and its card. Raises Refusal for a method or head outside the package that the user did not name."""
    module = _module(name)
    names = tuple(str(i) for i in range(classes)) if isinstance(classes, int) else tuple(classes)
    head_settings, settings = _apart(settings, "head")
    caption_settings, settings = _apart(settings, "caption")
    known, headed = {field.name for field in fields(module.Config)}, wants_head(head_settings)
    if "classes" in known and (names or headed):
        settings.setdefault("classes", 0 if headed else len(names))
    config = configure(module.Config, settings, name)
    if not headed and getattr(config, "classes", None) == 0:
        raise Refusal(f"{name}: classes=0 leaves classes to a label head; say --set head=softmax")
    check_room(name, partial(module.Model, config, image=image))
    model: Model = module.Model(config, image=image)
    head = caption = None
    if headed:
        model, head = _with_head(model, name, head_settings, len(names))
    if wants_captions(caption_settings):
        model, caption = _with_caption(model, name, caption_settings, words)
    return model, Card(name, image, to_json(config), head, names, caption, words if caption else ())


def config_of(name: str) -> type:
    """The method's ``Config``."""
    config: type = _module(name).Config
    return config


def takes_head(name: str) -> bool:
    """Whether a label head can learn beside that method: it encodes, learns by moves, and needs no labels itself."""
    model = _module(name).Model
    return issubclass(model, Encodes) and not issubclass(model, Fits) and not getattr(model, "needs_labels", False)


def label_weight(name: str) -> float | None:
    """What a label head weighs beside that method by its source; none where that goes by the number of pixels."""
    found: float | None = getattr(_module(name).Model, "label_weight", None)
    return found


def wants_head(settings: Mapping[str, Any]) -> bool:
    """Whether the settings ask for a label head, by its name or by any field of it."""
    named = any(name == "head" or name.startswith("head.") for name in settings)
    return named and settings.get("head", "softmax") not in (None, "none")


def wants_captions(settings: Mapping[str, Any]) -> bool:
    """Whether the settings ask for a caption head."""
    return settings.get("caption") not in (None, "none")


def caption_config(settings: Mapping[str, Any]) -> tuple[str, CaptionConfig]:
    """Kind and settings of the caption head that a model's settings ask for. Raises Refusal for an unknown one."""
    kind, nested = _kind(_apart(settings, "caption")[0], "caption", "gru")
    config: CaptionConfig = configure(
        find_module("latelier.heads", kind, "caption head", "Writer").Config, nested, f"caption={kind}"
    )
    return kind, config


def _apart(settings: Mapping[str, Any], field: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of a field, and all others."""
    own = {key: value for key, value in settings.items() if key == field or key.startswith(f"{field}.")}
    return own, {key: value for key, value in settings.items() if key not in own}


def _kind(settings: Mapping[str, Any], field: str, usual: str) -> tuple[str, dict[str, Any]]:
    """Which kind of a field its settings ask for, and that kind's own settings."""
    chosen = nest(settings)[field]
    own = {"kind": chosen} if isinstance(chosen, str) else dict(chosen)
    return spelt(own.pop("kind", usual)), own


def _check_learns(model: Model, name: str, what: str) -> None:
    if not has(model, Encodes):
        raise Refusal(f"{name} does not encode images, so it cannot carry a {what} head")
    if not model.moves():
        raise Refusal(f"{name} is fitted in closed form, so no {what} head can learn along with it; leave it out")


def _with_caption(
    model: Model, name: str, settings: dict[str, Any], words: tuple[str, ...]
) -> tuple[Model, dict[str, Any]]:
    _check_learns(model, name, "caption")
    kind, config = caption_config(settings)
    config = replace(config, weight=need(model, Encodes).label_weight if config.weight is None else config.weight)
    writer = find_module("latelier.heads", kind, "caption head", "Writer").Writer
    given = (map_of(model),) if config.look == "cells" else ()
    return Captioned(model, writer(config, width(model), words, model.image, *given)), {"kind": kind, **to_json(config)}


def _with_head(model: Model, name: str, settings: dict[str, Any], classes: int) -> tuple[Model, dict[str, Any]]:
    _check_learns(model, name, "label")
    kind, nested = _kind(settings, "head", "softmax")
    if kind in module_names("latelier.heads", "Writer"):
        raise Refusal(f"head={kind}: {kind} writes captions and predicts no classes; say caption={kind}")
    module = find_module("latelier.heads", kind, "head", "Head")
    encoder = need(model, Encodes)
    config = configure(module.Config, nested, f"head={kind}")
    config = replace(
        config,
        weight=encoder.label_weight if config.weight is None else config.weight,
        labelled=config.labelled or encoder.labelled,
    )
    return Joint(model, module.Head(config, width(model), classes, model.image)), {"kind": kind, **to_json(config)}


def nets(model: Model) -> list[nn.Module]:
    """What a model's moves call: its parts, those of the model inside a wrapper included, but no model itself."""
    parts = [part for part in model.children() if not isinstance(part, Model)]
    return [*parts, *nets(model.inner)] if isinstance(model, Wrapper) else parts


def open_model(run: str | Path, own: str | None = None) -> tuple[Model, Card, checkpoint.Checkpoint | None]:
    """The trained model of a run folder (its best checkpoint), of a folder for a model hub (``hub.local``), or of a
    weights file; in eval mode, on the CPU, its kernels in channels_last, with which convolutions there take half the
    time. ``own`` is a method outside the package that the user has named.

    Raises Refusal for a path that is none of these, for damaged, foreign or newer files; nothing in them is executed.
    """
    path = hub.found(run)
    found = checkpoint.best(path) if path.is_dir() else None
    stored = None
    file = found.weights if found else path
    if path.is_dir() and found is None:
        if not hub.is_hub_folder(path):
            raise Refusal(f"{run} holds no checkpoint: it is not a run, or was stopped before its first save")
        file, stored = hub.weights_of(path)
    weights, note = checkpoint.read(file, CardNote)
    if stored is not None:
        check_card(stored, note, path / hub.CONFIG)
    if found and note.get("seen", found.seen) != found.seen:
        raise Refusal(f"{file} is the checkpoint of another moment, at {note['seen']:,} images; restore it")
    words = tuple(note.get("words", ()))  # files of older versions have none
    name = note["model"] if own is None or own != note["model"] else own
    c, h, w = note["image"]  # a list, as JSON has it
    model, card = assemble(name, (c, h, w), tuple(note["classes"]), settings_of(note), words)
    load_weights(model, weights, file)
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last), card, found


def load(run: str | Path) -> Model:
    """The trained model of a run folder, a weights file, or a folder for a model hub, in eval mode on the CPU;
    ``hf://user/repository`` is downloaded into the cache first. Raises Refusal as ``open_model`` does."""
    model, _, found = open_model(run)
    return with_prior(model, hub.local(run), found.seen) if found else model


def _module(name: str) -> ModuleType:
    """The method's module: of the package, or a user's own file (``my_model.py``) or dotted module that they named."""
    if not name.endswith(".py"):
        return find_module("latelier.models", name, "model", "Model")
    path = permitted(name, "model")
    # A plain str: bytecode holds the file's name, and no subclass of str can be written there.
    spec = importlib.util.spec_from_file_location(Path(path).stem, str(path))
    if spec is None or spec.loader is None or not Path(path).exists():
        raise Refusal(f"no model file at {path}")
    module = importlib.util.module_from_spec(spec)
    with running(path):
        spec.loader.exec_module(module)
    if not hasattr(module, "Model") or not hasattr(module, "Config"):
        raise Refusal(f"{path} is no model: it must define Model and Config (see CONTRIBUTING.md)")
    return module
