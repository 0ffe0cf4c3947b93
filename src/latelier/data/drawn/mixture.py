"""Points in the plane as images of 1x2 pixels: ALI's mixture of 25 Gaussians, on which it can be counted whether a
model draws all modes, and whether x -> z -> x stays in its mode.

The centres are all pairs out of -4, -2, 0, 2 and 4, and the sd is 0.05 in both directions (Dumoulin et al. 2017, arXiv
1606.00704). The left pixel is the first coordinate, the right one the second; black is -5 and white 5. A
grey level is 10 / 255 = 0.039 wide, less than the sd, so that rounding raises the sd to 0.051.
"""

import numpy as np

from latelier.data.images import Images
from latelier.data.seeds import mix

VERSION = 1  # of what a seed draws
PLACES = (-4.0, -2.0, 0.0, 2.0, 4.0)
SD = 0.05
REACH = 5.0  # coordinates from -REACH to REACH are black to white
EACH = {"train": (2_000, 0), "test": (400, 1)}  # split -> points of each mode, seed
CLASSES = tuple(map(str, range(len(PLACES) ** 2)))


def draw_mixture(each: int, seed: int) -> Images:
    """This many points of each of the 25 modes in a drawn order, pixels uint8 [n, 1, 2, 1]. The label is the mode's
    number, the second coordinate's place running fastest; ``truth`` holds float32 [n, 2] "mode", the centre of each
    point's mode as grey levels in [0, 1]."""
    generator = np.random.default_rng(mix(VERSION, seed))
    label = generator.permutation(np.repeat(np.arange(len(CLASSES)), each))
    centre = np.array(PLACES)[np.stack(np.divmod(label, len(PLACES)), 1)]
    point = centre + SD * generator.standard_normal(centre.shape)
    n = len(label)
    return Images(
        pixels=np.rint(255 * grey(point)).astype(np.uint8).reshape(n, 1, 2, 1),
        label=label,
        attribute=np.zeros((n, 0), np.int8),
        captions=[()] * n,
        names=[str(row) for row in range(n)],
        classes=CLASSES,
        truth={"mode": grey(centre).astype(np.float32)},
        source="mixture",
        fingerprint=f"mixture-{VERSION} each={each} seed={seed}",
    )


def grey(point: np.ndarray) -> np.ndarray:
    """Coordinates as grey levels in [0, 1]."""
    levels: np.ndarray = (point + REACH) / (2 * REACH)
    return levels
