"""A training that begins with another run's weights (--from RUN): of the same method and settings, on other images of
the same shape; optimisers, schedule and log are new."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from latelier.config.own_code import Named
from latelier.config.settings import assigned, flat, nest
from latelier.core import Model
from latelier.data.images import Images, with_classes
from latelier.engine import checkpoint
from latelier.engine.state import load_weights
from latelier.errors import Refusal
from latelier.runs.building import Card, assemble, open_model, takes_head
from latelier.runs.compatibility import settings_of
from latelier.runs.config import read_config
from latelier.storage.paths import place
from latelier.storage.schemas import CardNote


def begun_from(request: SimpleNamespace) -> SimpleNamespace:
    """The request with the method, the settings and the size of images of the run that it begins with, if it names
    one. Raises Refusal where the request has others, and for a run without weights to learn on from."""
    if request.from_run is None or request.card is not None:  # a resumed run has them already
        return request
    run = place(request.from_run, "--from")
    own = request.model if isinstance(request.model, Named) else None
    model, card, _ = open_model(run, own)
    if own is not None and own != card.model:
        raise Refusal(f"--from {run}: it is a {card.model}, and {own} was named; leave the method out, or --from")
    if not model.moves():
        raise Refusal(f"--from {run}: a {card.model} is fitted anew whatever it begins with; leave --from out")
    _check_settings(run, card, request.settings)
    for option, given, kept in (
        ("--prior", request.prior, False),
        ("--labels", request.labels, not takes_head(card.model) or card.head),
        ("--labels-file", request.labels_file, not takes_head(card.model) or card.head),
        ("--captions", request.captions, card.caption),
    ):
        if given is not None and not kept:
            lacks = (
                "goes with settings that a run keeps" if option == "--prior" else f"needs a head, and {run} has none"
            )
            raise Refusal(f"--from {run}: {option} {lacks}; leave {option} out, or --from")
    measures = _measures(run, card, request)
    same = {"model": own or card.model, "card": card.json(), "settings": settings_of(card.json())}
    return SimpleNamespace(**{**vars(request), **same, **measures})


def fitted(request: SimpleNamespace, images: Images) -> Images:
    """The images as the run knows them that the training begins with: labels are numbered as there. Raises Refusal
    for another shape, and for classes that it does not know where its weights tell classes."""
    if request.from_run is None:
        return images
    card: CardNote = request.card
    if images.shape != tuple(card["image"]):
        given, built = ("x".join(map(str, shape)) for shape in (images.shape, card["image"]))
        raise Refusal(
            f"{request.data} has images of {given} (channels x height x width), but {request.from_run} is built for "
            f"{built}; give images of that size, or leave --from out"
        )
    classes = tuple(card["classes"])
    if not (card.get("head") or "classes" in card["config"]) or images.classes == classes:
        return images
    if new := [name for name in images.classes if name not in classes]:
        raise Refusal(
            f"--from {request.from_run} predicts {', '.join(classes)}, and these images are of {', '.join(new)} too; "
            "label them as there, or leave --from out"
        )
    return replace(with_classes(images, classes), classes=classes)


def take_weights(request: SimpleNamespace, model: Model) -> None:
    """Puts the run's weights into the model, unless what is trained has a checkpoint to go on from. Raises Refusal
    where the run has others than when this training began."""
    if request.from_run is None or checkpoint.last_seen(Path(request.out)):
        return
    run = place(request.from_run, "--from")
    found = checkpoint.best(run) if run.is_dir() else None
    file = found.weights if found else run
    if not file.is_file():
        raise Refusal(f"{request.out} began with the weights of {run}, which are not there now, and nothing was saved")
    begun = {"seen": found.seen if found else 0, "sha256": sha256(file.read_bytes()).hexdigest()}
    if request.begun not in (None, begun):
        raise Refusal(
            f"{run} has other weights than when {request.out} was begun with them, and nothing was saved since; train "
            "a new run"
        )
    request.begun = begun
    load_weights(model, checkpoint.read(file, CardNote)[0], file)


def _check_settings(run: Path, card: Card, given: Any) -> None:
    """Raises Refusal for a setting that is not the run's."""
    changed = nest(assigned(given))
    if not changed:
        return
    own = card.json()
    merged = _over(settings_of(own), changed)
    new = assemble(card.model, card.image, card.classes, merged, card.words)[1].json()
    for part in ("config", "head", "caption"):
        for field, value in flat(new[part] or {}).items():
            if (old := flat(own[part] or {}).get(field)) != value:
                name = field if part == "config" else f"{part}.{field}"
                raise Refusal(f"--from {run}: {name} is {old} there and {value} here; leave it out, or --from")


def _measures(run: Path, card: Card, request: SimpleNamespace) -> dict[str, Any]:
    """Size, channels and range to ask for: as in the run's training where nothing else is asked."""
    _, h, w = card.image
    path = run / "config.json"
    config = read_config(path) if run.is_dir() and path.exists() else {"request": {}, "data": {}}
    drawn = str(request.data).partition(":")[0] in ("scenes", "sprites") and h not in (32, 64)
    usual = {
        "size": config["request"].get("size") or (h if h == w and not drawn else None),
        "channels": card.image[0],
        "range": config["data"].get("range"),
    }
    return {name: getattr(request, name) or value for name, value in usual.items()}


def _over(own: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with those asked for over them, dict in dict; of another kind nothing stays."""
    merged = dict(own)
    for name, value in changed.items():
        before = merged.get(name)
        if isinstance(before, Mapping):
            inner = {"kind": value} if isinstance(value, str) else dict(value)
            alike = inner.get("kind", before.get("kind")) == before.get("kind")
            merged[name] = _over(before, inner) if alike else inner
        else:
            merged[name] = value
    return merged
