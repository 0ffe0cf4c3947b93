"""latelier parts: write which parts occur where, as a table in a Parquet file."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latelier.terminal.say import say
from latelier.verbs.options import As, OptionalPlace, Place, Precision
from latelier.verbs.streaming import in_processes

if TYPE_CHECKING:
    from torch import Tensor

    from latelier.core import HasParts
    from latelier.data.images import Images
    from latelier.verbs.streaming import Block


@in_processes
def parts(
    run: Place,
    source: Place | None = None,
    *,
    out: OptionalPlace = "",
    least: float = 0.5,
    precision: Precision = "fp32",
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write which parts occur where in every image into a Parquet file.

    One row for each part and cell of an image with a probability of --least or more. Columns: file; part, row and
    column as int32, counted from 0, rows downwards on the model's grid of cells; probability as float32. Rows are in
    the order of the images, then of these columns. They are written as they come, and the same command goes on where
    it was interrupted. Returns the path. Raises Refusal (exit 2) for a model without parts.

    Parameters
    ----------
    run
        A run folder of a model that explains images by parts.
    source
        Images, as for train's --data. The default is the images that score measures on: the test split of what the run
        was trained on, or what it held out.
    out
        The Parquet file.
    least
        Leave out parts with a probability below this, from 0 to 1.
    precision
        fp32, or mixed precision in bf16: quicker, with two digits right; fp32 where the processor has no bfloat16.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.core import HasParts, has, need
    from latelier.core.lacking import methods
    from latelier.engine import parallel
    from latelier.errors import Refusal
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.terminal.tables import counted, number
    from latelier.verbs.streaming import Parquet, stream, task_of
    from latelier.verbs.writing import given, new_file

    if not 0 <= least <= 1:
        raise Refusal(f"--least takes a probability from 0 to 1, but got {least:g}")
    opened = open_run(run)
    if not has(opened.model, HasParts):
        able = ", ".join(methods(HasParts))
        said = f"{opened.folder} is a {opened.card.model}, which has no parts"
        raise Refusal(f"{said}; models that have: {able}; train one of those")
    model, out = need(opened.model, HasParts), new_file(given(out, "parts"), "--out", "codes")
    where, quiet = Where.of(data_root, download, as_), parallel.rank() > 0
    images = opened.splits(None, where).test if source is None else opened.images(source, where, quiet=quiet)
    task = task_of("parts, images", opened.model, images, opened.card.json(), least, precision)
    last = stream(Parquet(), out, task, len(images), partial(_blocks, model, images, least, precision), _merged)
    if last is None:  # process 0 says what was written
        return out
    rows, done = last["rows"], len(images)
    shown = counted(done, "image") if source else f"{counted(done, 'image')} ({images.source})"
    if rows:
        say(f"{out}: {counted(rows, 'row')}; parts occur in {last['images']:,} of {shown}")
    else:
        say(f"{out}: 0 rows; no part reaches {least:g} in {shown}, the highest probability is {number(last['peak'])}")
    return out


def _blocks(
    model: "HasParts",
    images: "Images",
    least: float,
    precision: str,
    start: int,
    stop: int,
    state: Mapping[str, Any],
) -> Iterator["Block"]:
    """The parts of the images [start, stop), as tables. The state: ``rows``, ``images`` with a part, and the
    highest probability, ``peak``."""
    from latelier.codes.rows import BLOCK, computes_in, device_of, up_to
    from latelier.core import Model
    from latelier.nets.eval_mode import evaluating
    from latelier.verbs.streaming import Block

    assert isinstance(model, Model)
    rows, shown, peak = state.get("rows", 0), state.get("images", 0), state.get("peak", 0.0)
    computing = computes_in(model, precision)
    for image in up_to(images, BLOCK, start, stop):
        with evaluating(model), computing():
            probability = model.parts(image.to(device_of(model))).occurrence.float().cpu()
        found = _table(probability, images.names[start : start + len(image)], least)
        peaks = probability.flatten(1).amax(1)
        shown, peak = shown + int((peaks >= least).sum()), max(peak, float(peaks.max()))
        start, rows = start + len(image), rows + len(found)
        yield Block(found, start, {"rows": rows, "images": shown, "peak": peak})


def _merged(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The state of all images that several states are of."""
    added = {name: sum(state[name] for state in states) for name in ("rows", "images")}
    return {**added, "peak": max(state["peak"] for state in states)}


def _schema() -> Any:
    import pyarrow as pa

    from latelier.data.sources.own import METADATA

    whole = [(name, pa.int32()) for name in ("part", "row", "column")]
    return pa.schema([("file", pa.string()), *whole, ("probability", pa.float32())], METADATA)


def _table(probability: "Tensor", names: Sequence[str], least: float) -> Any:
    """The pyarrow table of the occurrences [b, p, h, w] that reach ``least`` in images of these names."""
    import pyarrow as pa

    where = (probability >= least).nonzero()  # [n, 4], in order
    row, *places = where.T.numpy()
    return pa.table(
        [pa.array([str(names[i]) for i in row], pa.string()), *places, probability[tuple(where.T)].numpy()],
        schema=_schema(),
    )
