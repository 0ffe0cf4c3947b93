"""latelier encode: write codes of images into a Parquet file."""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latelier.terminal.say import escaped, say
from latelier.verbs.options import As, OptionalPlace, Place, Precision
from latelier.verbs.streaming import in_processes

if TYPE_CHECKING:
    from latelier.codes.rows import Reads
    from latelier.core import Model
    from latelier.data.images import Images
    from latelier.verbs.streaming import Block


@in_processes
def encode(
    run: Place,
    source: Place,
    *,
    out: OptionalPlace = "",
    features: str | None = None,
    precision: Precision = "fp32",
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    r"""Write the code of every image into a Parquet file.

    Columns: file, then one column per latent dimension, as float32. The code is the posterior's mode, the same at
    every call. Rows are written as they come: memory does not grow with them, and the same command goes on where it was
    interrupted. Bytes of a file name that are not UTF-8 are written as escapes, e.g. \xe4. Returns the path. Raises
    Refusal (exit 2) for bad input.

    Parameters
    ----------
    run
        A run folder.
    source
        Images, as for train's --data.
    out
        The Parquet file.
    features
        Write the frozen activations at this depth of the trunk instead.
    precision
        fp32, or mixed precision in bf16: quicker, with two digits right; fp32 where the processor has no bfloat16.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.codes.rows import in_precision, reads
    from latelier.core import Encodes, Features, need
    from latelier.engine import parallel
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.terminal.tables import counted
    from latelier.verbs.streaming import Parquet, stream, task_of
    from latelier.verbs.writing import given, new_file

    opened = open_run(run)
    need(opened.model, Encodes if features is None else Features)
    out = new_file(given(out, "encode"), "--out", "codes")
    images = opened.images(source, Where.of(data_root, download, as_), quiet=parallel.rank() > 0)
    read = in_precision(opened.model, reads(opened.model, features), precision)
    task = task_of("encode", opened.model, images, opened.card.json(), features, precision)
    last = stream(Parquet(), out, task, len(images), partial(_blocks, opened.model, images, read, features))
    if last is None:  # process 0 says what was written
        return out
    say(f"{out}: {counted(len(images), 'row')} of {counted(last['numbers'], 'number')}")
    return out


def _blocks(
    model: "Model", images: "Images", read: "Reads", depth: str | None, start: int, stop: int, state: Mapping[str, Any]
) -> Iterator["Block"]:
    """Codes or features of the images [start, stop), as tables."""
    import pyarrow as pa

    from latelier.codes.rows import blocks_of, gathered
    from latelier.data.sources.own import METADATA
    from latelier.verbs.streaming import Block

    for rows in gathered(blocks_of(model, images, read, start=start, stop=stop)):
        done = start + len(rows)
        files = pa.array([escaped(str(name)) for name in images.names[start:done]], pa.string())
        columns = {"file": files, **dict(zip(_names(model, depth, rows.shape[1]), map(pa.array, rows.T), strict=True))}
        yield Block(pa.table(columns, metadata=METADATA), done, {"numbers": rows.shape[1]})
        start = done


def _names(model: "Model", depth: str | None, numbers: int) -> list[str]:
    """What the columns of numbers are called."""
    from latelier.codes.rows import tabled

    if depth is not None:
        return [f"{depth}[{i}]" for i in range(numbers)]
    shapes = {name: model.latents[name].shape for name in tabled(model)}
    return [f"{name}[{i}]" for name, shape in shapes.items() for i in range(math.prod(shape))]
