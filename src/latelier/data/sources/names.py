"""Which image a table means by a name: the one matcher of tables beside images and of labels files."""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from latelier.data.classes import composed
from latelier.data.sources.splits import split_name
from latelier.terminal.say import escaped

Key = Callable[[str], str]


class Found(NamedTuple):
    """An image's own name, or why there is none."""

    name: str | None
    but_for: str = ""  # in what the given name differs, where that is worth a word
    why: str = ""  # several fit
    split: str = ""  # that the given name begins with, which may be another


class Names:
    r"""Images by what a table may call them: by name, with the folder above (``pets/cat/1.png``) and what leads to
    it, with the name of their split (``train/1.png``), with backslashes, with accents apart from their letters (NFD),
    with bytes that are not UTF-8 written out (``\xe4``), and in another case or without the ending, where one
    image alone fits."""

    def __init__(self, names: Iterable[str], folder: str, split: str = ""):
        self.folder, self.split = folder, split
        self.alone: dict[str, bool] = {}  # name -> whether only one image is called so
        for name in names:
            self.alone[name] = name not in self.alone
        self._tables: dict[int, dict[str, list[str]]] = {}

    def find(self, given: str) -> Found:
        """The image that a table calls so."""
        if self.alone.get(given):
            return Found(given)
        if given in self._escaped:
            return Found(self._escaped[given])
        forms, said = self._forms(given), ""
        if known := next((form for form in forms if form in self.alone), None):
            return self._one([known], "")
        first, _, rest = forms[-1].partition("/")
        if self.split and rest and (said := split_name(first, whole=True) or ""):
            if said != self.split:
                return Found(None, split=said)
            forms = [rest]
        for level, (but_for, key, _) in enumerate(LEVELS):
            for form in forms:
                if fitting := self._table(level).get(key(form)):
                    return self._one(fitting, but_for)._replace(split=said)
        return Found(None, split=said)

    def near(self, given: str) -> str:
        """What to say of a name that is none's: which is there with another ending, if one is."""
        found = self._table(ENDING).get(stem(composed(self.short(given))))
        return f"; {min(found)!r} is there" if found else ""

    def short(self, given: str) -> str:
        """The name without what leads to the folder."""
        return self._forms(given)[-1]

    def _one(self, fitting: list[str], but_for: str) -> Found:
        if len(fitting) > 1:
            return Found(None, why=" and ".join(map(repr, sorted(fitting)[:2])) + " both fit")
        if not self.alone[fitting[0]]:
            return Found(None, why="several images have this name")
        return Found(fitting[0], but_for)

    def _forms(self, given: str) -> list[str]:
        """The name as it stands, and without what leads to the folder."""
        name = given.strip()
        if name not in self.alone:
            name = name.replace("\\", "/")
        while name.startswith("./"):
            name = name[2:]
        _, found, rest = f"/{name}".rpartition(f"/{self.folder}/")
        return [name, rest] if found and rest and name not in self.alone else [name]

    def _table(self, level: int) -> dict[str, list[str]]:
        """The names by what is compared at a level; made when it is first needed."""
        if level not in self._tables:
            table = self._tables[level] = {}
            for name in self.alone:
                table.setdefault(LEVELS[level][2](name), []).append(name)
        return self._tables[level]

    @cached_property
    def _escaped(self) -> dict[str, str]:
        return {shown: name for name in self.alone if (shown := escaped(name)) != name}


def remarks_on(found: Iterable[Found], path: Path) -> tuple[str, ...]:
    """What is worth a word of the names in a table: in what they differ from the images'."""
    counts = Counter(one.but_for for one in found if one.but_for)
    return tuple(f"{path.name}: {count:,} of its names fit but for {what}" for what, count in counts.items())


def stem(name: str) -> str:
    """The name without its ending."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + (last.rpartition(".")[0] or last)


def _caseless(name: str) -> str:
    return composed(composed(name).casefold())


LEVELS: tuple[tuple[str, Key, Key], ...] = (  # in what a name may differ, what of it is compared, and with what of ours
    ("", composed, composed),
    ("case", _caseless, _caseless),
    ("the ending", composed, lambda name: stem(composed(name))),
    ("case and the ending", _caseless, lambda name: stem(_caseless(name))),
)
ENDING = 2  # the level of names without theirs
