"""The rows of a table that lies anywhere, and the images of a source that they speak of."""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from latelier.data.images import Images
from latelier.data.remote.patterns import parted
from latelier.data.sources.names import Found, Names, remarks_on
from latelier.errors import Refusal
from latelier.storage.addresses import is_address

Value = TypeVar("Value", bound=Hashable)
HEADER = ("file", "filename", "image", "name", "path")  # what the column of names may be called
CLASSES = ("class", "label", "category")  # and that of classes


class Said(NamedTuple, Generic[Value]):
    """What one row says."""

    place: int  # in the file, from 1
    name: str
    value: Value


class Matched(NamedTuple, Generic[Value]):
    """What the rows say of the images, by row of these; empty where they speak of none."""

    of: dict[int, Value]
    elsewhere: set[Value]  # what is said of other splits
    remarks: tuple[str, ...]  # on names that do not fit, or only nearly


def matched(
    images: Images, path: Path, rows: Sequence[Said[Value]], own: bool, words: Callable[[Value], str]
) -> Matched[Value]:
    """``own``: the file was given for these images, so that one must fit at least; otherwise, of a source with splits
    only names with their split's are theirs. ``words`` for a value in messages. Raises Refusal for rows that contradict
    each other and, if ``own``, for names that fit several images and for a file that fits none."""
    names = names_of(images)
    place = {name: at for at, name in enumerate(map(str, images.names))}
    of, absent, elsewhere, fitted = dict[int, Said[Value]](), list[str](), set[Value](), list[Found]()
    for row in rows:
        found = names.find(row.name)
        at = place.get(found.name or "") if own or found.split or not names.split else None
        if at is None:
            if found.split not in ("", names.split):
                elsewhere.add(row.value)
            elif found.why and own:
                raise Refusal(f"{path}, row {row.place}: no image is called {row.name!r}: {found.why}")
            elif found.name is None:
                absent.append(row.name)
            continue
        fitted.append(found)
        if (first := of.setdefault(at, row)).value != row.value:
            raise Refusal(
                f"{path}: {images.names[at]} is {words(first.value)} in row {first.place} and {words(row.value)} in "
                f"row {row.place}; leave one of the two"
            )
    if own and not of:
        first_name = f"its first name is {rows[0].name!r}" if rows else "no row says anything"
        raise Refusal(
            f"{path} names none of the {len(images)} images of {images.source}: {first_name}; expected names "
            f"like {str(images.names[0])!r}"
        )
    remarks = remarks_on(fitted, path)
    if absent:
        remarks += (
            f"{path.name}: {len(absent)} of its {len(rows)} names are not among the images, first {absent[0]!r}"
            f"{names.near(absent[0])}; expected names like {str(images.names[0])!r}",
        )
    return Matched({at: row.value for at, row in of.items()}, elsewhere, remarks)


def full_name(names: Names, given: str) -> str:
    """A row's name with its split and without what leads to the source's folder: it fits wherever file and folder are
    moved to."""
    found = names.find(given)
    known = names.short(given) if found.name is None else found.name
    return f"{names.split}/{known}" if names.split and found.name is not None else known


def names_of(images: Images) -> Names:
    """Those that could not be decoded too: they are not called absent."""
    base, split = source_parts(images.source)
    return Names([*map(str, images.names), *images.skipped], Path(base).name, split)


def source_parts(source: str) -> tuple[str, str]:
    """A data argument, and the split behind its last colon or ""."""
    if is_address(source):
        return parted(source)
    head, _, tail = source.rpartition(":")
    return (head, tail) if head and not Path(source).exists() else (source, "")


def renamed(columns: list[str], names: dict[str, tuple[str, ...]]) -> list[str]:
    """A table's first line with the names that readers go by; of several that a column may have, the first that is
    there counts."""
    lower = [column.lower() for column in columns]
    for name, others in names.items():
        if found := [lower.index(other) for other in others if other in lower]:
            columns = [name if i == found[0] else column for i, column in enumerate(columns)]
    return columns


def check_file(path: Path, option: str, columns: str) -> None:
    """Raises Refusal for what is no file."""
    if path.is_dir() or not path.exists():
        what = "this is a folder" if path.is_dir() else "there is no such file"
        raise Refusal(f"{option} {path}: {what}; give a CSV file with the columns {columns}")
