"""What a person takes along of a selection: a table, or a folder of the images."""

import os
import shutil
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from latelier.data.sources.matching import source_parts
from latelier.errors import Refusal
from latelier.explore.opened_run import OpenedRun
from latelier.slices import Slices
from latelier.storage import files

BLOCK = 16  # files a slice
HOWS = ("copies", "links")


def table(opened: OpenedRun, rows: np.ndarray) -> str:
    """A CSV of names and labels: the data's, those given on the page and what the light classifier guesses; no cell is
    a formula to a spreadsheet."""
    number, classes, _ = opened.bench.book.numbers()
    learned = opened.light.known()
    lines = [
        [
            str(opened.shown.names[row]),
            opened.label(f"d{row}"),
            classes[number[row]] if number[row] >= 0 else "",
            learned.classes[learned.predicted[row]] if learned is not None and learned.predicted[row] >= 0 else "",
        ]
        for row in rows.tolist()
    ]
    return files.csv_text(["file", "label", "given", "guess"], lines)


def folder(opened: OpenedRun, rows: np.ndarray, name: str, how: str) -> Slices[dict[str, object]]:
    """A folder beside the labels, with a copy of each image or a link to it, by its name in the data; images that are
    no files are written as the model sees them. Raises Refusal where that cannot be written."""
    if how not in HOWS:
        raise Refusal(f'a selection is taken along as {" or ".join(HOWS)}, but got "{how[:40]}"')
    base = Path(source_parts(opened.shown.source)[0])
    into = opened.bench.book.path.parent / f"selection-{name}-{how}"
    for done, row in enumerate(rows.tolist()):
        with files.refusing(into):
            _put(opened, base, into, row, how)
        if done % BLOCK == 0:
            yield done / len(rows)
    return {"folder": str(into), "count": len(rows)}


def _put(opened: OpenedRun, base: Path, into: Path, row: int, how: str) -> None:
    parts = [part for part in PurePosixPath(str(opened.shown.names[row])).parts if part not in ("/", "..", ".")]
    origin, target = base.joinpath(*parts), into.joinpath(*parts)
    real = origin.is_file() and len(parts) == len(PurePosixPath(str(opened.shown.names[row])).parts)
    if not real:
        target = target.with_name(f"{target.name}.png")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    if not real:
        pixels = opened.pixels(f"d{row}")
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(target)
    elif how == "links":
        os.symlink(origin.resolve(), target)
    else:
        shutil.copyfile(origin, target)
