"""Which class an image has, and how sure that is."""

from typing import Any

from latelier.core import Classifies, Decides, has, need
from latelier.explore.opened_run import OpenedRun, chosen
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.explore.saving import FOLDER, of_image
from latelier.heads.joint import Joint
from latelier.runs.calibration import DRAWS, kept
from latelier.scores.calibration import tempered

TITLE, PLACE = "Classify", 9
GROUP, KEY = "Tasks", "c"
LINE = "The probability of each class, and how sure that is."
needs = (Classifies,)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"show": show, "command": command}


def show(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """Of each class its probability and, of a model that decides by samples of the code or by changed views of the
    image, the mean and the spread (sd) of its score, as ``latelier classify`` has them: calibrated by the
    temperature that it has kept with the run."""
    image_id = chosen(opened, question)
    image = opened.image(image_id)
    answer, found = need(opened.model, Classifies).classify(image), kept(opened.run)
    temperature = 1.0 if found is None else found.value
    probability = tempered(answer.float().cpu().numpy(), temperature)[0].tolist()
    scores = None
    if has(opened.model, Decides):
        scores = need(opened.model, Decides).decide(image, DRAWS, opened.generator(0))[:, 0]
    views = has(opened.model, Joint) and need(opened.model, Joint).head.config.views
    return {
        "truth": opened.label(image_id),
        "temperature": temperature,
        "draws": DRAWS if scores is not None else 0,
        "of": "changed views of the image" if views else "samples of the code",
        "classes": [
            {
                "name": name,
                "probability": probability[i],
                "score": float(scores[:, i].mean()) if scores is not None else None,
                "spread": float(scores[:, i].std()) if scores is not None else None,
            }
            for i, name in enumerate(opened.run.card.classes or map(str, range(len(probability))))
        ],
    }


def command(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The command that writes the same of the image."""
    return of_image(["classify", str(opened.run.folder), FOLDER, "--out", "classes.csv"])
