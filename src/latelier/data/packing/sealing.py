"""What stands in a pack beside its pixels is written, and summed up."""

import json
import os
from pathlib import Path

import numpy as np

from latelier.data.images import Images
from latelier.data.packing.fill import Filled
from latelier.data.packing.info import FORMAT, INFO, Array, FileSum, Info, file_names
from latelier.data.packing.known import PIXELS, SUMS
from latelier.data.packing.sums import block_sums, total
from latelier.storage import json_records


def seal(part: Path, facts: Images, filled: Filled, source: str) -> None:
    """Writes all but pixels and origins, and sees to it that everything is on the disk."""
    rows = filled.kept
    truth = {name: np.ascontiguousarray(values[rows]) for name, values in facts.truth.items()}
    arrays = {"label": facts.label[rows], "attribute": facts.attribute[rows]}
    for name, values in {**arrays, **{f"truth-{name}": values for name, values in truth.items()}}.items():
        np.save(part / f"{name}.npy", np.ascontiguousarray(values))
    told = {"names": [facts.names[i] for i in rows]}
    if any(facts.captions):
        told["captions"] = [list(facts.captions[i]) for i in rows]
    (part / "rows.json").write_text(json.dumps(told), encoding="utf-8")
    lines = (f"{name}\t{reason}\n" for name, reason in filled.skipped)
    (part / "skipped.txt").write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    np.save(part / SUMS, block_sums(part / PIXELS))
    info = Info(
        format=FORMAT,
        key=part.stem,
        source=source,
        made=filled.made,
        rows=len(rows),
        shape=np.load(part / PIXELS, mmap_mode="r").shape[1:],
        range=filled.span,
        classes=list(facts.classes),
        attributes=list(facts.attributes),
        factors=list(facts.factors),
        truth={name: Array(kind=values.dtype.str, shape=list(values.shape)) for name, values in truth.items()},
        remarks=[*facts.remarks, *filled.remarks],
        skipped=[name for name, _ in filled.skipped],
        digest=filled.digest,
        files={},
    )
    for name in sorted(file_names(info)):
        length, found = total(part / name)
        info["files"][name] = FileSum(bytes=length, sum=found)
    json_records.write(part / INFO, info)
    for path in part.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
