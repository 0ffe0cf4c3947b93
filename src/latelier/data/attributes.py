"""Attributes of images for models that learn them: those that the data name, and classes as attributes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from latelier.config.lookup import nearest
from latelier.data.images import Images
from latelier.errors import Refusal


def with_attributes(images: Images, names: Sequence[str] = ()) -> Images:
    """The same images with these attributes, by default all that they have: columns of attributes.csv and their
    like, and of images of two classes the second (smiling, of "not smiling" and "smiling"). Where there are neither,
    each class is an attribute. Raises Refusal for names that they do not have, and where there is nothing."""
    known, values = or_classes(images)
    if not known:
        source = images.source or "these images"
        raise Refusal(
            f"{source} has neither attributes nor classes: give an attributes.csv, a labels.csv or class folders"
        )
    if absent := [name for name in names if name not in known]:
        raise Refusal(f'{images.source or "these images"}: no attribute "{absent[0]}"; {nearest(absent[0], known)}')
    chosen = list(names) or known
    columns = [known.index(name) for name in chosen]
    return replace(images, attribute=values[:, columns], attributes=tuple(chosen))


def with_columns(images: Images, names: Sequence[str]) -> Images:
    """The same images with exactly these attributes; of one that they do not have nothing is known."""
    own = np.asarray(images.attribute, np.int8)
    unknown = np.full(len(images), -1, np.int8)
    columns = [own[:, images.attributes.index(name)] if name in images.attributes else unknown for name in names]
    return replace(images, attribute=np.stack(columns, 1), attributes=tuple(names)) if names else images


def hide_attributes(images: Images, each: int, seed: int, among: np.ndarray | None = None) -> Images:
    """The same images with ``each`` images kept that are known to have an attribute and as many that are known not
    to, of each attribute, out of the rows ``among``; all else is hidden (-1). Raises Refusal where there are fewer."""
    hidden = np.full_like(images.attribute, -1)
    rows = np.arange(len(images)) if among is None else among
    for column, name in enumerate(images.attributes):
        for side in (0, 1):
            found = rows[images.attribute[rows, column] == side]
            if len(found) < each:
                raise Refusal(
                    f"labels: {each} a side were asked for, but {len(found)} images are known "
                    f'{"to have" if side else "not to have"} "{name}"; ask for fewer'
                )
            kept = np.random.default_rng([seed, column, side]).choice(found, each, replace=False)
            hidden[kept, column] = side
    return replace(images, attribute=hidden)


def yes_or_no(images: Images) -> tuple[list[str], np.ndarray]:
    """Names, and int8 [n, a] 1, 0 or -1, of attributes and of the second class where there are two."""
    return _beside(images, range(1, 2) if len(images.classes) == 2 else range(0))


def or_classes(images: Images) -> tuple[list[str], np.ndarray]:
    """The same, and of images that have neither each class against all others."""
    names, values = yes_or_no(images)
    return (names, values) if names else _beside(images, range(len(images.classes)))


def _beside(images: Images, classes: range) -> tuple[list[str], np.ndarray]:
    """The attributes, and each of the classes against all others."""
    shown = [np.where(images.label < 0, -1, images.label == number).astype(np.int8)[:, None] for number in classes]
    names = [*images.attributes, *(images.classes[number] for number in classes)]
    return names, np.concatenate([np.asarray(images.attribute, np.int8), *shown], 1)
