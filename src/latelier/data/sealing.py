"""What stands in a pack beside its pixels is written, and summed up."""

import json
import os
from pathlib import Path

import numpy as np

from latelier.data.fill import Filled
from latelier.data.images import Images
from latelier.data.info import FORMAT, INFO, Info, file_names, sealed_text
from latelier.data.known import PIXELS, SUMS
from latelier.data.sums import block_sums, total


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
    (part / "rows.json").write_text(json.dumps(told))
    lines = (f"{name}\t{reason}\n" for name, reason in filled.skipped)
    (part / "skipped.txt").write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    np.save(part / SUMS, block_sums(part / PIXELS))
    info = Info(
        format=FORMAT,
        key=part.stem,
        source=source,
        made=filled.made,
        rows=len(rows),
        shape=list(np.load(part / PIXELS, mmap_mode="r").shape[1:]),
        classes=list(facts.classes),
        attributes=list(facts.attributes),
        factors=list(facts.factors),
        truth={name: [values.dtype.str, list(values.shape)] for name, values in truth.items()},
        remarks=[*facts.remarks, *filled.remarks],
        skipped=[name for name, _ in filled.skipped],
        digest=filled.digest,
        range=None if filled.span is None else list(filled.span),
        files={},
    )
    info["files"] = {name: list(total(part / name)) for name in sorted(file_names(info))}
    (part / INFO).write_text(sealed_text(info))
    for path in part.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
