"""Parquet in the layout of Hugging Face data sets.

| column | type |
|---|---|
| image (or img) | struct of bytes and path, or bytes: an encoded picture |
| label (or fine_label) | class number, or a word; null and negative numbers = unknown |
| caption, captions | text, or a list of texts |
| any other | an attribute if its type is bool or names.json lists it under "attributes" (1, 0; -1, null = unknown) |

Class names stand in names.json beside the files ({"label": [...]}) or in the schema's own metadata (ClassLabel).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from latelier.core import Refusal
from latelier.data.classes import clean, number
from latelier.data.images import Images
from latelier.data.plan import Plan, unknown
from latelier.data.shards import known_names, stamps
from latelier.data.worker import IMAGE_COLUMNS

LABEL_COLUMNS = ("label", "fine_label")
CAPTION_COLUMNS = ("caption", "captions")


@dataclass(frozen=True)
class Parquet:
    """One split's files."""

    files: Sequence[Path]
    beside: Sequence[Path]  # the files of all splits: class numbers agree over them
    folder: Path  # where names.json is looked for

    @property
    def stamp(self) -> object:
        names = self.folder / "names.json"
        return ["parquet", stamps(self.files), stamps(self.beside), stamps([names] if names.is_file() else [])]

    def annotate(self, images: Images) -> Images:
        return images

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
        used = {self._has(names) for names in (IMAGE_COLUMNS, LABEL_COLUMNS, CAPTION_COLUMNS)}
        return [name for name in self._schema.names if name not in used and name not in self._attributes()]

    def _facts(self) -> Images:
        facts = unknown(self._names())
        if column := self._has(LABEL_COLUMNS):
            everywhere = [value for file in self.beside for value in _column(file, column)]
            names = known_names(self.folder).get(column) or self._declared(column)
            label, classes = number(self._values(column), everywhere, names, f"{self.files[0].parent}, column {column}")
            facts = replace(facts, label=label, classes=classes)
        if column := self._has(CAPTION_COLUMNS):
            facts = replace(facts, captions=[_texts(value) for value in self._values(column)])
        attributes = self._attributes()
        values = [[-1 if v is None else int(v) for v in self._values(name)] for name in attributes]
        table = np.array(values, np.int64).reshape(len(attributes), len(facts.names)).T
        if ((table < -1) | (table > 1)).any():
            raise Refusal(f"{self.files[0]}: an attribute's value is neither 1, 0, -1 nor null")
        return replace(facts, attribute=table.astype(np.int8), attributes=tuple(attributes))

    @cached_property
    def _schema(self) -> Any:
        schema = _open(self.files[0]).schema_arrow
        if why := _lacking(schema):
            raise Refusal(f"{self.files[0]}: {why}; it has {', '.join(schema.names)}")
        return schema

    def _has(self, columns: tuple[str, ...]) -> str | None:
        return next((name for name in columns if name in self._schema.names), None)

    def _values(self, column: str) -> list[Any]:
        return [value for file in self.files for value in _column(file, column)]

    def _names(self) -> list[str]:
        """The pictures' own paths where every row has one, else file and row."""
        image = self._schema.field(self._has(IMAGE_COLUMNS)).type
        if str(image).startswith("struct") and any(part.name == "path" for part in image):
            paths = [row and row["path"] for row in self._values(f"{self._has(IMAGE_COLUMNS)}.path")]
            if all(paths):
                return [clean(path) for path in paths]
        return [f"{file.name}:{row}" for file in self.files for row in range(_open(file).metadata.num_rows)]

    def _attributes(self) -> list[str]:
        listed = known_names(self.folder).get("attributes", [])
        if absent := [name for name in listed if name not in self._schema.names]:
            raise Refusal(f"{self.folder / 'names.json'}: attribute {absent[0]} is not a column of {self.files[0]}")
        return [field.name for field in self._schema if str(field.type) == "bool" or field.name in listed]

    def _declared(self, column: str) -> list[str] | None:
        """Class names in the schema's metadata."""
        try:
            names = json.loads(self._schema.metadata[b"huggingface"])["info"]["features"][column]["names"]
            return [str(name) for name in names]
        except (KeyError, TypeError, ValueError):
            return None


def lacks_images(file: Path) -> str:
    """Why a file holds no pictures, in words; "" where it has a column of them. Raises Refusal for a damaged file."""
    return _lacking(_open(file).schema_arrow)


def _lacking(schema: Any) -> str:
    import pyarrow.types as kinds

    for name in IMAGE_COLUMNS:
        if name in schema.names:
            kind = schema.field(name).type
            listed = kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind)
            return f"lists of pictures in the column {name}, expected one picture a row" if listed else ""
    if "images" in schema.names:
        return "no column image, but images, which may hold several a row: expected one picture a row, in image"
    return "no column image"


def _open(file: Path) -> Any:
    """Raises Refusal for what is not Parquet, or not whole."""
    import pyarrow
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file, memory_map=True)
    except (pyarrow.ArrowException, OSError) as error:
        raise Refusal(f"{file}: not a whole Parquet file ({str(error).splitlines()[0]})") from error


def _column(file: Path, column: str) -> list[Any]:
    import pyarrow

    parquet = _open(file)
    if column.split(".")[0] not in parquet.schema_arrow.names:
        raise Refusal(f"{file}: no column {column}, but the files beside it have one")
    try:
        values: list[Any] = parquet.read(columns=[column]).column(0).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise Refusal(f"{file}: damaged, get it again ({str(error).splitlines()[0]})") from error
    return values


def _texts(value: Any) -> list[str]:
    """One text, several or none."""
    texts = [value] if isinstance(value, str) else value or []
    return [str(text) for text in texts if text]
