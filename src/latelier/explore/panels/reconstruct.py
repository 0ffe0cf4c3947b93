"""What the code keeps of an image, of a hierarchy level by level."""

from typing import Any

import torch

from latelier.core import Code, Decodes, Encodes, HasLevels, has, need
from latelier.explore.opened_run import OpenedRun, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.scores.reconstruction import psnr
from latelier.sheets.reconstruct import decibels

TITLE, PLACE = "Reconstruct", 4
GROUP, KEY = "Code", "r"
LINE = "The image, and what is drawn of its code alone."
needs = (Encodes, Decodes)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"show": show}


def show(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The image and its reconstructions, the closest level first, each with its PSNR."""
    image_id = chosen(opened, question)
    image, whole = opened.image(image_id), opened.code(image_id)
    levels = need(opened.model, HasLevels).levels() if has(opened.model, HasLevels) else ()
    again = [opened.decode({name: whole[name]}) for name in levels] or [opened.decode(whole)]
    numbers = [sum(whole[name][0].numel() for name in names) for names in [[n] for n in levels] or [list(whole)]]
    return {
        "caption": opened.caption(image_id),
        "original": drawn(image)[0],
        "again": [
            {"level": name, "image": one, "psnr": decibels(float(psnr(image, drawn_of)[0])), "numbers": count}
            for name, one, drawn_of, count in zip(levels or [""], drawn(torch.cat(again)), again, numbers, strict=True)
        ],
        "pixels": image[0].numel(),
    }


def code(opened: OpenedRun, question: Question) -> Code:
    """Of the image, or of the one level that is asked for."""
    whole, level = opened.code(chosen(opened, question)), question.text("level", "")
    return {level: whole[level]} if level in whole else whole
