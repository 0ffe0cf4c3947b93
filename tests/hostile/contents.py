"""What files may hold that is not what they are for, by kind of file; and where files of that kind lie."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image


def _png() -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(sink, "png")
    return sink.getvalue()


PNG = _png()
ODD_TEXTS = {
    "empty": b"",
    "nul": bytes(64),
    "bytes": b"\xff\xfe\xfd",
    "utf-16": "file,label\n000.png,cat\n".encode("utf-16"),
    "png": PNG,
}
IMAGES = {
    **ODD_TEXTS,
    "text": b"no image\n",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>',
    "head": PNG[:20],
    "bomb": PNG[:16] + b"\0\1\0\0\0\1\0\0" + PNG[24:],
    "nothing": PNG[:16] + bytes(8) + PNG[24:],
    "bmp": b"BM" + b"\xff" * 60,
    "gif": b"GIF89a" + b"\xff" * 20,
    "tiff": b"II*\0\x08\0\0\0\xff\xff",
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(20),
    "webp": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "zip": b"PK\3\4" + bytes(30),
}
del IMAGES["png"]
JSON = {
    **ODD_TEXTS,
    "cut": b'{"a": [1, ',
    "list": b"[]",
    "null": b"null",
    "number": b"1e999",
    "text": b'"\\u001b[2J"',
    "other": b'{"\\u001b[2J": {"x": [null]}}',
    "deep": b"[" * 100_000,
    "deeper": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "surrogate": b'{"z": "\\ud800"}',
    "huge": b'{"z": ' + b"9" * 5_000 + b"}",
}
CODES = {
    **{
        name: json.dumps({"z": value}).encode()
        for name, value in {
            "none": None,
            "number": 1,
            "text": "0.5",
            "few": [1],
            "many": [1, 2, 3],
            "nested": [[1, 2]],
            "ragged": [1, [2]],
            "nan": [float("nan"), 0],
            "infinite": [float("inf"), 0],
            "large": [1e300, 0],
            "whole": [10**400, 0],
            "dict": {"0": 1, "1": 2},
            "texts": ["a", "b"],
            "nothing": [None, 1],
            "lists": [[], []],
            "named": {"x": {"y": [1]}},
            "far": [[[[[[1]]]]]],
        }.items()
    },
    "lacks": b"{}",
    "strange": b'{"z": [0, 1], "\\u001b[2J": [1]}',
}
TABLES = {
    **ODD_TEXTS,
    "lines": b"\n\n\n",
    "header": b"image_name,kind\n000.png,cat\n",
    "twice": b"file,label,label\n000.png,cat,cat\n",
    "few": b"file,label\n000.png\n",
    "many": b"file,label\n000.png,cat,dog\n",
    "quote": b'file,label\n"000.png,cat\n001.png,dog\n',
    "nowhere": b"file,label\nnowhere.png,cat\n",
    "both": b"file,label\n000.png,cat\n000.png,dog\n",
    "escape": b"file,label\n000.png,\x1b[2J\n001.png,dog\n",
    "long": b"file,label\n000.png," + b"x" * 200_000 + b"\n001.png,dog\n",
    "json": b'[{"file": "000.png", "label": "cat"}]\n',
}
ATTRIBUTES = {
    **{name: table.replace(b"label", b"big") for name, table in TABLES.items() if name not in ("header",)},
    **{
        name: f"file,big\n000.png,{value}\n001.png,0\n".encode()
        for name, value in {
            "two": "2",
            "half": "0.5",
            "word": "large",
            "infinite": "inf",
            "hex": "0x1",
            "list": '"[1]"',
            "formula": "=1+1",
        }.items()
    },
}
CAPTIONS = {
    name: table.replace(b"label", b"caption")
    for name, table in TABLES.items()
    if name not in ("both", "long", "escape")
}
GIVEN = {name: table.replace(b"label", b"class") for name, table in TABLES.items()}
PRIORS = {
    **{name: table.replace(b"file", b"class").replace(b"label", b"share") for name, table in TABLES.items()},
    **{
        name: f"class,share\ncat,{value}\ndog,0.5\n".encode()
        for name, value in {
            "nan": "nan",
            "infinite": "inf",
            "below": "-1",
            "text": "half",
            "blank": "",
            "1e400": "1e400",
            "hex": "0x1",
        }.items()
    },
    "nothing": b"class,share\ncat,0\ndog,0\n",
    "one": b"class,share\ncat,1\n",
    "more": b"class,share\ncat,1\ndog,1\nbird,1\n",
}
TENSORS = {
    **ODD_TEXTS,
    "short": b"\x08\0\0\0",
    "beyond": b"\xff" * 8 + b"{}",
    "terabyte": (1 << 40).to_bytes(8, "little") + b"{}",
    "list": (2).to_bytes(8, "little") + b"[]",
    "no note": (2).to_bytes(8, "little") + b"{}",
    "outside": (59).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,99]}}    ',
    "other note": (48).to_bytes(8, "little") + b'{"__metadata__":{"latelier":"{\\"model\\": []}"}}  ',
    "pickle": b"\x80\x04cos\nsystem\n(S'touch ran'\ntR.",
}
NAMES = {
    **{name: content for name, content in JSON.items() if name not in ("other", "surrogate", "huge")},
    "number": b'{"label": 5}',
    "one": b'{"label": ["cat"]}',
    "dict": b'{"label": {"cat": 0}}',
    "escape": b'{"label": ["\\u001b[2J", "dog"]}',
    "word": b'{"attributes": "big"}',
    "absent": b'{"attributes": ["nowhere"]}',
    "lists": b'{"attributes": [["big"]]}',
}
COLUMNS: dict[str, dict[str, list[Any]]] = {
    "no image": {"label": [0, 1]},
    "numbers": {"image": [1, 2]},
    "lists": {"image": [[1], [2]]},
    "nothing": {"image": [None, None]},
    "no bytes": {"image": [{"bytes": None, "path": "/etc/passwd"}, {"bytes": None, "path": "../x"}]},
    "no rows": {"image": [], "label": []},
    "label list": {"image": [PNG, PNG], "label": [[0], [1]]},
    "label dict": {"image": [PNG, PNG], "label": [{"a": 0}, {"a": 1}]},
    "label half": {"image": [PNG, PNG], "label": [0.5, 1.0]},
    "label infinite": {"image": [PNG, PNG], "label": [float("inf"), 1.0]},
    "label escape": {"image": [PNG, PNG], "label": ["\x1b[2J", "dog"]},
    "caption number": {"image": [PNG, PNG], "caption": [5, 6]},
    "caption dict": {"image": [PNG, PNG], "caption": [{"a": 1}, {"a": 2}]},
}
BESIDE = {  # of an image in a tar: ending -> content
    "list": {"json": b"[1]"},
    "cut": {"json": b"{"},
    "deep": {"json": b"[" * 100_000},
    "captions": {"json": b'{"captions": 5}'},
    "label list": {"json": b'{"label": [1]}'},
    "label dict": {"json": b'{"label": {"a": 1}}'},
    "label half": {"json": b'{"label": 0.5}'},
    "bytes": {"txt": b"\xff\xfe"},
    "nul": {"cls": b"\0"},
    "escape": {"cls": b"\x1b[2J"},
    "huge": {"cls": b"9" * 30},
    "caption": {"json": b'{"caption": {"a": 1}}'},
}


def parquet(path: Path, columns: dict[str, list[Any]]) -> None:
    pq.write_table(pa.table(columns), path)


def tar(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as shard:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            shard.addfile(member, io.BytesIO(content))


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
