"""Where parts occur in an image, what they look like elsewhere, and a part that looks as in another image."""

from typing import Any

import torch

from latelier.core import Code, Decodes, Encodes, HasParts, need
from latelier.explore.opened_run import OpenedRun, address, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.sheets.part_crops import crop, strongest
from latelier.sheets.parts import CERTAIN, most_used, peaks
from latelier.sheets.view import pixels
from latelier.slices import Slices, within

TITLE, PLACE = "Parts", 8
GROUP, KEY = "Code", "p"
LINE = "Where each part occurs, what it looks like elsewhere, and the same part taken from another image."
needs = (HasParts, Encodes, Decodes)
CROPS, MOST = 5, 48  # crops a part; parts that are listed
FOUND = 0.8  # of the work, about, when parts are found


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"list": list_parts, "where": where, "swap": swap}


def list_parts(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """The parts, the most used first, each with its best crops among some images of the data."""
    return opened.shared("parts", lambda: _listed(opened))


def _listed(opened: OpenedRun) -> Slices[dict[str, Any]]:
    model, shown = need(opened.model, HasParts), pixels(opened.seen)
    blocks = yield from within(opened.over_seen(lambda block: model.parts(block).occurrence), 0, FOUND)
    occurrence, parts = torch.cat(blocks), list[dict[str, Any]]()  # [n, p, h, w]
    grid, order = (occurrence.shape[2], occurrence.shape[3]), most_used(occurrence)[:MOST]
    shares = (peaks(occurrence) > CERTAIN).float().mean(0).tolist()
    for part in order:
        best = strongest(occurrence[:, part], CROPS)
        crops = [address(crop(shown[i], r, c, grid)) for i, r, c, _ in best]
        parts.append({"part": part, "crops": crops, "share": shares[part], "peak": best[0][3]})
        yield FOUND + (1 - FOUND) * len(parts) / len(order)
    return {"parts": parts, "total": occurrence.shape[1], "grid": grid, "seen": len(shown)}


def where(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The probability of each part at each cell of the image, rounded."""
    image_id = chosen(opened, question)
    found = need(opened.model, HasParts).parts(opened.image(image_id)).occurrence[0]
    return {"occurrence": [[[round(p, 3) for p in row] for row in part] for part in found.tolist()]}


def swap(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The image drawn again, and with one part's appearance as in the other image."""
    whole = opened.code(chosen(opened, question))
    before, after = opened.decode(whole), opened.decode(code(opened, question))
    change = float((after - before).abs().max())
    return {"before": drawn(before)[0], "image": drawn(after)[0], "change": change}


def code(opened: OpenedRun, question: Question) -> Code:
    """The image's code with the appearance of a part as in the other's."""
    whole, other = opened.code(chosen(opened, question)), opened.code(chosen(opened, question, "other"))
    part = question.whole("part", 0, whole["occurrence"].shape[1] - 1, 0)
    return need(opened.model, HasParts).repainted(whole, other, part, part)
