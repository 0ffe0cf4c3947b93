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
    each class is an attribute. A name may be a union of others, as ``with_unions`` has it. Raises Refusal for names
    that they do not have, and where there is nothing."""
    images = with_unions(images, names)
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
    """The same images with exactly these attributes, in this order; of one that they do not have nothing is known."""
    if images.attributes == tuple(names):
        return images
    own = np.asarray(images.attribute, np.int8)
    unknown = np.full(len(images), -1, np.int8)
    columns = [own[:, images.attributes.index(name)] if name in images.attributes else unknown for name in names]
    table = np.stack(columns, 1) if columns else own[:, :0]
    return replace(images, attribute=table, attributes=tuple(names))


def with_unions(images: Images, names: Sequence[str]) -> Images:
    """The same images with an attribute more for each of the ``names`` that they do not have and that is a union of
    those that they have: ``Goatee|Mustache|!No_Beard`` is known to hold where one of its parts is, and not to hold
    where none may; ``!`` is the contrary. Other names are left alone."""
    known, values = or_classes(images)
    unions = [name for name in dict.fromkeys(names) if name not in known and _parts(name, known)]
    if not unions:
        return images
    columns = np.stack([_union(_parts(name, known), known, values) for name in unions], 1)
    attribute = np.concatenate([np.asarray(images.attribute, np.int8), columns], 1)
    return replace(images, attribute=attribute, attributes=(*images.attributes, *unions))


def holding(images: Images, name: str) -> np.ndarray:
    """Of which images it is known that they have the attribute, a class or a union of such: bool [n]. Raises Refusal
    for one that the images do not have."""
    found: np.ndarray = with_attributes(images, (name,)).attribute[:, 0] == 1
    return found


def _parts(name: str, known: Sequence[str]) -> list[tuple[str, bool]]:
    """Names of a union's parts, and whether each is its contrary; none of what is no union of known ones."""
    parts = [(part.strip().removeprefix("!").strip(), part.strip().startswith("!")) for part in name.split("|")]
    plain = len(parts) == 1 and not parts[0][1]
    return [] if plain or any(part not in known for part, _ in parts) else parts


def _union(parts: Sequence[tuple[str, bool]], known: Sequence[str], values: np.ndarray) -> np.ndarray:
    """int8 [n] 1, 0 or -1 of values [n, a]."""
    columns = []
    for part, contrary in parts:
        column = values[:, known.index(part)]
        columns.append(np.where(column < 0, column, 1 - column) if contrary else column)
    every = np.stack(columns, 1)
    found = np.where((every == 1).any(1), 1, np.where((every < 0).any(1), -1, 0))
    return found.astype(np.int8)


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
