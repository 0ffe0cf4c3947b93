"""Parquet in the layout of Hugging Face data sets.

| column | type |
|---|---|
| image (or img) | struct of bytes and path, or bytes: an encoded image |
| label (or fine_label, labels) | class number, or a word; null and -1 = unknown |
| caption, captions | text, or a list of texts |
| any other | an attribute if its type is bool or names.json lists it under "attributes" (1, 0; -1, null = unknown) |

What a value means that is none of these: ``foreign.py``. Rows are counted from 0, as images without a name are.
Class names stand in names.json beside the files ({"label": [...]}) or in the schema's own metadata (ClassLabel).
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from latelier.data import foreign
from latelier.data.classes import number
from latelier.data.images import Images
from latelier.data.packing.plan import Plan, unknown
from latelier.data.packing.worker import IMAGE_COLUMNS, parquet_file
from latelier.data.sources.shards import Shards, known_names
from latelier.errors import Refusal

LABEL_COLUMNS = ("label", "fine_label", "labels")
SAID = 3  # columns of attributes of which it is said that values say nothing
CAPTION_COLUMNS = ("caption", "captions")


@dataclass(frozen=True)
class Parquet(Shards):
    """One split's files."""

    kind = "parquet"

    def contents(self) -> Plan:
        items = [
            np.stack(np.broadcast_arrays(i, group, np.arange(file.metadata.row_group(group).num_rows)), axis=1)
            for i, file in enumerate(map(_open, self.files))
            for group in range(file.num_row_groups)
        ]
        rows = np.concatenate([np.zeros((0, 3), np.int64), *items])
        if len(rows) == 0:
            raise Refusal(f"{self.files[0]}: no rows")
        return Plan("parquet", [str(file.absolute()) for file in self.files], rows, self._facts())

    def unread(self) -> list[str]:
        """Columns that tell nothing here."""
        used = {self._has(names) for names in (IMAGE_COLUMNS, LABEL_COLUMNS)} | set(CAPTION_COLUMNS)
        return [name for name in self._schema.names if name not in used and name not in self._attributes()]

    def _facts(self) -> Images:
        facts = unknown(self._names())
        others = [file for file in self.beside if file not in self.files]
        if (column := self._has(LABEL_COLUMNS)) == LABEL_COLUMNS[-1] and self._nested(column):
            facts, column = replace(facts, remarks=(f"column {column} holds lists: it is not used",)), None
        if column:
            mine, said = _values_of(self.files, column, foreign.label)
            everywhere = mine + _values_of(others, column, foreign.label)[0]
            names = known_names(self.folder, column) or self._declared(column)
            where, words = f"{self.files[0].parent}, column {column}", self._texts(column)
            label, classes = number(mine, everywhere, names, where, between=not words)
            facts = replace(facts, label=label, classes=classes, remarks=(*facts.remarks, *said))
        elif len(folders := {file.parent.name for file in self.files}) > 1:
            said = (f"folders of Parquet files ({', '.join(sorted(folders)[:3])}) are no classes: a column label is",)
            facts = replace(facts, remarks=(*facts.remarks, *said))
        if columns := [name for name in CAPTION_COLUMNS if name in self._schema.names]:
            cells, said = zip(*(_values_of(self.files, column, foreign.captions) for column in columns), strict=True)
            captions = [tuple(dict.fromkeys(chain(*texts))) for texts in zip(*cells, strict=True)]
            facts = replace(facts, captions=captions, remarks=(*facts.remarks, *chain(*said)))
        attributes = self._attributes()
        stated = [_values_of(self.files, name, foreign.attribute) for name in attributes]
        values, silent = [found for found, _ in stated], [line for _, lines in stated for line in lines]
        beside = [
            _values_of([file for file in others if name in _open(file).schema_arrow.names], name, foreign.attribute)[0]
            for name in attributes
        ]
        signs = foreign.signs(chain(*values, *beside))
        if signs:
            facts = replace(facts, remarks=(*facts.remarks, f"of the attributes the file {foreign.SIGNS}"))
        else:
            more = (f"{len(silent) - SAID:,} more columns hold such values",) if len(silent) > SAID else ()
            facts = replace(facts, remarks=(*facts.remarks, *silent[:SAID], *more))
        table = np.array([[foreign.known(value, signs) for value in column] for column in values], np.int8)
        table = table.reshape(len(attributes), len(facts.names)).T
        return replace(facts, attribute=table, attributes=tuple(attributes))

    @cached_property
    def _schema(self) -> Any:
        schema = _open(self.files[0]).schema_arrow
        if why := _lacking(schema):
            raise Refusal(f"{self.files[0]}: {why}; it has {', '.join(schema.names)}")
        if twice := [name for name, n in Counter(schema.names).items() if n > 1]:
            raise Refusal(f"{self.files[0]}: two columns are called {twice[0]}; rename one, or leave it out")
        return schema

    def _has(self, columns: tuple[str, ...]) -> str | None:
        return next((name for name in columns if name in self._schema.names), None)

    def _nested(self, column: str) -> bool:
        """Whether a column holds several values a row, as images of several classes have them."""
        return bool(self._schema.field(column).type.num_fields)

    def _texts(self, column: str) -> bool:
        """Whether a column holds text, whatever that says."""
        return any(kind in str(self._schema.field(column).type) for kind in ("string", "binary"))

    def _names(self) -> list[str]:
        """The images' own paths where every row has one, else file and row."""
        image = self._schema.field(self._has(IMAGE_COLUMNS)).type
        if str(image).startswith("struct") and any(part.name == "path" for part in image):
            column = f"{self._has(IMAGE_COLUMNS)}.path"
            paths = [row and row["path"] for file in self.files for row in _column(file, column)]
            if all(paths):
                return [foreign.unprinted(path) for path in paths]
        return [f"{file.name}:{row}" for file in self.files for row in range(_open(file).metadata.num_rows)]

    def _attributes(self) -> list[str]:
        listed = known_names(self.folder, "attributes") or []
        if absent := [name for name in listed if name not in self._schema.names]:
            raise Refusal(f"{self.folder / 'names.json'}: attribute {absent[0]} is not a column of {self.files[0]}")
        named = (field.name for field in self._schema if str(field.type) == "bool" or field.name in listed)
        return foreign.attributes(named, self.files[0])

    def _declared(self, column: str) -> list[str] | None:
        """Class names in the schema's metadata."""
        try:
            names = json.loads(self._schema.metadata[b"huggingface"])["info"]["features"][column]["names"]
        except (KeyError, TypeError, ValueError, RecursionError):
            return None
        return None if names is None else foreign.class_names(names, f"{self.files[0]}, names of {column}")


def lacks_images(file: Path) -> str:
    """Why a file holds no images, in words; "" where it has a column of them. Raises Refusal for a damaged file."""
    return _lacking(_open(file).schema_arrow)


def _lacking(schema: Any) -> str:
    import pyarrow.types as kinds

    for name in IMAGE_COLUMNS:
        if schema.names.count(name) > 1:
            return f"two columns are called {name}"
        if name in schema.names:
            kind = schema.field(name).type
            if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
                return f"lists of images in the column {name}, expected one image a row"
            inside = kind.field("bytes").type if kinds.is_struct(kind) and kind.get_field_index("bytes") >= 0 else kind
            held = "binary" in str(inside) or kinds.is_null(inside)
            return "" if held else f"no images in the column {name} but {kind}, expected bytes, one image a row"
    if "images" in schema.names:
        return "no column image, but images, which may hold several a row: expected one image a row, in image"
    return "no column image"


def _open(file: Path) -> Any:
    """Raises Refusal for what is not Parquet, or not whole."""
    import pyarrow

    try:
        return parquet_file(str(file))
    except (pyarrow.ArrowException, OSError) as error:
        raise Refusal(f"{file}: not a whole Parquet file ({str(error).splitlines()[0]})") from error


def _column(file: Path, column: str) -> list[Any]:
    import pyarrow

    parquet = _open(file)
    if column.split(".")[0] not in parquet.schema_arrow.names:
        raise Refusal(f"{file}: no column {column}, but the files beside it have one")
    if parquet.schema_arrow.names.count(column) > 1:
        raise Refusal(f"{file}: two columns are called {column}; rename one, or leave it out")
    try:
        values: list[Any] = parquet.read(columns=[column]).column(0).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:  # of times that Python cannot hold, of bad UTF-8
        raise Refusal(f"{file}: column {column} cannot be read ({str(error).splitlines()[0]})") from error
    return values


def _values_of(
    files: Sequence[Path], column: str, read: Callable[[object, str, str], Any]
) -> tuple[list[Any], tuple[str, ...]]:
    """What a column says, row by row, and a remark on values that say nothing."""
    found, values = list[Any](), list[Any]()
    for file in files:
        values += (cells := _column(file, column))
        found += [read(value, f"{file}, row {row}", column) for row, value in enumerate(cells)]
    meant = foreign.stated(found) if read is foreign.attribute else found
    return found, foreign.unsaid(values, meant, f"column {column}")
