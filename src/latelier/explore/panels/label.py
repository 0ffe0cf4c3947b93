"""Classes and attributes that a person gives to images, what a classifier learns of them, and a training on them."""

import shlex
from collections.abc import Iterable
from typing import Any

import numpy as np

from latelier.core import Encodes
from latelier.data.sources.matching import source_parts
from latelier.errors import Refusal
from latelier.explore import export, trainings
from latelier.explore.gallery import entry
from latelier.explore.opened_run import OpenedRun
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.slices import Slices

TITLE, PLACE = "Label", 2
GROUP, KEY = "Data", "l"
LINE = "Give images a class with the keys 1 to 9, and see what a classifier on the codes learns of it."
needs = (Encodes,)
AT_ONCE = ("give", "mark", "undo", "train", "job", "cancel")  # need no model, and none of them may be lost
MOST = 96  # images of a queue
TOGETHER = 1_000  # images of one change that are named one by one; more come as a selection
KINDS = ("margin", "unlike", "random")
TAB = 32  # characters of its name


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {
        "state": state,
        "queue": queue,
        "give": give,
        "mark": mark,
        "undo": undo,
        "train": train,
        "train_selected": train_selected,
        "job": job,
        "cancel": cancel,
        "command": command,
    }


def state(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Classes and attributes with their numbers of images, where they are kept, accuracy over labels, and what is now
    known of some images ("images")."""
    notes, _ = opened.bench.book.notes()
    counts = dict.fromkeys(notes.classes, 0)
    for name in notes.label.values():
        counts[name] += 1
    sides = {name: [*said.values()] for name, said in notes.attributes.items()}
    curve = opened.light.curve()
    return {
        "classes": [{"name": name, "count": count} for name, count in counts.items()],
        "attributes": [{"name": k, "yes": said.count("yes"), "no": said.count("no")} for k, said in sides.items()],
        "labelled": len(notes.label),
        "total": len(opened.shown),
        "paths": [str(opened.bench.book.path), str(opened.bench.book.attributes_path)],
        "curve": [{"labels": count, "accuracy": value} for count, value in curve.points],
        "measured": {"on": curve.said, "chance": curve.chance, "more": curve.more},
        "untrainable": _untrainable(opened) or "",
        "elsewhere": _of_no_training(opened) or "",
        "splits": list(opened.splits),
        "images": [entry(opened, row) for row in _rows(opened, question.texts("images", MOST))],
    }


def queue(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Images to label next: by what is asked first, or those of a selection that have no label yet."""
    count, kind = question.whole("count", 1, MOST, 24), question.text("kind", "margin")
    skip = np.array(sorted(_rows(opened, question.texts("skip", 5 * TOGETHER))), np.int64)
    if kind == "selection":
        number = opened.bench.book.numbers()[0]
        rows = opened.bench.selections.rows(question.text("selection", ""))
        rows = rows[(number[rows] < 0) & ~np.isin(rows, skip)]
        chosen, left = [(int(row), "selected") for row in rows[:count]], len(rows)
    elif kind in KINDS:
        chosen = [
            (one.row, one.why) for one in opened.light.next(count, kind, question.whole("seed", 0, 2**31, 0), skip)
        ]
        left = len(opened.shown) - len(opened.bench.book.notes()[0].label)
    else:
        raise Refusal(f'"kind" takes {", ".join((*KINDS, "selection"))}, but got {kind[:40]!r}; reload the page')
    return {"images": [entry(opened, row) | {"why": why} for row, why in chosen], "left": left}


def give(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Says of which class some images are ("class"), or that it is unknown (no "class"). With "fresh" those that have
    got another class meanwhile keep it and are "taken"."""
    rows, book = _rows_of(opened, question), opened.bench.book
    name = question.text("class") if question.has("class") else None
    why, fresh = question.text("why", "")[:TAB], bool(question.whole("fresh", 0, 1, 0))
    taken = book.give(rows, name, _tab(question), dict.fromkeys(rows, why) if why else None, fresh)
    others = [{"id": f"d{row}", "given": other} for row, other in taken.items()]
    return {"labelled": len(book.notes()[0].label), "changed": len(rows) - len(taken), "taken": others}


def mark(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Says that some images have an attribute or not ("value" yes or no), or that it is unknown (no "value")."""
    rows = _rows_of(opened, question)
    value = question.text("value") if question.has("value") else None
    opened.bench.book.mark(rows, question.text("attribute"), value, _tab(question))
    return {"changed": len(rows)}


def undo(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Takes this tab's last change back."""
    return {"images": [f"d{row}" for row in opened.bench.book.undo(_tab(question))]}


def train(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Begins a training on the labels."""
    if reason := _untrainable(opened):
        raise Refusal(reason)
    out = trainings.free(opened, trainings.LABELLED)
    words = trainings.on_labels(opened, out, *_how(question))
    return opened.bench.jobs.start(words, out, opened.name).json()


def train_selected(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """Begins a training on the images of a selection alone, as a folder of links with what is known of them."""
    name, how = question.text("selection"), _how(question)
    rows = opened.bench.selections.rows(name)
    if not len(rows):
        raise Refusal("nothing is selected: a training needs images")
    folder = yield from export.put(opened, rows, name, "links")
    out = trainings.free(opened, trainings.SELECTED)
    words = trainings.on_folder(opened, folder, out, *how)
    return opened.bench.jobs.start(words, out, opened.name).json()


def job(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """How the last training stands; {} where there was none."""
    return {} if opened.bench.jobs.last is None else opened.bench.jobs.last.json()


def cancel(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Ends the training; what it has learned is kept."""
    if opened.bench.jobs.last is not None:
        opened.bench.jobs.last.cancel()
    return job(opened, question)


def command(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The command that trains on the labels."""
    words = trainings.on_labels(opened, trainings.free(opened, trainings.LABELLED), *_how(question))
    return {"command": shlex.join(["latelier", *words])}


def _rows_of(opened: OpenedRun, question: Question) -> list[int]:
    if question.has("selection"):
        return [int(row) for row in opened.bench.selections.rows(question.text("selection"))]
    return _rows(opened, question.texts("images", TOGETHER))


def _rows(opened: OpenedRun, image_ids: Iterable[str]) -> list[int]:
    return [opened.row(name) for name in image_ids]


def _how(question: Question) -> tuple[str, int]:
    """The method and the steps of a training; "" and 0 where latelier chooses."""
    return question.text("method", ""), question.whole("steps", 0, 10**7, 0)


def _tab(question: Question) -> str:
    return question.text("tab", "")[:TAB]


def _untrainable(opened: OpenedRun) -> str | None:
    """Why no training can learn from what has been given."""
    classes, attributes = trainings.labels_given(opened)
    few = f"a classifier needs labels of two classes or more, and here are {len(classes)}"
    trainable = len(classes) > 1 or any({"yes", "no"} <= said for said in attributes)
    return _of_no_training(opened) or (None if trainable else f"{few}; an attribute needs images with a yes and a no")


def _of_no_training(opened: OpenedRun) -> str | None:
    """Where the images are of a split that nothing is trained on: so, and which to show."""
    base, split = source_parts(opened.shown.source)
    if split in ("", "train"):
        return None
    shows = f"latelier explore {opened.run.folder} --data {base}:train"
    return f"these are the {split} images, which nothing is trained on: to label those that are, {shows}"
