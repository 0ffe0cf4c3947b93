"""Sizes of maps that convolutions of stride 2 halve."""

from math import ceil

SMALL = 4  # cells a side that a valid convolution gathers
Size = tuple[int, int]


def halved(size: Size) -> Size:
    """After a 3x3 convolution of stride 2."""
    return ceil(size[0] / 2), ceil(size[1] / 2)


def halvings(size: Size) -> list[Size]:
    """The sizes from a map to one that is small enough to be gathered."""
    found = [size]
    while max(found[-1]) > SMALL:
        found.append(halved(found[-1]))
    return found
