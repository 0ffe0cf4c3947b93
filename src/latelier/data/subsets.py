"""Which rows of a set are learned from, held out, and known by their labels; each choice a function of a seed."""

from dataclasses import replace

import numpy as np

from latelier.data.attributes import holding
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.terminal.tables import counted


def hold_out(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Of ``count`` rows those to train on, and a share for validation, both sorted. Raises Refusal where a share above
    0 leaves none on one side."""
    held = round(share * count)
    if share and not 0 < held < count:
        way = f"one image is {1 / count:.2g} of them" if count > 1 else "leave it out, or give more images"
        raise Refusal(f"--validation {share:g} of {counted(count, 'image')} leaves none on one side; {way}")
    if not held:
        return np.arange(count), np.arange(0)
    order = np.random.default_rng([seed, 5]).permutation(count)
    return np.sort(order[held:]), np.sort(order[:held])


def among(images: Images, rows: np.ndarray, name: str) -> np.ndarray:
    """Those of the rows whose images are known to have an attribute. Raises Refusal where the images have no such
    attribute, or none of the rows has it."""
    found: np.ndarray = rows[holding(images, name)[rows]]
    if not len(found):
        raise Refusal(f'--where "{name}" is not known of any of the {len(rows)} images to train on; name another')
    return found


def fewer(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """``count`` of the rows, sorted. Raises Refusal for more than there are."""
    if count > len(rows):
        raise Refusal(f"--images {count} were asked for, but there are {len(rows)} images to train on; ask for fewer")
    return np.sort(np.random.default_rng([seed, 7]).permutation(rows)[:count])


def labelled_rows(label: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    """Rows of ``per_class`` images of each class, drawn by ``seed``, sorted. Raises Refusal when a class has too
    few."""
    known = np.unique(label[label >= 0])
    if len(known) == 0:
        raise Refusal(f"labels: {per_class} per class were asked for, but these images have no labels at all")
    chosen = []
    for number in known:
        rows = np.flatnonzero(label == number)
        if len(rows) < per_class:
            raise Refusal(
                f"labels: {per_class} per class were asked for, but class number {number} has only {len(rows)}"
            )
        chosen.append(np.random.default_rng([seed, int(number)]).choice(rows, per_class, replace=False))
    return np.sort(np.concatenate(chosen))


def hide_labels(images: Images, per_class: int, seed: int, among: np.ndarray | None = None) -> Images:
    """The same images with ``per_class`` labels a class kept, out of the rows ``among``, and all others hidden (-1)."""
    known = images.label if among is None else np.full_like(images.label, -1)
    if among is not None:
        known[among] = images.label[among]
    label = np.full_like(images.label, -1)
    rows = labelled_rows(known, per_class, seed)
    label[rows] = images.label[rows]
    return replace(images, label=label)
