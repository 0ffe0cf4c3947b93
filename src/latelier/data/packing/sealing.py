"""What stands in a pack beside its pixels is written, and summed up."""

import os
from pathlib import Path

import numpy as np

from latelier.data.images import Images
from latelier.data.packing.fill import Filled
from latelier.data.packing.fingerprint import fingerprint
from latelier.data.packing.info import CAPTIONS, FORMAT, INFO, NAMES, Array, FileSum, Info, file_names
from latelier.data.packing.known import PIXELS, SUMS
from latelier.data.packing.sums import block_sums, total
from latelier.data.rows import Absent, chosen
from latelier.data.texts import write_texts
from latelier.storage import json_records


def seal(part: Path, facts: Images, filled: Filled, source: str) -> None:
    """Writes all but pixels and origins, and sees to it that everything is on the disk."""
    rows = filled.kept
    truth = {name: np.ascontiguousarray(values[rows]) for name, values in facts.truth.items()}
    label, attribute = facts.label[rows], facts.attribute[rows]
    arrays = {"label": label, "attribute": attribute}
    for name, values in {**arrays, **{f"truth-{name}": values for name, values in truth.items()}}.items():
        np.save(part / f"{name}.npy", np.ascontiguousarray(values))
    captions = chosen(facts.captions, rows)
    captioned = not isinstance(captions, Absent) and any(captions)
    write_texts(part / NAMES, (facts.names[i] for i in rows), lists=False)
    if captioned:
        write_texts(part / CAPTIONS, captions, lists=True)
    lines = (f"{name}\t{reason}\n" for name, reason in filled.skipped)
    (part / "skipped.txt").write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    summed = (PIXELS, NAMES, *([CAPTIONS] if captioned else []))
    np.save(part / SUMS, np.concatenate([block_sums(part / name) for name in summed]))
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
        captioned=captioned,
        remarks=[*facts.remarks, *filled.remarks],
        skipped=[name for name, _ in filled.skipped],
        digest=filled.digest,
        known=fingerprint(filled.digest, label, attribute, captions, facts.classes, facts.attributes),
        files={},
    )
    for name in sorted(file_names(info)):
        length, found = total(part / name)
        info["files"][name] = FileSum(bytes=length, sum=found)
    json_records.write(part / INFO, info)
    for path in part.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
