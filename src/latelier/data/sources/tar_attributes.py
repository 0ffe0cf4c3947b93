"""Attributes in the .json files beside the images of tar shards."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from latelier.data import foreign
from latelier.errors import Refusal


class Attributes:
    """What in the .json files is an attribute: keys that are true or false in one of them, and those that names.json
    lists. Most keys hold something else: what cannot be read is wrong only where its key proves to be one."""

    def __init__(self, listed: Sequence[str]):
        self.listed, self.known, self.odd = listed, set[str](), dict[str, Refusal]()

    def read(self, fields: dict[str, Any], where: str) -> dict[str, int]:
        """1, 0 or -1 of each key that could be one, where it says anything."""
        found = {}
        for name, value in fields.items():
            if isinstance(value, bool):
                self.known.add(name)
            if name in self.odd:
                continue
            try:
                said = foreign.attribute(value, where, name)
            except Refusal as refusal:
                self.odd.setdefault(name, refusal)
            else:
                if said is not None:
                    found[sys.intern(name)] = said
        return found

    def columns(self, folder: Path) -> list[str]:
        """The names of the attributes. Raises Refusal for a value of one that is none, and for a name that is not
        there."""
        names = foreign.attributes(sorted({*self.known, *self.listed}), folder)
        if odd := next((self.odd[name] for name in names if name in self.odd), None):
            raise odd
        return names
