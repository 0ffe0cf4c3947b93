"""latelier neighbours: write which images are most like one, by their codes, as a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from latelier.terminal.say import say
from latelier.verbs.options import As, OptionalPlace, Place, Whole, check_whole

if TYPE_CHECKING:
    import numpy as np

    from latelier.core import Model
    from latelier.data.images import Images

MOST = 1_000_000  # images asked for


def neighbours(
    run: Place,
    source: Place,
    *,
    query: OptionalPlace = "",
    out: OptionalPlace = "",
    count: Annotated[Whole, Parameter(name=("--count", "-n"))] = 20,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Write which images are most like one into a CSV file: query, rank, file, distance.

    The distance is Euclidean, between most likely codes; all images are compared, none approximately. Rank 1 is the
    nearest. An image of SRC that is itself the query is not among them. Returns the path. Raises Refusal (exit 2) for
    bad input.

    Parameters
    ----------
    run
        A run folder of a model that encodes.
    source
        Images, as for train's --data.
    query
        An image file, or the name of an image of SRC as tables have it in their column file.
    out
        The CSV file.
    count
        How many images; fewer if there are fewer.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    import numpy as np

    from latelier.codes.rows import blocks_of, codes, reads
    from latelier.core import Encodes, need
    from latelier.learners.neighbours import nearest_among
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.terminal.tables import counted
    from latelier.verbs.writing import given, new_file, write_table

    check_whole("--count", count, MOST)
    opened = open_run(run)
    need(opened.model, Encodes)
    wanted = str(given(query, "neighbours", "--query"))
    out = new_file(given(out, "neighbours"), "--out", "query,rank,file,distance")
    code = _read(opened.model, wanted)
    images = opened.images(source, Where.of(data_root, download, as_))
    place = _named(images, wanted) if code is None else -1
    code = codes(opened.model, images.take(np.array([place]))) if code is None else code
    near, away = nearest_among(blocks_of(opened.model, images, reads(opened.model)), code, count + 1)
    found = [(row, far) for row, far in zip(near[0].tolist(), away[0].tolist(), strict=True) if row != place][:count]
    table = ([wanted, str(n), str(images.names[row]), f"{far:.6g}"] for n, (row, far) in enumerate(found, 1))
    write_table(out, ("query", "rank", "file", "distance"), table)
    say(f"{out}: {counted(len(found), 'image')} of {len(images):,}, nearest first")
    return out


def _read(model: "Model", query: str) -> "np.ndarray | None":
    """float32 [1, d], the code of an image file; None where there is no file of that name. Raises Refusal for a file
    that is no image."""
    import torch

    from latelier.codes.rows import device_of, reads
    from latelier.data.images import to_float
    from latelier.data.packing import single
    from latelier.errors import Refusal
    from latelier.nets.eval_mode import evaluating
    from latelier.storage.paths import place

    path = place(query, "--query")
    if path.is_dir():
        raise Refusal(f"--query {query} is a folder; name an image file, or an image of SRC")
    if not path.exists():
        return None
    if not path.is_file():
        raise Refusal(f"--query {query} is no file; name an image file, or an image of SRC")
    try:
        pixels = single.seen(single.read(path.read_bytes()), model.image)
    except Refusal as reason:
        raise Refusal(f"--query {query}: {reason}") from None
    with evaluating(model):
        image = to_float(torch.from_numpy(pixels[None].copy())).to(device_of(model))
        code: np.ndarray = reads(model)(image).cpu().numpy()
    return code


def _named(images: "Images", name: str) -> int:
    """The row of that name. Raises Refusal where there is none."""
    from latelier.errors import Refusal

    for row, one in enumerate(images.names):
        if str(one) == name:
            return row
    raise Refusal(f"--query {name} is neither a file nor an image of {images.source}; name one of them")
