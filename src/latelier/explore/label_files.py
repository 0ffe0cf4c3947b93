"""labels.csv and attributes.csv as the page keeps them: in the form that training reads, whole at every moment; and
labels-classes.csv beside them, the list of classes in the order of their keys, of which some may have no image yet."""

from dataclasses import dataclass, field
from pathlib import Path

from latelier.data import foreign
from latelier.data.images import Images
from latelier.data.sources import labels_file
from latelier.data.sources.matching import source_parts
from latelier.data.sources.names import Names
from latelier.data.sources.table import Table
from latelier.errors import Refusal
from latelier.storage import files

COLUMNS = ("file", "label", "why")
SUGGESTED = ("probability", "margin")  # of a table of ``latelier suggest``, which says them anew
WORDS = {1: "yes", 0: "no"}
NUMBERS = {word: str(number) for number, word in WORDS.items()}
Said = dict[int, str]  # row -> a class, or "yes" or "no"; in the order in which they were given


@dataclass
class Notes:
    """What is said of images, by row."""

    label: Said = field(default_factory=dict)
    why: Said = field(default_factory=dict)  # why somebody looked at the image: "random", "unsure", ...
    classes: list[str] = field(default_factory=list)  # in their order; some may have no image yet
    attributes: dict[str, Said] = field(default_factory=dict)

    def of(self, attribute: str) -> Said:
        """What is said of that attribute, or with "" of classes; to be changed."""
        return self.attributes.setdefault(attribute, {}) if attribute else self.label

    def copy(self) -> "Notes":
        """With dictionaries of its own."""
        attributes = {name: dict(said) for name, said in self.attributes.items()}
        return Notes(dict(self.label), dict(self.why), list(self.classes), attributes)


class LabelFiles:
    """The file of labels at ``path``, and beside it those of attributes and of the names of classes, for one set of
    images. Rows on other images stay in them."""

    def __init__(self, images: Images, path: Path):
        own = path.name == "labels.csv"  # then a folder of images reads both
        self.path = path
        self.attributes_path = path.with_name("attributes.csv" if own else f"{path.stem}-attributes.csv")
        self.classes_path = path.with_name(f"{path.stem}-classes.csv")
        self._of_data = tuple(map(str, images.classes))  # classes that need no file
        self._listed: list[str] = []  # the others, as their file has them
        base, self._split = source_parts(images.source)
        self._named = list(map(str, images.names))
        self._names = Names([*self._named, *images.skipped], Path(base).name, self._split)
        self._place = {name: row for row, name in enumerate(self._named)}
        self._others: list[tuple[str, str, str]] = []
        self._other_attributes: list[tuple[str, dict[str, str]]] = []
        self._seen: tuple[object, ...] = (None, None, None)

    def update(self, notes: Notes) -> bool:
        """Puts what the files have into the notes, if they are not as they were read or written last; whether this
        concerns classes. Raises Refusal for files that are no such tables, or hold more than would be written again."""
        now = self._marks()
        labels, attributes, classes = (one != before for one, before in zip(now, self._seen, strict=True))
        if labels and now[0] is not None:
            self._read_labels(notes)
        if attributes and now[1] is not None:
            self._read_attributes(notes)
        if classes and now[2] is not None:
            self._read_classes(notes)
        self._seen = now
        return labels or classes

    def write(self, notes: Notes, attribute: str) -> None:
        """Puts the notes on that attribute, or with "" on classes, on disk. Raises Refusal where that fails; the older
        file then stays."""
        if attribute:
            known = sorted({row for said in notes.attributes.values() for row in said})
            own = [(self._full(row), {k: s[row] for k, s in notes.attributes.items() if row in s}) for row in known]
            lines = [
                [name, *(NUMBERS[said[key]] if key in said else "" for key in notes.attributes)]
                for name, said in [*own, *self._other_attributes]
            ]
            files.write(self.attributes_path, files.csv_text(["file", *notes.attributes], lines))
        else:
            listed = [name for name in notes.classes if name not in self._of_data]
            if listed != self._listed:  # first: a class that no image has does no harm
                files.write(self.classes_path, files.csv_text(["class"], [[name] for name in listed]))
                self._listed = listed
            rows = [(self._full(row), name, notes.why.get(row, "")) for row, name in notes.label.items()]
            files.write(self.path, files.csv_text(COLUMNS, [*rows, *self._others]))
        self._seen = self._marks()

    def _read_labels(self, notes: Notes) -> None:
        columns, rows = labels_file.with_columns(self.path)
        if more := sorted({*columns} - {"class", *COLUMNS, *SUGGESTED}):
            raise Refusal(f"{self.path} has a column {more[0]!r}, which would be lost; give --labels a file of its own")
        notes.label, notes.why, self._others = {}, {}, []
        for row in rows:
            at = self._row(row.name)
            if at is None:
                self._others.append((row.name, str(row.label), row.why))
                continue
            notes.label[at] = str(row.label)
            if row.why:
                notes.why[at] = row.why
        notes.classes = list(dict.fromkeys([*notes.classes, *notes.label.values()]))

    def _read_classes(self, notes: Notes) -> None:
        table = Table(self.classes_path, ("class",), in_bytes=())
        found = foreign.labels(table.column("class"), table.where, "class")
        self._listed = [str(name) for name in found if name is not None]
        notes.classes = list(dict.fromkeys([*self._of_data, *self._listed, *notes.label.values()]))

    def _read_attributes(self, notes: Notes) -> None:
        table = Table(self.attributes_path, ("file",))
        found: dict[str, Said] = {name: {} for name in (*notes.attributes, *table.named)}
        cells = {name: table.column(name) for name in table.named}
        self._other_attributes = []
        for i, name in enumerate(table.column("file")):
            values = {key: foreign.attribute(column[i], table.where(i), key) for key, column in cells.items()}
            said = {key: WORDS[value] for key, value in values.items() if value in WORDS}
            at = self._row(name)
            if at is None:
                self._other_attributes.append((name, said))
            else:
                for key, word in said.items():
                    found[key][at] = word
        notes.attributes = found

    def _row(self, name: str) -> int | None:
        found = self._names.find(name)
        return None if found.name is None else self._place.get(found.name)

    def _full(self, row: int) -> str:
        return f"{self._split}/{self._named[row]}" if self._split else self._named[row]

    def _marks(self) -> tuple[object, ...]:
        return _mark(self.path), _mark(self.attributes_path), _mark(self.classes_path)


def _mark(path: Path) -> object:
    """What changes when a file does; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
