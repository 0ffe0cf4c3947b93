"""What does not depend on a model is worked out once in a process: runs that are compared share their baselines."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import Generic, TypeVar

import numpy as np

from latelier.data.images import Images

V = TypeVar("V")


class Kept(Generic[V]):
    """The last ``most`` answers used, by what was asked."""

    def __init__(self, most: int):
        self.most, self._answers = most, OrderedDict[Hashable, V]()

    def get(self, key: Hashable, answer: Callable[[], V]) -> V:
        """The answer, worked out unless it is kept."""
        if key not in self._answers:
            self._answers[key] = answer()
        self._answers.move_to_end(key)
        while len(self._answers) > self.most:
            self._answers.popitem(last=False)
        return self._answers[key]

    def clear(self) -> None:
        self._answers.clear()


def digest(images: Images) -> bytes:
    """Of pixels, labels and attributes: equal for equal images, wherever they were taken from."""
    found = blake2b(str(images.pixels.shape).encode(), digest_size=16)
    for values in (images.pixels, images.label, images.attribute):
        found.update(np.ascontiguousarray(values).data)
    return found.digest()
