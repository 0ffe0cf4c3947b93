"""Which images a training holds out: a share of its own, or the source's own validation split."""

from pathlib import Path
from types import SimpleNamespace

from latelier.data.attributes import with_columns
from latelier.data.images import Images, with_classes
from latelier.data.sources.account import account
from latelier.data.sources.open import open_images, place_of, splits_of
from latelier.data.sources.splits import ALIASES
from latelier.data.sources.survey_words import head
from latelier.engine import parallel
from latelier.errors import Refusal
from latelier.runs.labels import with_given
from latelier.storage.paths import place
from latelier.terminal.progress import Progress

HELD, FEWEST = 0.1, 20  # share of a source with no other split that is held out, of at least this many images


def own_validation(request: SimpleNamespace) -> str:
    """The name of the source's own validation split, where the run learns from its training split and --validation asks
    for nothing else; or ""."""
    return "" if request.validation is not None else _beside(request)


def _beside(request: SimpleNamespace) -> str:
    """The same, whatever --validation asks for."""
    source, root = str(request.data), _root(request)
    base, _, chosen = source.rpartition(":")
    own = splits_of(source, root=root, as_=request.as_)
    if base and ALIASES.get(chosen, chosen) in own and chosen not in ("train", "training"):
        return ""
    return "validation" if {"train", "validation"} <= set(own) else ""


def unused_validation(request: SimpleNamespace) -> str:
    """That the source's own validation split is not used, where --validation asks for something else; or ""."""
    if request.validation is None or not _beside(request):
        return ""
    given = f"--validation {request.validation:g}"
    return f"{given}: the validation split of {request.data} is not used; leave --validation out to use it"


def held_share(request: SimpleNamespace, images: Images, split: str) -> float:
    """Share of the images that is held out."""
    if request.validation is not None:
        return float(request.validation)
    own = splits_of(str(request.data), root=_root(request), as_=request.as_)
    alone = not split and set(own) <= {"train"}  # a lone training split leaves nothing to measure on
    return HELD if alone and len(images) >= FEWEST else 0.0


def validation_images(request: SimpleNamespace, images: Images, split: str) -> Images:
    """The source's own validation images, as the training images are. Raises Refusal where they cannot be."""
    text, (c, h, w) = str(request.data), images.shape
    base, _, chosen = text.rpartition(":")
    source = base if base and chosen in ("train", "training") else text
    size = request.size or (h if h == w else None)
    range = images.range or request.range
    found = with_classes(opened(request, f"{source}:{split}", size, c, range), images.classes)
    if request.attributes_file is not None:  # it may speak of training images alone
        found = with_columns(found, images.attributes)
    if found.shape != images.shape:
        given, expected = ("x".join(map(str, shape)) for shape in (found.shape, images.shape))
        raise Refusal(
            f"{source}: its {split} images are {given} (channels x height x width) and its training images {expected}; "
            "give --size, or --validation 0.1 to hold out training images instead"
        )
    return found


def opened(
    request: SimpleNamespace,
    source: str,
    size: int | None,
    channels: int | None,
    range: tuple[float, float] | None = None,
) -> Images:
    """The images of a source, with what --labels-file and --attributes-file say of them. Raises Refusal as
    ``open_images`` and ``with_given`` do."""
    with Progress("reading images", 1, quiet=request.quiet or parallel.rank() > 0) as progress:
        images = open_images(
            source,
            size=size,
            channels=channels,
            range=range,
            root=_root(request),
            download=request.download,
            as_=request.as_,
            progress=lambda done, total: progress.at(done, total),
            sample=request.pack == "never",
        )
    return with_given(request, images, own=source == str(request.data))


def survey_head(request: SimpleNamespace, images: Images) -> list[str]:
    """What the source is and what of it is not used, in lines; opens no file of it."""
    place, _ = place_of(str(request.data), root=_root(request), as_=request.as_)
    return head(place, account(Path(place.title), place, look=False), images)


def _root(request: SimpleNamespace) -> Path | None:
    return place(request.data_root, "--data-root") if request.data_root else None
