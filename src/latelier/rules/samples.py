"""What facts say of images that a model draws of its prior (``latelier.verdict.sample_facts`` names them)."""

from collections.abc import Mapping
from typing import Literal

from latelier.rules.finding import Finding

ALIKE = 0.1  # squared distance of drawn images, as a share of the data's, below which they are all alike
NEAR, FAR = 0.1, 0.7  # distances of samples, as shares of the mean image's
AGAIN = "train again from another --seed, or at a lower rate"
MORE = f"train on; where that no longer helps, {AGAIN}"
NEARER = "dcgan draws nearer ones"  # of the same images, whatever the other method: docs/defaults.md


def sampled(facts: Mapping[str, float], remedy: str = AGAIN) -> list[Finding]:
    """How near samples come to the images, as a set, for a method that is to draw. ``remedy`` is for samples that are
    all alike."""
    if "drawn distance" not in facts:
        return []
    if found := _alike(facts, remedy):
        return found
    part, said, eye = _share(facts), _distance(facts), "shapes are for the eye to judge"
    if part > FAR:
        return [Finding("warning", f"Has not learned to draw: {said}: {MORE}.")]
    if part > NEAR:
        return [Finding("note", f"Draws what is on the way to images: {said}; {eye}.")]
    return [Finding("good", f"Draws what looks like the images at a glance: {said}; {eye}.")]


def beside(facts: Mapping[str, float], remedy: str, level: Literal["note", "warning"] = "note") -> list[Finding]:
    """What is bad of the samples of a method that keeps images well: a note, with what helps (``remedy``); a warning
    where samples are what its game is about."""
    if "drawn distance" not in facts:
        return []
    if found := _alike(facts, AGAIN):
        return found
    if _share(facts) > FAR:
        said = f"Draws new images less well than it reconstructs: {_distance(facts)}: {remedy}."
        return [Finding(level, said)]
    return []


def _alike(facts: Mapping[str, float], remedy: str) -> list[Finding]:
    if facts["drawn apart"] >= ALIKE:
        return []
    apart = f"{facts['drawn apart']:.2f} of the distance between two images"
    return [Finding("warning", f"Drawn images look all alike (two of them are {apart} apart): {remedy}.")]


def _share(facts: Mapping[str, float], of: str = "") -> float:
    """A distance from the images, as a share of the mean image's."""
    return max(0.0, facts[f"drawn distance{of}"]) / max(facts["drawn distance of mean"], 1e-10)


def _distance(facts: Mapping[str, float]) -> str:
    part = _share(facts)
    times = f"{part:.1f} times" if part >= 2 else f"{part:.0%}"
    return (
        f"brightness, contrast and texture of what it draws are {times} as far from "
        f"{'seen' if facts['seen'] else 'unseen'} images as the mean image's (a Gaussian of the pixels: "
        f"{_share(facts, ' of Gaussian'):.0%})"
    ).replace("%", " %")
