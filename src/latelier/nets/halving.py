"""Sizes of maps that convolutions of stride 2 halve, from the image to the top of a hierarchy of codes."""

from abc import ABC, abstractmethod
from math import ceil

SMALL = 4  # cells a side that are gathered into a vector
Size = tuple[int, int]
Image = tuple[int, int, int]


class Ladder(ABC):
    """Where the codes of each level lie: maps, each half the side of the one below, and a vector on top."""

    image: Image
    levels: tuple[int, ...]  # channels of the codes, from the image upwards

    @property
    @abstractmethod
    def path(self) -> list[Size]:
        """Sizes from the image to the lowest codes."""

    @staticmethod
    @abstractmethod
    def halved(size: Size) -> Size:
        """From a level of maps to the next."""

    @property
    def sizes(self) -> list[Size]:
        """Of the codes that are maps, from the image upwards; of one level, of the map from which it is gathered."""
        found = [self.path[-1]]
        for _ in self.levels[2:]:
            found.append(self.halved(found[-1]))
        return found

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the codes."""
        maps = [(c, *size) for c, size in zip(self.levels[:-1], self.sizes, strict=False)]
        return [*maps, (self.levels[-1],)]


def halved(size: Size) -> Size:
    """After a 3x3 convolution of stride 2."""
    return ceil(size[0] / 2), ceil(size[1] / 2)


def halvings(size: Size) -> list[Size]:
    """The sizes from a map to one that is small enough to be gathered."""
    found = [size]
    while max(found[-1]) > SMALL:
        found.append(halved(found[-1]))
    return found
