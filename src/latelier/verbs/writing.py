"""Shared code of the verbs that write files."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from latelier.storage.paths import place
from latelier.terminal.say import say
from latelier.verbs.options import Place

MOST = 1e6  # steps of an edit, either way
LONGEST = 200  # bytes of a name, of the 255 that a system takes
FORMATS = {"codes": ("Parquet", ".parquet"), "sheet": ("PNG", ".png"), "page": ("HTML", ".html", ".htm")}
TABLE = ("CSV", ".csv", ".txt")
OTHERS = ".npy .npz .pt .safetensors .h5 .arrow .feather .json .jsonl .tsv .xlsx .jpg .jpeg .gif .tif .webp .svg .pdf"
ENDINGS = {*OTHERS.split(), *TABLE[1:], *(ending for _, *own in FORMATS.values() for ending in own)}  # name a format

if TYPE_CHECKING:
    from torch import Tensor


def given(value: Place, verb: str, option: str = "--out") -> Place:
    """The value of an option of a verb. Raises Refusal if it was left out. The verbs check this, not the parser: a run
    that cannot do what is asked is refused first, before the user is asked for an output."""
    from latelier.errors import Refusal

    if value is None or not str(value):
        raise Refusal(f"{verb} lacks {option}; see latelier {verb} --help")
    return str(place(value, option)) if option == "--out" else value


def far(by: float | None) -> float | None:
    """How far an edit moves. Raises Refusal for anything but a number of steps."""
    from latelier.errors import Refusal

    if by is not None and not abs(by) <= MOST:
        raise Refusal(f"--by takes a number of steps, from -{MOST:g} to {MOST:g}, not {by:g}")
    return by


def new_folder(out: Place) -> Path:
    """The path. Raises Refusal for anything but a new or an empty folder."""
    from latelier.errors import Refusal
    from latelier.storage.folders import check_above, is_free

    path = Path(out)
    if not is_free(path):
        raise Refusal(f"--out {path} exists and is not an empty folder; name another")
    check_above(path, "--out")
    return path


def new_file(path: Place, option: str, like: str) -> Path:
    """The path of a file that may be written or overwritten: a new or empty file, or an earlier output of its kind
    (``like``, as ``own.written_as`` gives it). So neither the user's images and tables nor a run's own files are lost.
    Raises Refusal for any other file, and for a name that promises another format, before any work is done."""
    from latelier.data.sources.own import written_as
    from latelier.errors import Refusal
    from latelier.storage.folders import check_above

    found = place(path, option)
    if found.is_dir():
        raise Refusal(f"{option} {found} is a folder; name a file in it")
    if os.path.lexists(found) and not found.is_file():
        raise Refusal(f"{option} {found} is no file, and would be replaced by one; remove it, or name another place")
    if found.is_file() and found.stat().st_size and written_as(found) != like:
        raise Refusal(f"{option} {found} is there, and no earlier output of this kind: remove it, or name another")
    written, *endings = FORMATS.get(like, TABLE)
    if (ending := found.suffix.lower()) in ENDINGS and ending not in endings:
        raise Refusal(
            f"{option} {found} does not end in {endings[0]}, and is written as {written}; give a name that does"
        )
    check_above(found, option)
    return found


def write_table(out: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Writes a CSV file."""
    from latelier.storage import files

    files.write(out, files.csv_text(columns, rows))


def write_images(
    out: Path,
    table: str,
    names: Sequence[str],
    columns: Sequence[str],
    blocks: Iterable[tuple["Tensor", Sequence[Sequence[str]]]],
) -> None:
    """Writes blocks of images [b, c, h, w] as PNG files named after ``names``, and a CSV file with one row per image:
    file, image, and its cells from the block, one per column. Either all files are written or none. The folder is
    marked as latelier's own, so that a source around it does not take these files for the user's images."""
    from latelier.data.sources.own import mark
    from latelier.sheets.sheet import png
    from latelier.sheets.view import pixels
    from latelier.storage import files
    from latelier.storage.folders import filling
    from latelier.terminal.tables import counted

    rows: list[list[str]] = []
    with filling(out) as folder:
        mark(folder)
        for image, beside in blocks:
            for drawn, cells in zip(pixels(image), beside, strict=True):
                name = str(names[len(rows)])
                file = f"{len(rows):06d}-{_stem(name)}.png"
                files.write(folder / file, png(drawn, 6))
                rows.append([name, file, *cells])
        write_table(folder / table, ["file", "image", *columns], rows)
    say(f"{out}: {counted(len(rows), 'image')} and {table}")


def _stem(name: str) -> str:
    """The part of a file name that comes from an image's name: without characters that Windows forbids, and no longer
    than any system allows."""
    plain = re.sub(r'[<>:"|?*\\\x00-\x1f]', "_", Path(name).stem)
    encoded = os.fsencode(plain)
    return plain if len(encoded) <= LONGEST else encoded[:LONGEST].decode(errors="ignore")


def decibels(error: "Tensor") -> list[tuple[str]]:
    """The PSNR of mean squared errors [b], at most 100 dB, as rows of one cell."""
    from latelier.scores.reconstruction import psnr_of

    return [(f"{value:.2f}",) for value in psnr_of(error).tolist()]
