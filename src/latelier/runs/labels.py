"""The labels file that a training was given (--labels-file), and the copy that stays in its run."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from latelier.data.images import Images
from latelier.data.sources.labels_file import in_full, labelled, source_parts
from latelier.data.sources.open import BUILTIN
from latelier.errors import Refusal
from latelier.runs import locations
from latelier.storage import files
from latelier.storage.paths import place

KEPT = "labels.csv"  # in the run


def with_labels(request: SimpleNamespace, images: Images, own: bool) -> Images:
    """The images with the classes of the file that the training was given, if it was. A resumed run goes by its copy.
    Raises Refusal as ``labelled`` does, and where the file is no longer what the copy was made of."""
    if request.labels_file is None:
        return images
    given, copy = place(request.labels_file, "--labels-file"), Path(request.out) / KEPT
    if not (request.resume and copy.is_file()):
        return labelled(images, given, own)
    found = labelled(images, copy, own, kept=True)
    if given.exists() and labelled(images, given, own).fingerprint != found.fingerprint:
        raise Refusal(
            f"{given} gives other classes than when {request.out} was begun with it ({copy} is how it was); put that "
            "back, or train a new run"
        )
    return replace(found, remarks=(*images.remarks, _said(found, copy)))


def keep(folder: Path, request: SimpleNamespace, images: Images) -> None:
    """Puts a copy into the run, if it has none."""
    if request.labels_file is None or (folder / KEPT).exists():
        return
    rows = in_full(images, place(request.labels_file, "--labels-file"))
    files.write(folder / KEPT, files.csv_text(["file", "class"], rows))


def of_run(folder: Path, config: Mapping[str, Any], images: Images) -> Images:
    """Images as the run at ``folder`` sees them: those that it was trained on, or of another split of the same
    source, with the classes of its labels file, if it had one. Raises Refusal for a damaged copy."""
    request, copy = config.get("request", {}), folder / KEPT
    if request.get("labels_file") is None or not copy.is_file():
        return images
    found = labelled(images, copy, own=False, kept=True)
    here = same_place(images.source, locations.find(config, folder, "data") or str(request.get("data")))
    if found is images or not (here or found.fingerprint == config.get("data", {}).get("fingerprint")):
        return images
    return replace(found, remarks=(*images.remarks, _said(found, copy)))


def same_place(source: str, other: str) -> bool:
    """Whether two data arguments lead to one place, whatever their splits."""
    return _place(source) == _place(other)


def _place(source: str) -> str | Path:
    name = source_parts(source)[0]
    return name if name in BUILTIN else Path(os.path.expanduser(name)).absolute()


def _said(images: Images, copy: Path) -> str:
    return f"{copy} says the class of {int((images.label >= 0).sum())} of {len(images)} images"
