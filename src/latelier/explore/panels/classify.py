"""Which class an image has, and how sure that is."""

import shlex
from typing import Any

from latelier.core import Classifies, Decides, has, need
from latelier.explore.opened_run import Place, chosen
from latelier.explore.panels import Action
from latelier.explore.requests import Asked
from latelier.heads.joint import Joint
from latelier.runs.calibration import DRAWS, kept
from latelier.scores.calibration import tempered

TITLE, PLACE = "Classify", 8
LINE = "The probability of each class, and how sure that is."
needs = (Classifies,)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"show": show, "command": command}


def show(place: Place, asked: Asked) -> dict[str, Any]:
    """Of each class its probability and, of a model that decides by draws of the code or by changed views of the
    image, the mean and the spread (sd) of its score, as ``latelier classify`` has them: calibrated by the
    temperature that it has kept with the run."""
    picture = chosen(place, asked)
    image = place.image(picture)
    answer, found = need(place.model, Classifies).classify(image), kept(place.run)
    temperature = 1.0 if found is None else found.value
    probability = tempered(answer.float().cpu().numpy(), temperature)[0].tolist()
    scores = None
    if has(place.model, Decides):
        scores = need(place.model, Decides).decide(image, DRAWS, place.generator(0))[:, 0]
    views = has(place.model, Joint) and need(place.model, Joint).head.config.views
    return {
        "truth": place.label(picture),
        "temperature": temperature,
        "draws": DRAWS if scores is not None else 0,
        "of": "changed views of the image" if views else "draws of the code",
        "classes": [
            {
                "name": name,
                "probability": probability[i],
                "score": float(scores[:, i].mean()) if scores is not None else None,
                "spread": float(scores[:, i].std()) if scores is not None else None,
            }
            for i, name in enumerate(place.run.card.classes or map(str, range(len(probability))))
        ],
    }


def command(place: Place, asked: Asked) -> dict[str, Any]:
    """The command that writes the same of every image."""
    words = ["latelier", "classify", str(place.run.folder), place.shown.source, "--out", "classes.csv"]
    return {"command": shlex.join(words)}
