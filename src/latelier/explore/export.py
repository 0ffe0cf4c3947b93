"""What a person takes along of a selection: a table, or a folder of the images."""

import os
import shlex
import shutil
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from latelier.data.sources.matching import source_parts
from latelier.errors import Refusal
from latelier.explore import trainings
from latelier.explore.opened_run import OpenedRun
from latelier.slices import Slices
from latelier.storage import files

BLOCK = 16  # files a slice
HOWS = ("copies", "links")
CELLS = {1: "1", 0: "0", -1: ""}  # of a table of attributes


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
    """The folder that ``put`` fills, and the command that trains on it."""
    into = yield from put(opened, rows, name, how)
    words = trainings.on_folder(opened, into, trainings.free(opened, trainings.SELECTED))
    return {"folder": str(into), "count": len(rows), "command": shlex.join(["latelier", *words])}


def put(opened: OpenedRun, rows: np.ndarray, name: str, how: str) -> Slices[Path]:
    """A folder beside the labels, with a copy of each image or a link to it, by its name in the data, and with a
    labels.csv and an attributes.csv where such are known, so that it can be trained on; images that are no files are
    written as the model sees them. Raises Refusal where that cannot be written."""
    if how not in HOWS:
        raise Refusal(f'a selection is taken along as {" or ".join(HOWS)}, but got "{how[:40]}"')
    base = Path(source_parts(opened.shown.source)[0])
    into = opened.bench.book.path.parent / f"selection-{name}-{how}"
    names = dict[int, str]()
    for done, row in enumerate(rows.tolist()):
        with files.refusing(into):
            names[row] = _put(opened, base, into, row, how).relative_to(into).as_posix()
        if done % BLOCK == 0:
            yield done / len(rows)
    known, attributes = _classes(opened, rows), opened.columns.attributes()
    _write(into / "labels.csv", ["file", "label"], [[names[row], known[row]] for row in known])
    sides = [opened.columns.attribute(one)[rows].tolist() for one in attributes]
    lines = [[names[row], *(CELLS[side[i]] for side in sides)] for i, row in enumerate(rows.tolist())]
    _write(into / "attributes.csv", ["file", *attributes], [line for line in lines if any(line[1:])])
    return into


def _write(path: Path, columns: list[str], lines: list[list[str]]) -> None:
    """Nothing where nothing is known; one of an earlier time is removed then."""
    if lines:
        files.write(path, files.csv_text(columns, lines))
    else:
        with files.refusing(path):
            path.unlink(missing_ok=True)


def _classes(opened: OpenedRun, rows: np.ndarray) -> dict[int, str]:
    """Row -> class: those given on the page or, where none of these images was given one, the data's."""
    number, classes, _ = opened.bench.book.numbers()
    given = {row: classes[number[row]] for row in rows.tolist() if number[row] >= 0}
    return given or {row: label for row in rows.tolist() if (label := opened.label(f"d{row}"))}


def _put(opened: OpenedRun, base: Path, into: Path, row: int, how: str) -> Path:
    """The file that it wrote."""
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
    return target
