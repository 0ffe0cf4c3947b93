"""latelier encode: write codes of images into a Parquet file."""

import math
from pathlib import Path

from latelier.terminal.say import escaped, say
from latelier.verbs.options import As, Asked, Place


def encode(
    run: Place,
    source: Place,
    *,
    out: Asked = "",
    features: str | None = None,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    r"""Write the code of every image into a Parquet file.

    Columns: file, then one column per number of the code, as float32. The code is the posterior's mode, the same at
    every call. Bytes of a file name that are not UTF-8 are written as escapes, e.g. \xe4. Returns the path. Raises
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
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from latelier.codes.rows import codes, tabled
    from latelier.codes.rows import features as features_of
    from latelier.core import Encodes, Features, need
    from latelier.data.sources.own import METADATA
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.storage import files
    from latelier.terminal.tables import counted
    from latelier.verbs.writing import given, new_file

    opened = open_run(run)
    need(opened.model, Encodes if features is None else Features)
    out = new_file(given(out, "encode"), "--out", "codes")
    images = opened.images(source, Where.of(data_root, download, as_))
    if features is None:
        rows = codes(opened.model, images)
        shapes = {name: opened.model.latents[name].shape for name in tabled(opened.model)}
        names = [f"{name}[{i}]" for name, shape in shapes.items() for i in range(math.prod(shape))]
    else:
        rows = features_of(opened.model, images, features)
        names = [f"{features}[{i}]" for i in range(rows.shape[1])]
    columns = {
        "file": pa.array([escaped(str(name)) for name in images.names]),
        **dict(zip(names, map(pa.array, rows.T), strict=True)),
    }
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, metadata=METADATA), sink)
    files.write(out, sink.getvalue().to_pybytes())
    say(f"{out}: {counted(len(rows), 'row')} of {counted(len(names), 'number')}")
    return out
