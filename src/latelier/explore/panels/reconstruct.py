"""What the code keeps of an image, of a hierarchy level by level."""

from typing import Any

import torch

from latelier.core import Code, Decodes, Encodes, HasLevels, has, need
from latelier.explore.opened_run import Place, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Asked
from latelier.sheets.reconstruct import decibels, psnr

TITLE, PLACE = "Reconstruct", 1
LINE = "The image, and what is drawn of its code alone."
needs = (Encodes, Decodes)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"show": show}


def show(place: Place, asked: Asked) -> dict[str, Any]:
    """The image and its reconstructions, the closest level first, each with its PSNR."""
    picture = chosen(place, asked)
    image, whole = place.image(picture), place.code(picture)
    levels = need(place.model, HasLevels).levels() if has(place.model, HasLevels) else ()
    again = [place.decode({name: whole[name]}) for name in levels] or [place.decode(whole)]
    numbers = [sum(whole[name][0].numel() for name in names) for names in [[n] for n in levels] or [list(whole)]]
    return {
        "caption": place.caption(picture),
        "original": drawn(image)[0],
        "again": [
            {"level": name, "picture": one, "psnr": decibels(float(psnr(image, drawn_of)[0])), "numbers": count}
            for name, one, drawn_of, count in zip(levels or [""], drawn(torch.cat(again)), again, numbers, strict=True)
        ],
        "pixels": image[0].numel(),
    }


def code(place: Place, asked: Asked) -> Code:
    """Of the image, or of the one level that is asked for."""
    whole, level = place.code(chosen(place, asked)), asked.text("level", "")
    return {level: whole[level]} if level in whole else whole
