"""Several runs on the same image. What else is compared, each run's own panels draw."""

import shlex
from typing import Any

from latelier.core import Decodes, Encodes
from latelier.explore.errors_seen import sampled
from latelier.explore.opened_run import OpenedRun, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.scores.reconstruction import psnr
from latelier.sheets.reconstruct import decibels
from latelier.slices import Slices

TITLE, PLACE = "Compare", 12
GROUP, KEY = "Compare", "b"
LINE = "Several runs on the same image and the same controls."
needs = (Encodes, Decodes)
GAINS = 64  # that a difference may be amplified by
MOST = 64  # runs of one command


def offers(opened: OpenedRun, runs: int) -> bool:
    """Where there is another run."""
    return runs > 1


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"show": show, "errors": errors, "command": command}


def show(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The reconstruction, its PSNR, and what it differs in: grey where it does not, brighter where it is too bright,
    ``gain`` times as much as it is."""
    image_id, gain = chosen(opened, question), question.number("gain", 1, GAINS, 4.0)
    image, code = opened.image(image_id), opened.code(image_id)
    again = opened.decode(code)
    difference = (0.5 + gain * (again - image)).clamp(0, 1)
    return {
        "image": drawn(again)[0],
        "difference": drawn(difference)[0],
        "greatest": float((again - image).abs().max()),
        "psnr": decibels(float(psnr(image, again)[0])),
        "numbers": sum(value[0].numel() for value in code.values()),
    }


def errors(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """PSNR in dB of the reconstructions of a sample of the images, the same sample of every run on the same images."""
    found = yield from opened.shared("errors", lambda: sampled(opened))
    return {
        "images": [{"id": f"d{row}", "caption": opened.caption(f"d{row}")} for row in found.rows.tolist()],
        "psnr": [round(value, 3) for value in found.psnr.tolist()],
        "mean": decibels(float(found.psnr.mean())),
        "total": len(opened.shown),
    }


def command(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The command that puts the runs' scores and reconstructions of these images side by side."""
    others = question.texts("folders", MOST) or ["OTHER"]
    words = ["latelier", "compare", str(opened.run.folder), *others, "--data", opened.shown.source]
    return {"command": shlex.join([*words, "--out", "compare.png"])}
