"""What facts say of labels, in a sentence for a person: of the model's own classifier, and of what codes know.

Where classes are uneven (one has over 1.5 times the images of another) the balanced accuracy is judged, the mean over
classes, beside that of a constant answer: probes learn from as many labels of each class, and the largest class would
be a bar that says nothing of the others."""

import math
from collections.abc import Mapping

from latelier.rules.finding import Finding
from latelier.terminal.tables import counted

Facts = Mapping[str, float]

EVEN = (
    "Codes and pixels predict",
    "Neither codes nor pixels predict",
)  # how sentences begin that praise and blame nothing
CODES = (*EVEN, "Its codes predict")  # how the sentence begins that says what codes know of labels
LABELS_LEARNED = "Learned the labels:"  # how the sentence begins that a run has come to where labels are what it learns
BEHIND = 0.8  # of a baseline's lead over guessing: a classifier with less has learned little
MORE = "train on; where that no longer helps, give it more labels, or take a smaller net"
FEW_IMAGES = 50  # labelled, below which an accuracy says so
LEAD = 1.0  # points of accuracy, beside two standard errors


def classified(facts: Facts) -> list[Finding]:
    """How often the model's own classifier is right."""
    if "accuracy" not in facts:
        return []
    n, own, guess = labelled(facts), facts["accuracy"], facts["largest class"]
    if guess >= 100:
        said = f"all {images_of(facts, n)} with a label are of one class"
        return [
            Finding("note", f"Whether it predicts the labels cannot be measured: {said}; label more, or hold out more.")
        ]
    base = facts.get("baseline accuracy", math.nan)
    said = f"accuracy {own:.0f} % on {images_of(facts, n)}{left_open(own, n)}; always the largest class: {guess:.0f} %"
    if math.isfinite(base):
        said += f"; logistic regression on pixels (PCA, {facts['baseline labels']:,.0f} labels): {base:.0f} %"
    if "guess" in facts:
        own, base, guess = facts["balanced accuracy"], facts.get("balanced baseline", math.nan), facts["guess"]
        said += f"; balanced accuracy {own:.0f} %, a constant answer {guess:.0f} %"
        said += f", the regression {base:.0f} %" if math.isfinite(base) else ""
    share = (own / 100 * n + 1) / (n + 2)  # as if two more images had gone either way
    error = facts.get("balanced error", 100 * math.sqrt(share * (1 - share) / (n + 2)))
    if own < guess + max(LEAD, 2 * error):
        return [Finding("warning", f"Has not learned the labels: {said}.")]
    if own < base - 2 * error:
        return [short(own - guess < BEHIND * (base - guess), "the labels", said, MORE)]
    return [Finding("good", f"{LABELS_LEARNED} {said}.")]


def unlabelled(facts: Facts) -> list[Finding]:
    """That the model's own classifier could not be measured."""
    if not facts.get("unlabelled"):
        return []
    said = f"fewer than two of {images_of(facts, int(facts['images']))} have one"
    return [
        Finding("note", f"Whether it predicts the labels cannot be measured: {said}; label more, or hold out more.")
    ]


def images_of(facts: Facts, n: int) -> str:
    """The count of images, and whether the model saw them."""
    return f"{counted(n, 'image')} that it saw" if facts["seen"] else counted(n, "unseen image")


def labelled(facts: Facts) -> int:
    """Measured images whose label is known."""
    return int(facts.get("labelled", facts["images"]))


def left_open(right: float, n: int) -> str:
    """Where only so few of n images were measured that the % ``right`` says little: what they leave open (the 95 %
    interval of Wilson 1927)."""
    if n >= FEW_IMAGES:
        return ""
    share, more = right / 100, 1.96**2 / n
    middle, half = share + more / 2, math.sqrt(more * (share * (1 - share) + more / 4))
    least, most = (100 * min(1.0, max(0.0, (middle + side * half) / (1 + more))) for side in (-1, 1))
    return f" (few images: it may be {least:.0f} to {most:.0f} %)"


def short(far: bool, of: str, said: str, remedy: str) -> Finding:
    """Of a classifier that a simple baseline beats, by far or not."""
    if not far:
        return Finding("note", f"Learned {of} less well than a simple baseline: {said}.")
    return Finding("warning", f"Has learned little of {of}, a simple baseline is far better: {said}: {remedy}.")


def known(facts: Facts) -> list[Finding]:
    """Whether codes know labels that the model never saw, and more of them than pixels do."""
    if "accuracy of codes" not in facts:
        return []
    code, pixels, pca = (facts[f"accuracy of {space}"] for space in ("codes", "pixels", "PCA"))
    lead, margin = code - pixels, max(LEAD, 2 * facts["accuracy lead error"])
    budget = f"{counted(facts['labels a class'], 'label')} a class"
    guess = facts.get("guess", facts["largest class"])
    shown = f"balanced accuracy {code:.0f} %" if "guess" in facts else f"{code:.0f} % right"
    figures = f"{shown} from {budget}, pixels {pixels:.0f} %, PCA {pca:.0f} %"
    n = labelled(facts)
    few = f" (of {n} images, which are few)" if n < FEW_IMAGES else ""
    constant = f"a constant answer {guess:.0f} %, " if "guess" in facts else ""
    largest = f"always the largest class {facts['largest class']:.0f} %"
    said = f"{figures}; {constant}{largest}{' right' * bool(constant)}{few}."
    if max(code, pixels, pca) <= guess + LEAD:
        return [Finding("note", f"Neither codes nor pixels predict labels better than guessing: {said}")]
    if lead > margin:
        return [Finding("good", f"Its codes predict labels better than pixels do: {said}")]
    if lead < -margin:
        return [Finding("note", f"Its codes predict labels less well than pixels do: {said}")]
    return [Finding("note", f"Codes and pixels predict labels about as well: {said}")]
