"""Commands of ``latelier train`` for what a page shows: on the labels that were given, or on a folder of selected
images."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from latelier.data.sources.matching import source_parts
from latelier.errors import Refusal
from latelier.explore.opened_run import OpenedRun
from latelier.runs.labels import same_place

OF_ATTRIBUTES = "vac"  # the method that learns attributes where there are no classes
LABELLED, SELECTED = "labelled", "selected"  # endings of the names of new runs


def on_labels(opened: OpenedRun, out: Path, method: str = "", steps: int = 0) -> list[str]:
    """Words after ``latelier``: the images as the run sees them, what has been said of them, and the method that is
    asked for or that fits: of attributes alone one that learns them."""
    base = source_parts(opened.shown.source)[0]
    how = _read_as(opened, ("size", "channels", "range", "as_")) | {"data_root": opened.where.data_root}
    classes, attributes = labels_given(opened)
    book, files = opened.bench.book, dict[str, Any]()
    if len(classes) > 1 or not attributes:
        files["labels_file"] = book.path
    else:
        method = method or OF_ATTRIBUTES
    if attributes:
        files["attributes_file"] = book.attributes_path
    return _words(method, base, out, {**files, **how, "steps": steps or None})


def on_folder(opened: OpenedRun, folder: Path, out: Path, method: str = "", steps: int = 0) -> list[str]:
    """The same, on the images in a folder, with the labels and attributes that lie in it."""
    return _words(method, str(folder), out, {**_read_as(opened, ("size", "channels", "range")), "steps": steps or None})


def labels_given(opened: OpenedRun) -> tuple[set[str], list[set[str]]]:
    """The classes that images have been given, and what has been said of each attribute, where anything has."""
    notes, _ = opened.bench.book.notes()
    return {*notes.label.values()}, [{*said.values()} for said in notes.attributes.values() if said]


def free(opened: OpenedRun, ending: str) -> Path:
    """A folder beside the run, where nothing is yet."""
    folder, number = opened.run.folder.with_name(f"{opened.run.folder.name}-{ending}"), 2
    while folder.exists():
        folder, number = opened.run.folder.with_name(f"{opened.run.folder.name}-{ending}-{number}"), number + 1
    return folder


def _read_as(opened: OpenedRun, names: tuple[str, ...]) -> dict[str, Any]:
    """Options with which images become what the run sees."""
    with suppress(Refusal):  # of weights alone, which do not say what they were trained on
        if same_place(source_parts(opened.shown.source)[0], opened.run.source):
            request = opened.run.config.get("request", {})
            return {name: request.get(name) for name in names}
    _, height, width = opened.model.image
    return {"size": height if height == width else None}


def _words(method: str, data: str, out: Path, options: dict[str, Any]) -> list[str]:
    words = ["train", *([method] if method else []), "--data", data, "--out", str(out)]
    for name, value in options.items():
        if value is not None:
            words += [f"--{name.rstrip('_').replace('_', '-')}", str(value)]
    return words
