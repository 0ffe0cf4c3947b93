"""The gallery: images of the data, filtered and ordered, those nearest to one, near-duplicates; and selections."""

import re
import shlex
from typing import Any

import numpy as np

from latelier.codes.rows import flat
from latelier.config.lookup import nearest
from latelier.core import Captions, Classifies, Encodes, has
from latelier.data.sources.matching import source_parts
from latelier.errors import Refusal
from latelier.explore import export
from latelier.explore.caption_search import likelihoods
from latelier.explore.filters import filters_of, rows_of
from latelier.explore.gallery import entry
from latelier.explore.opened_run import OpenedRun, chosen
from latelier.explore.panels import Action, Table
from latelier.explore.requests import Question
from latelier.learners.duplicates import closest
from latelier.learners.duplicates import pairs as pairs_of
from latelier.slices import Slices

TITLE, PLACE = "Look", 1
GROUP, KEY = "Data", "g"
LINE = "All images of the data. Choose one to work on, or drop in one of your own."
needs = ()
MOST = 96  # images a page
ROW = re.compile(r"d(\d{1,9})", re.ASCII)
SHOWN = 24  # pairs
LONGEST = 400  # characters of a caption
FARTHEST = 1.0  # typical distances, as a threshold of pairs
UNLIKE = {"error": "error", "outlier": "distance", "bound": "bound", "ratio": "ratio"}  # by the orders' names


def searches(opened: OpenedRun) -> bool:
    """Whether images can be searched by their codes."""
    return has(opened.model, Encodes)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {
        "page": page,
        "near": near,
        "about": about,
        "filters": filters,
        "split": split,
        "close": close,
        "pairs": pairs,
        "captioned": captioned,
        "select": select,
        "selected": selected,
        "table": table,
        "folder": folder,
        "command": command,
    }


def tables() -> dict[str, Table]:
    """Numbers that are fetched as bytes."""
    return {"rows": rows}


def rows(opened: OpenedRun, question: Question) -> np.ndarray:
    """int32 [k]: the images of a selection."""
    return opened.bench.selections.rows(question.text("selection")).astype(np.int32)


def about(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """What is known of one image."""
    image_id = chosen(opened, question)
    return {"image": image_id, "caption": opened.caption(image_id), "label": opened.label(image_id)}


def command(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The command that writes by what these images are shown: those nearest to one, near-duplicates, how unlike all
    others they are, or predictions; where it is by none, the one that says what images there are."""
    run, source, order = str(opened.run.folder), opened.shown.source, question.text("order", "")
    mode, row = question.text("mode", "page"), ROW.fullmatch(question.text("near", ""))
    predicted = order == "unsure" or any(question.text(name, "") for name in ("prediction", "wrong"))
    if mode == "near" and row and int(row[1]) < len(opened.shown):
        name = str(opened.shown.names[int(row[1])])
        words = ["neighbours", run, source, "--query", name, "-n", "24", "--out", "nearest.csv"]
    elif mode == "pairs":
        most = f"{question.number('most', 0, FARTHEST, 0.1):g}"
        words = ["duplicates", run, source, "--most", most, "--out", "duplicates.csv"]
    elif mode != "page":
        words = ["encode", run, source, "--out", "codes.parquet"]
    elif order in UNLIKE:
        words = ["outliers", run, source, "--by", UNLIKE[order], "--out", "outliers.csv"]
    elif predicted and has(opened.model, Classifies):
        words = ["classify", run, source, "--out", "classes.csv"]
    else:
        words = ["data", source]
    return {"command": shlex.join(["latelier", *words])}


def filters(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """What images can be filtered by."""
    writes = has(opened.model, Captions) and has(opened.model, Encodes)
    here = source_parts(opened.shown.source)[1]
    splits = list(opened.splits) if opened.open_split is not None else []
    can = {"search": searches(opened), "captions": writes, "close": opened.close is not None}
    return {**filters_of(opened), **can, "splits": splits, "split": here}


def split(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """Opens the run with another split of its images beside this one; the name that it then has on the page."""
    name = question.text("split")
    if opened.open_split is None or name not in opened.splits:
        raise Refusal(f'no split "{name[:40]}" here; {nearest(name, list(opened.splits))}')
    found = yield from opened.open_split(name)
    return {"run": found}


def close(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Takes a run off the page that was opened there; the name of one to show instead. Raises Refusal for one that the
    explorer was started with."""
    if opened.close is None:
        raise Refusal(f"the explorer was started with {opened.title}: only what was opened on the page can be closed")
    return {"run": opened.close()}


def page(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Some images from a place on, of those that fit the filters; without a place those of the page that has the
    image asked for, or the first."""
    found, count = rows_of(opened, question), question.whole("count", 1, MOST, 48)
    start = question.whole("start", 0, 10**9) if question.has("start") else _page_of(question, found, count)
    start = min(start, max(0, len(found) - 1))
    images = [entry(opened, int(row)) for row in found[start : start + count]]
    return {"images": images, "start": start, "total": len(found)}


def _page_of(question: Question, rows: np.ndarray, count: int) -> int:
    """Where the page of ``count`` rows begins that has the image asked for; 0 where none has it."""
    row = ROW.fullmatch(question.text("image", ""))
    found = np.flatnonzero(rows == int(row[1])) if row else rows[:0]
    return int(found[0]) // count * count if len(found) else 0


def near(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The images whose codes are nearest to that of one, which is not among them."""
    image_id, count = chosen(opened, question), question.whole("count", 1, MOST, 24)
    row = flat(opened.code(image_id), opened.model)[0].cpu().numpy()
    found = [(one, away) for one, away in opened.codes.nearest(row, count + 1) if f"d{one}" != image_id][:count]
    return {"images": [entry(opened, one) | {"distance": away} for one, away in found], "of": opened.codes.said}


def captioned(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """The images of which the model finds a text likeliest, likeliest first, with its log-probability in nats. Raises
    Refusal for words that the model does not know, and for a model that does not write."""
    text, count = question.text("text", "")[:LONGEST], question.whole("count", 1, MOST, 48)
    found = yield from opened.shared(("captioned", text), lambda: likelihoods(opened, text))
    best = np.argsort(-found, kind="stable")[:count]
    return {"images": [entry(opened, int(row)) | {"log_probability": float(found[row])} for row in best]}


def pairs(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """Pairs of images that are nearly the same, nearest first: their codes are at most "most" times the typical
    distance to the nearest apart. ``selection`` has the second of each pair, which can be done without."""
    most = question.number("most", 0, FARTHEST, 0.1)
    codes, picked = opened.codes.rows(), opened.codes.picked
    near, distance = yield from opened.shared("closest", lambda: closest(codes))
    found = pairs_of(near, distance, most)
    second = picked[sorted({high for _, high, _ in found})]
    return {
        "pairs": [
            {"images": [entry(opened, int(picked[low])), entry(opened, int(picked[high]))], "distance": away}
            for low, high, away in found[:SHOWN]
        ],
        "total": len(found),
        "selection": opened.bench.selections.add(second) if len(second) else "",
    }


def select(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Keeps a selection: the images whose "bits" are set, or those that fit the filters."""
    kept = opened.bench.selections
    found = kept.of_bits(question) if question.has("bits") else rows_of(opened, question)
    return {"selection": kept.add(found), "count": len(found)}


def selected(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """How many images a selection has."""
    return {"count": len(opened.bench.selections.rows(question.text("selection")))}


def table(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """A selection as CSV."""
    return {"csv": export.table(opened, opened.bench.selections.rows(question.text("selection")))}


def folder(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """A selection as a folder of "copies" or "links", at a place that the server chooses."""
    name = question.text("selection")
    return export.folder(opened, opened.bench.selections.rows(name), name, question.text("how", "copies"))
