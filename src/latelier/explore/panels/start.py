"""What a run is worth at a glance: what it keeps of a verdict and of scores, its losses, and some reconstructions.

Nothing is measured here: a run that was not judged yet says by which command it is.
"""

import shlex
from typing import Any

import numpy as np
import torch

from latelier.core import Decodes, Encodes, Samples, missing, need
from latelier.explore.opened_run import OpenedRun, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.page.contents import facts, leading
from latelier.page.drawing import thinned
from latelier.page.first_screen import LEVELS, NEXT
from latelier.runs.run import Run
from latelier.scores.reconstruction import psnr
from latelier.sheets.losses import curves, unit
from latelier.sheets.reconstruct import decibels
from latelier.terminal.tables import counted
from latelier.verdict.headlines import Headline, bars, headlines
from latelier.verdict.verdict import remembered

TITLE, PLACE = "Start", 0
GROUP, KEY = "Start", "s"
LINE = "How good this run is, beside what it has to beat, and what can be done with it."
needs = ()
COUNT = 6  # images
POINTS = 400  # of a curve


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"show": show, "scores": scores, "images": images, "command": command}


def show(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The verdict that the run keeps, its scores beside baselines, the curves of its training, its settings."""
    run, kept = opened.run, remembered(opened.run)
    own = run.config.get("data", {}).get("images", run.seen)
    different = f", {own:,} different ones" if own < run.seen else ""
    return {
        "summary": f"A {run.card.model} after {counted(run.seen, 'image')}{different}.",
        "verdict": [_line(**finding) for finding in kept["findings"]] if kept else [],
        "judge": "" if kept else shlex.join(["latelier", "score", str(run.folder)]),
        "measured": kept["data"] if kept else "",
        "headlines": _headlines(run),
        "curves": _curves(run.log),
        "first": leading(run.log),
        "settings": facts(run) if run.config else {},
    }


def scores(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The scores beside baselines alone."""
    return {"headlines": _headlines(opened.run)}


def images(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Some images, not chosen by hand, drawn again from their codes; of a model that does not encode, draws of the
    prior; of one that does not draw, the images alone."""
    if missing(opened.model, (Encodes,)) and not missing(opened.model, (Samples, Decodes)):
        code = opened.once("six", lambda: need(opened.model, Samples).sample_prior(COUNT, opened.generator(0)))
        return {"images": [], "drawn": drawn(opened.decode(code))}
    rows = np.random.default_rng(0).permutation(len(opened.shown))[:COUNT].tolist()
    found = [{"id": f"d{row}", "caption": opened.caption(f"d{row}")} for row in rows]
    if missing(opened.model, (Encodes, Decodes)):
        return {"images": found, "drawn": []}
    image = opened.shown.floats(np.array(rows)).to(opened.device)
    codes = [opened.code(one["id"]) for one in found]
    again = opened.decode({name: torch.cat([code[name] for code in codes]) for name in codes[0]})
    ratios = [decibels(value) for value in psnr(image, again).tolist()]
    return {"images": found, "drawn": drawn(again), "psnr": ratios}


def command(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The command that writes all this as one page."""
    words = ["latelier", "report", str(opened.run.folder), "--data", opened.shown.source, "--out", "report.html"]
    return {"command": shlex.join(words)}


def _line(level: str, text: str) -> dict[str, str]:
    """One line of a verdict; the last names the command to go on with."""
    following = text.startswith(NEXT)
    return {
        "level": level,
        "mark": NEXT.rstrip(": ") if following else LEVELS[level],
        "text": text.removeprefix(NEXT),
        "command": "yes" if following else "",
    }


def _headlines(run: Run) -> list[dict[str, Any]]:
    """Of the images that the verdict was measured on or, where there is none, of those scored last."""
    kept, records = remembered(run), run.scores
    data = kept["data"] if kept else records[-1]["data"] if records else ""
    found = headlines(kept["facts"] if kept else {}, [record for record in records if record["data"] == data])
    return [_headline(headline) for headline in found]


def _headline(headline: Headline) -> dict[str, Any]:
    return {
        "name": headline.name,
        "unit": headline.unit,
        "note": headline.note,
        "bars": [bar._asdict() for bar in bars(headline)],
    }


def _curves(log: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Term -> its unit and its curves, [images seen, value] point by point; terms of a single value are none."""
    lines = {kind: curves(log, name) for kind, name in (("training", "terms"), ("validation", "validation"))}
    found = dict[str, dict[str, Any]]()
    for term in dict.fromkeys([*lines["training"], *lines["validation"]]):
        points = {kind: thinned(every[term], POINTS) for kind, every in lines.items() if term in every}
        drawn_ones = {kind: curve for kind, curve in points.items() if len(curve) > 1}
        if drawn_ones:
            found[term] = {"unit": unit(term), "lines": drawn_ones}
    return found
