"""Which images a page asks for: by label, by what a model says, by captions, by selection; and in which order."""

from collections.abc import Callable

import numpy as np

from latelier.config.lookup import nearest
from latelier.errors import Refusal
from latelier.explore.columns import PARTS
from latelier.explore.opened_run import OpenedRun
from latelier.explore.requests import Question

ORDERS = {  # of a column, and whether large values come first
    "error": ("error", True),
    "outlier": ("outlier", True),
    "bound": ("bound", True),
    "ratio": ("ratio", True),
    "unsure": ("confidence", False),
}
SIDES = {"yes": 1, "no": 0, "unknown": -1}
SURE = {"under 50 %": (0.0, 0.5), "50 to 90 %": (0.5, 0.9), "90 % and more": (0.9, 1.1)}  # from, and to below
NONE = "-"  # of a class: those without one


def rows_of(opened: OpenedRun, question: Question) -> np.ndarray:
    """int64 [k]: the rows of the data that fit all that is asked, in the order that is asked. Raises Refusal for what
    there is not here, and WaitingError while it is computed.

    Fields, each a text and all optional: ``selection``, ``label``, ``given`` (on the page), ``guess`` (of the light
    classifier), ``prediction`` (of the model; classes by name, "-" for none), its ``confidence``, ``cluster``, ``part``
    (of the training), ``wrong`` ("1"), ``attribute`` with ``value``, ``words`` of captions or file names, ``order``."""
    rows = np.arange(len(opened.shown))
    if selection := question.text("selection", ""):
        rows = opened.bench.selections.rows(selection)
    for field, keep in FIELDS.items():
        if value := question.text(field, ""):
            rows = rows[keep(opened, question, value)[rows]]
    order = question.text("order", "")
    if order and order not in ORDERS:
        raise Refusal(f'there is no order "{order[:40]}"; {nearest(order, list(ORDERS))}')
    return _ordered(opened, rows, order) if order else rows


def filters_of(opened: OpenedRun) -> dict[str, list[str]]:
    """What a page can offer: classes, attributes, the orders that can be had, and whether there are captions."""
    names, notes = {column.name for column in opened.columns.names()}, opened.bench.book.notes()[0]
    parts = {*opened.columns.values("split").tolist()} if "split" in names else set()
    return {
        "classes": list(map(str, opened.shown.classes[:200])),
        "given": notes.classes[:200] if notes.label else [],
        "predictions": list(opened.run.card.classes or opened.shown.classes)[:200] if "prediction" in names else [],
        "confidences": list(SURE) if "confidence" in names else [],
        "clusters": list(opened.columns.column("cluster").classes) if "cluster" in names else [],
        "wrong": ["1"] if "wrong" in names else [],
        "parts": [name for number, name in enumerate(PARTS) if number in parts],
        "attributes": opened.columns.attributes(),
        "orders": [order for order, (column, _) in ORDERS.items() if column in names],
    }


def _label(opened: OpenedRun, question: Question, value: str) -> np.ndarray:
    return _of_class(np.asarray(opened.shown.label), list(map(str, opened.shown.classes)), value)


def _given(opened: OpenedRun, question: Question, value: str) -> np.ndarray:
    number, classes, _ = opened.bench.book.numbers()
    return number >= 0 if value == "*" else _of_class(number, classes, value)


def _guess(opened: OpenedRun, question: Question, value: str) -> np.ndarray:
    learned = opened.light.learned()
    return _of_class(learned.predicted, learned.classes, value)


def _prediction(opened: OpenedRun, question: Question, value: str) -> np.ndarray:
    return _of_class(opened.columns.values("prediction"), list(opened.columns.column("prediction").classes), value)


def _cluster(opened: OpenedRun, question: Question, value: str) -> np.ndarray:
    return _of_class(opened.columns.values("cluster"), list(opened.columns.column("cluster").classes), value)


def _part(opened: OpenedRun, question: Question, value: str) -> np.ndarray:
    return _of_class(opened.columns.values("split"), list(opened.columns.column("split").classes), value)


def _confidence(opened: OpenedRun, question: Question, value: str) -> np.ndarray:
    if value not in SURE:
        raise Refusal(f'there is no confidence "{value[:40]}" here; {nearest(value, list(SURE))}')
    confidence, (low, high) = opened.columns.values("confidence"), SURE[value]
    found: np.ndarray = (confidence >= low) & (confidence < high)
    return found


def _wrong(opened: OpenedRun, question: Question, value: str) -> np.ndarray:
    found: np.ndarray = opened.columns.values("wrong") == 1
    return found


def _attribute(opened: OpenedRun, question: Question, value: str) -> np.ndarray:
    side, names = question.text("value", "yes"), opened.columns.attributes()
    if value not in names or side not in SIDES:
        shown = f"{value[:40]}: {side[:10]}"
        raise Refusal(f'no attribute "{shown}" here; {nearest(value, names)}; yes, no or unknown')
    found: np.ndarray = opened.columns.attribute(value) == SIDES[side]
    return found


def _words(opened: OpenedRun, question: Question, value: str) -> np.ndarray:
    """All words, in any of an image's captions, or in its name."""
    words = value.casefold().split()
    texts = (" ".join([*map(str, c), str(n)]) for c, n in zip(opened.shown.captions, opened.shown.names, strict=True))
    return np.array([all(word in text.casefold() for word in words) for text in texts], bool)


FIELDS: dict[str, Callable[[OpenedRun, Question, str], np.ndarray]] = {
    "label": _label,
    "given": _given,
    "guess": _guess,
    "prediction": _prediction,
    "confidence": _confidence,
    "cluster": _cluster,
    "part": _part,
    "wrong": _wrong,
    "attribute": _attribute,
    "words": _words,
}


def _of_class(number: np.ndarray, classes: list[str], value: str) -> np.ndarray:
    if value == NONE:
        none: np.ndarray = number < 0
        return none
    if value not in classes:
        raise Refusal(f'there is no class "{value[:40]}" here; {nearest(value, classes)}')
    found: np.ndarray = number == classes.index(value)
    return found


def _ordered(opened: OpenedRun, rows: np.ndarray, order: str) -> np.ndarray:
    """Those whose value is not known come last."""
    column, large_first = ORDERS[order]
    values = np.asarray(opened.columns.values(column)[rows], np.float64)
    values = np.where(np.isfinite(values), -values if large_first else values, np.inf)
    return rows[np.argsort(values, kind="stable")]
