"""A caption of the image, and images of a caption."""

import shlex
from typing import Any

from latelier.core import Captions, Decodes, Encodes, Samples, Written, missing, need
from latelier.data.words import SPECIAL, Vocabulary
from latelier.explore.opened_run import OpenedRun, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.explore.saving import FOLDER, of_image
from latelier.objectives.langevin import Chain
from latelier.scores.captioning import codes_of
from latelier.slices import Slices, within
from latelier.uses.imagining import TRIED, imagining, read_back, tokens_of

TITLE, PLACE = "Captions", 10
GROUP, KEY = "Tasks", "w"
LINE = "What the model writes of the image, and what it draws of words."
needs = (Captions, Encodes)
BEAM, LONGEST, LONGEST_TEXT = 5, 30, 400
IMAGINED, CHAIN = 8, Chain(step=3e-3, steps=60)
READ = 0.9  # of the work, about, when what was drawn is read


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"describe": describe, "imagine": imagined, "command": command}


def describe(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The likeliest caption that a beam search finds, its log-probability in nats, those that the data gives, and the
    words that the model knows."""
    image_id, writer = chosen(opened, question), need(opened.model, Captions)

    def write() -> Written:
        codes = codes_of(opened.model, opened.image(image_id), None, opened.generator(0))
        return writer.describe(codes, BEAM, LONGEST)

    said = opened.once(("caption", image_id), write)
    return {
        "caption": Vocabulary(writer.words()).text(said.token[0].tolist()),
        "log_probability": float(said.log_probability[0]),
        "given": list(opened.shown.captions[int(image_id[1:])]) if image_id.startswith("d") else [],
        "words": sorted(writer.words()[len(SPECIAL) :])[:2000],
        "imagines": not missing(opened.model, (Decodes, Samples)),
    }


def imagined(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """Images of codes drawn given a text, and of which of them the model writes that very text (as the sheet
    ``imagine`` does). Raises Refusal for words that the model does not know."""
    writer, text = need(opened.model, Captions), question.text("text", "")[:LONGEST_TEXT]
    caption, generator = (
        tokens_of(text, writer.words()).to(opened.device),
        opened.generator(question.whole("seed", 0, 2**31, 0)),
    )
    found = yield from within(imagining(opened.model, caption, IMAGINED, generator, CHAIN), 0, READ)
    image, images = opened.decode(found.code), list[dict[str, Any]]()
    for one, shown in zip(image[:, None], drawn(image), strict=True):
        yield READ + (1 - READ) * len(images) / len(image)
        (words,), (right,) = read_back(opened.model, one, caption)
        images.append({"image": shown, "said": words, "right": right})
    return {"images": images, "effective": found.effective, "tried": TRIED}


def command(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The command that writes the caption of the image or, with a text, draws a sheet of it."""
    run, text = str(opened.run.folder), question.text("text", "")
    if not text.strip():
        return of_image(["caption", run, FOLDER, "--out", "captions.csv"])
    words = ["latelier", "draw", run, "imagine", "--data", opened.shown.source, "--caption", text, "--seed"]
    seed = str(question.whole("seed", 0, 2**31, 0))
    return {"command": shlex.join([*words, seed, "--steps", str(CHAIN.steps), "--out", "imagined.png"])}
