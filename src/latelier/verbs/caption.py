"""latelier caption: write a caption for every image as a table."""

import csv
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latelier.terminal.say import say
from latelier.verbs.options import As, OptionalPlace, Place, Precision, Seed, Whole, check_whole
from latelier.verbs.streaming import in_processes

if TYPE_CHECKING:
    from latelier.core import Model
    from latelier.data.images import Images
    from latelier.verbs.streaming import Block

MOST = 10_000  # captions, draws and words
MANY = 100_000  # distinct captions up to which they are counted
COLUMNS = ("file", "caption", "log probability")
Options = tuple[int, int | None, int, int, str]  # beam, draws, longest, seed, precision


@in_processes
def caption(
    run: Place,
    source: Place,
    *,
    out: OptionalPlace = "",
    beam: Whole = 5,
    draws: Whole | None = None,
    longest: Whole = 30,
    seed: Seed = 0,
    precision: Precision = "fp32",
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write a caption for every image into a CSV file: file, caption, log probability.

    The log probability is in nats, of the caption and its end. Without that column the file can stand beside the
    images as their captions.csv; with it, it counts as written by latelier and is not read. Rows are written as they
    come, and the same command goes on where it was interrupted. Returns the path. Raises Refusal (exit 2) for a run
    without a caption head.

    Parameters
    ----------
    run
        A run folder, trained with --set caption=gru or caption=lstm.
    source
        Images, as for train's --data.
    out
        The CSV file.
    beam
        Captions kept at each word; 1 takes the most likely word each time.
    draws
        Samples of each image's code, over which the captions' probabilities are averaged; 0 for the most likely code
        alone. By default 0, but 50 for dgdn trained with --set pooling=drawn.
    longest
        Largest number of words in a caption.
    seed
        Seed of the samples.
    precision
        fp32, or mixed precision in bf16: quicker, with two digits right; fp32 where the processor has no bfloat16.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.core import Captions, has, need
    from latelier.engine import parallel
    from latelier.errors import Refusal
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.storage.files import parts_cells
    from latelier.verbs.streaming import Csv, stream, task_of
    from latelier.verbs.writing import given, new_file

    for option, value, least in (("--beam", beam, 1), ("--draws", draws, 0), ("--longest", longest, 1)):
        check_whole(option, value, MOST, least)
    opened = open_run(run)
    if not has(opened.model, Captions):
        raise Refusal(f"{run} cannot write: train it on images with captions and --set caption=gru")
    out = new_file(given(out, "caption"), "--out", "file,caption,log probability")
    images = opened.images(source, Where.of(data_root, download, as_), quiet=parallel.rank() > 0)
    table = Csv(COLUMNS, any(map(parts_cells, (*map(str, images.names), *need(opened.model, Captions).words()))))
    options = (beam, draws, longest, seed, precision)
    task = task_of("caption", opened.model, images, opened.card.json(), *options)
    last = stream(table, out, task, len(images), partial(_blocks, opened.model, images, options))
    if last is None:  # process 0 says what was written
        return out
    distinct = _distinct(out)
    say(f"{out}: {last['captions']:,} captions, {'over ' if distinct > MANY else ''}{min(distinct, MANY):,} distinct")
    return out


def _blocks(
    model: "Model", images: "Images", options: Options, start: int, stop: int, state: Mapping[str, Any]
) -> Iterator["Block"]:
    """Captions of the images [start, stop), as rows. The state: how many. Draws are a function of the seed and of where
    a block begins, in any process."""
    import torch

    from latelier.codes.rows import device_of
    from latelier.data.seeds import mix
    from latelier.scores.captioning import writing
    from latelier.verbs.streaming import Block

    beam, draws, longest, seed, precision = options
    generator = torch.Generator(device_of(model)).manual_seed(mix(seed, start))
    for texts, scores in writing(model, images, beam, draws, generator, longest, start, stop, precision):
        done = start + len(texts)
        rows = [
            (str(name), *row) for name, *row in zip(images.names[start:done], texts, map(_said, scores), strict=True)
        ]
        yield Block(rows, done, {"captions": done})
        start = done
        generator.manual_seed(mix(seed, start))


def _said(score: float) -> str:
    return f"{score:.3f}"


def _distinct(out: Path) -> int:
    """How many different captions the file has; ``MANY`` + 1 of more than ``MANY``, which are not counted."""
    found = set[str]()
    with open(out, encoding="utf-8", errors="surrogateescape", newline="") as file:
        for row in csv.DictReader(file):
            found.add(row["caption"])
            if len(found) > MANY:
                break
    return len(found)
