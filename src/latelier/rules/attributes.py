"""What facts say of attributes that a model has learned (``latelier.verdict.attribute_facts`` names them): rules beside
those that all methods share."""

import math

from latelier.rules.finding import Finding
from latelier.rules.labels import BEHIND, FEW_IMAGES, LEAD, Facts, images_of, labelled, short
from latelier.rules.shared import usual

WORST = ("warning", "note", "good")
SHOWS = 25.0  # % of a judge's verdicts that an edit changes: below, it hardly shows


def knowing(facts: Facts, remedy: str) -> list[Finding]:
    """All rules for a method whose code predicts attributes, along which images can be edited: what it is for comes
    first, in one finding that begins with its worst part. ``remedy`` is for attributes that are not learned or not
    drawn."""
    found = usual(facts)
    if any(finding.level == "failure" for finding in found):
        return found
    own = sorted([*attributes(facts, remedy), *edits(facts, remedy)], key=lambda one: WORST.index(one.level))
    return [*([Finding(own[0].level, " ".join(one.text for one in own))] if own else []), *found]


def attributes(facts: Facts, remedy: str) -> list[Finding]:
    """How well the model's own classifier predicts the attributes that it has learned. ``remedy`` is for one that a
    simple baseline beats by far."""
    if "attributes balanced" not in facts:
        return []
    own, base = facts["attributes balanced"], facts.get("attributes balanced of pixels", math.nan)
    each = {name.removeprefix("attribute "): facts[name] for name in facts if name.startswith("attribute ")}
    of = f"the attribute {next(iter(each))}" if len(each) == 1 else f"{len(each)} attributes"
    n, error = labelled(facts), facts["attributes error"]
    few = f", few: give or take {2 * error:.0f} %" if n < FEW_IMAGES else ""
    said = f"balanced accuracy {own:.0f} % on {images_of(facts, n)}{few} (a constant answer: 50 %"
    if math.isfinite(base):
        said += f"; logistic regression on pixels (PCA, {facts['attributes labels']:,.0f} labels): {base:.0f} %"
    said += f"), right on {facts['attributes right']:.0f} % where the commoner value has "
    said += f"{facts['attributes commonest']:.0f} %"
    worst = min(each, key=lambda name: each[name], default="")
    if worst and each[worst] < own - LEAD:
        said += f"; it predicts {worst} least well: {each[worst]:.0f} %"
    if own < 50 + max(LEAD, 2 * error):
        return [Finding("warning", f"Has not learned {of}: {said}: {remedy}.")]
    if own < base - 2 * error:
        return [short(own - 50 < BEHIND * (base - 50), of, said, remedy)]
    return [Finding("good", f"Learned {of}: {said}.")]


def edits(facts: Facts, remedy: str) -> list[Finding]:
    """Whether edits along the model's own directions show. ``remedy`` is for those that do not."""
    if "edits judge" not in facts:
        return []
    near, far = facts["edits by 3"], facts["edits by 6"]
    said = (
        f"by 3 steps they change {near:.0f} % of the verdicts of a judge that learned from real images (right on "
        f"{facts['edits judge']:.0f} % of others), by 6 steps {far:.0f} %"
    )
    if near >= SHOWS:
        return [Finding("good", f"Edits show: {said}.")]
    if far >= SHOWS:
        return [Finding("note", f"Edits show from farther on: {said}; give latelier edit --by 6.")]
    return [Finding("warning", f"Edits hardly show: {said}: {remedy}.")]
