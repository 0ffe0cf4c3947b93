"""The files of labels and attributes that a training was given (--labels-file, --attributes-file), and their copies in
its run."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from latelier.data.images import Images
from latelier.data.sources import attributes_file, labels_file
from latelier.data.sources.matching import source_parts
from latelier.data.sources.open import BUILTIN
from latelier.errors import Refusal
from latelier.runs import locations
from latelier.storage import files
from latelier.storage.paths import place


class Kind(NamedTuple):
    """A file that a training may be given."""

    field: str  # of the request
    option: str
    copy: str  # its name in the run
    what: str  # it says, in words
    read: Callable[[Images, Path, bool, bool], Images]  # images, file, whether it is for these, whether it is a copy
    lines: Callable[[Images, Path], Iterable[Sequence[str]]]  # of the copy, the first line too
    known: Callable[[Images], int]  # of how many images it says something


def _attributed(images: Images, path: Path, own: bool, kept: bool) -> Images:
    return attributes_file.attributed(images, path, own)


KINDS = (
    Kind(
        field="labels_file",
        option="--labels-file",
        copy="labels.csv",
        what="classes",
        read=labels_file.labelled,
        lines=lambda images, path: [("file", "class"), *labels_file.in_full(images, path)],
        known=lambda images: int((images.label >= 0).sum()),
    ),
    Kind(
        field="attributes_file",
        option="--attributes-file",
        copy="attributes.csv",
        what="attributes",
        read=_attributed,
        lines=attributes_file.in_full,
        known=lambda images: int((images.attribute >= 0).any(1).sum()),
    ),
)
COPIES = tuple(kind.copy for kind in KINDS)


def with_given(request: SimpleNamespace, images: Images, own: bool) -> Images:
    """The images with what the files say of them that the training was given, if it was. A resumed run goes by its
    copies. Raises Refusal as ``labelled`` and ``attributed`` do, and where a file is no longer what its copy was made
    of."""
    for kind in KINDS:
        if getattr(request, kind.field) is not None:
            images = _with_one(kind, request, images, own)
    return images


def _with_one(kind: Kind, request: SimpleNamespace, images: Images, own: bool) -> Images:
    given, copy = place(getattr(request, kind.field), kind.option), Path(request.out) / kind.copy
    if not (request.resume and copy.is_file()):
        return kind.read(images, given, own, False)
    found = kind.read(images, copy, own, True)
    if given.exists() and kind.read(images, given, own, False).fingerprint != found.fingerprint:
        raise Refusal(
            f"{given} gives other {kind.what} than when {request.out} was begun with it ({copy} is how it was); put "
            "that back, or train a new run"
        )
    return replace(found, remarks=(*images.remarks, _said(kind, found, copy)))


def keep(folder: Path, request: SimpleNamespace, images: Images) -> None:
    """Puts copies into the run, if it has none."""
    for kind in KINDS:
        given = getattr(request, kind.field)
        if given is not None and not (folder / kind.copy).exists():
            head, *rows = kind.lines(images, place(given, kind.option))
            files.write(folder / kind.copy, files.csv_text(head, rows))


def of_run(folder: Path, config: Mapping[str, Any], images: Images) -> Images:
    """Images as the run at ``folder`` sees them: those that it was trained on, or of another split of the same
    source, with the classes and attributes of the files that it was given. Raises Refusal for a damaged copy."""
    request, found, remarks = config.get("request", {}), images, images.remarks
    for kind in KINDS:
        copy = folder / kind.copy
        if request.get(kind.field) is not None and copy.is_file():
            before, found = found, kind.read(found, copy, False, True)
            remarks += () if found is before else (_said(kind, found, copy),)
    here = same_place(images.source, locations.find(config, folder, "data") or str(request.get("data")))
    if found is images or not (here or found.fingerprint == config.get("data", {}).get("fingerprint")):
        return images
    return replace(found, remarks=remarks)


def same_place(source: str, other: str) -> bool:
    """Whether two data arguments lead to one place, whatever their splits."""
    return _place(source) == _place(other)


def _place(source: str) -> str | Path:
    name = source_parts(source)[0]
    return name if name in BUILTIN else Path(os.path.expanduser(name)).absolute()


def _said(kind: Kind, found: Images, copy: Path) -> str:
    return f"{copy} says the {kind.what} of {kind.known(found)} of {len(found)} images"
