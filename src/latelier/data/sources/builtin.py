"""Data sets that are always there, offline."""

from dataclasses import dataclass, replace

import numpy as np

from latelier.data.images import Images
from latelier.data.packing.plan import unknown
from latelier.errors import Refusal

DIGITS_TEST = 500
SCENES = {"train": (20_000, 0), "test": (2_000, 1)}  # split -> how many, seed
EMBEDDED = {
    "digits": "handwritten digits, 8x8 grey, 10 classes, 1,297 + 500, out of scikit-learn",
    "scenes": "drawn shapes, 32x32 or 64x64 colour, with exact parts, attributes and captions, 20,000 + 2,000",
    "sprites": "one drawn shape, 32x32 or 64x64 grey, in every combination of five known factors, 20,736 + 2,592",
    "mixture": "points of 25 Gaussians in the plane, as 1x2 pixels grey, the modes known, 50,000 + 10,000",
}


@dataclass(frozen=True)
class Digits:
    """scikit-learn's digits; the split is ours."""

    split: str

    @property
    def stamp(self) -> object:
        return ["digits", self.split]

    def annotate(self, images: Images) -> Images:
        return images

    def contents(self) -> Images:
        from sklearn.datasets import load_digits

        data = load_digits()
        by_class = np.argsort(data.target, kind="stable")
        every = (
            np.arange(DIGITS_TEST) * len(by_class)
        ) // DIGITS_TEST  # evenly over all classes: stratified, no chance in it
        rows = np.sort(by_class[every] if self.split == "test" else np.delete(by_class, every))
        return replace(
            unknown([str(row) for row in rows]),
            pixels=np.rint(data.images[rows] * (255 / 16)).astype(np.uint8)[..., None],
            label=data.target[rows].astype(np.int64),
            classes=tuple(map(str, range(10))),
        )


@dataclass(frozen=True)
class Scenes:
    """Drawn scenes."""

    split: str
    size: int

    @property
    def stamp(self) -> object:
        from latelier.data.drawn.scenes import VERSION

        return ["scenes", VERSION, *SCENES[self.split], self.size]

    def annotate(self, images: Images) -> Images:
        return images

    def contents(self) -> Images:
        from latelier.data.drawn.scenes import draw_scenes

        if self.size not in (32, 64):
            raise Refusal(f"scenes are drawn 32 or 64 pixels wide: --size {self.size} was given, expected 32 or 64")
        n, seed = SCENES[self.split]
        return draw_scenes(n, size=self.size, seed=seed)


@dataclass(frozen=True)
class Sprites:
    """Drawn shapes in every combination of their factors."""

    split: str
    size: int

    @property
    def stamp(self) -> object:
        from latelier.data.drawn.sprites import VERSION

        return ["sprites", VERSION, self.split, self.size]

    def annotate(self, images: Images) -> Images:
        return images

    def contents(self) -> Images:
        from latelier.data.drawn.sprites import draw_sprites

        return draw_sprites(self.split, size=self.size)


@dataclass(frozen=True)
class Mixture:
    """Points of a mixture of Gaussians."""

    split: str
    size: int | None

    @property
    def stamp(self) -> object:
        from latelier.data.drawn.mixture import EACH, VERSION

        return ["mixture", VERSION, *EACH[self.split]]

    def annotate(self, images: Images) -> Images:
        return images

    def contents(self) -> Images:
        from latelier.data.drawn.mixture import EACH, draw_mixture

        if self.size is not None:
            raise Refusal(f"mixture has points as 1x2 pixels, which have no other size: leave --size {self.size} out")
        return draw_mixture(*EACH[self.split])
