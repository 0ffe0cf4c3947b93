"""What grows with the number of images: packs of 10^3 to 10^7 rows, and folders of 1,000 to 100,000 files.

    python benchmarks/scale.py [--src OTHER/src] [--rows 1000,...] [--files 1000,...] [--captions] [--place FOLDER]

Packs have rows of 4x4x1 pixels, a class and a name, and with ``--captions`` a caption each. They are made directly,
without image files; folders hold PNG files of one pixel in ten class folders, and are packed before. Each row of the
tables is measured in a fresh process:

| column | what |
|---|---|
| open s | to open the pack, the imports done before |
| MB | peak memory of that process then, and, of it, what stood there after the imports |
| batch ms | from the opened pack to the first batch of 128, torch imported before |
| at us | ``Order.at`` for a batch of 128: mean of 2,000 in a row |
| jump ms | the same at a position of another epoch |
| order MB | by how much the peak grew over these two |
| first, again, one more | processor seconds to open a folder, a packed one, and one to which a file has come |
| again s | seconds of the second |

``--src`` is another checkout's. ``--place`` is where packs and folders are made and removed, by default a temporary
folder: 10^7 rows take 1 GB there, and 100,000 files 1 GB.
"""

import argparse
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

ROWS, FILES = "1000,10000,100000,1000000,10000000", "1000,10000,100000"
BATCH, BATCHES = 128, 2_000


def peak() -> float:
    """MB of memory that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def images_of(count: int, captions: bool) -> Any:
    """The content of a pack."""
    from dataclasses import replace

    from latelier.data.packing.plan import unknown

    facts = replace(
        unknown([f"part-{row // 10_000:04}/{row:08}.jpg" for row in range(count)]),
        pixels=np.random.default_rng(0).integers(0, 256, (count, 4, 4, 1), np.uint8),
        label=np.arange(count, dtype=np.int64) % 10,
        classes=tuple("abcdefghij"),
    )
    if not captions:
        return facts
    return replace(facts, captions=[(f"a thing of kind {row % 97} beside number {row}",) for row in range(count)])


def pack(count: int, captions: bool, place: Path, contents: Any) -> Any:
    """The opened pack; ``contents`` is called where it is not there."""
    from latelier.data.packing.pack import PackRequest, packed, sealed

    images = packed(["scale", count, captions], contents, PackRequest("scale", None, None, None), cache=place)
    return sealed(images, "scale", images)


def make(count: int, captions: bool, place: Path) -> dict[str, float]:
    start = time.perf_counter()
    pack(count, captions, place, lambda: images_of(count, captions))
    return {"make s": time.perf_counter() - start, "make MB": peak()}


def opening(count: int, captions: bool, place: Path) -> dict[str, float]:
    import latelier.data.packing.pack  # noqa: F401, imports are not measured

    before, start = peak(), time.perf_counter()
    images = pack(count, captions, place, None)
    assert len(images) == count
    assert images.names[count - 1].endswith(f"{count - 1:08}.jpg")
    return {"open s": time.perf_counter() - start, "MB": peak(), "imports MB": before}


def batches(count: int, captions: bool, place: Path) -> dict[str, float]:
    import torch

    from latelier.data.batches import Batches

    torch.set_num_threads(1)
    images = pack(count, captions, place, None)
    start = time.perf_counter()
    found = Batches(images, BATCH, seed=0, device=torch.device("cpu"))
    assert len(found.at(0).image) == min(BATCH, count) or count < BATCH
    first, before = time.perf_counter() - start, peak()
    order = found._all
    start = time.perf_counter()
    for step in range(BATCHES):
        order.at(step * BATCH, BATCH)
    mean = (time.perf_counter() - start) / BATCHES
    start = time.perf_counter()
    order.at(7 * count + count // 2, BATCH)
    jump = time.perf_counter() - start
    return {"batch ms": 1e3 * first, "at us": 1e6 * mean, "jump ms": 1e3 * jump, "order MB": peak() - before}


def png(value: int) -> bytes:
    """A PNG file of one grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes([0, value % 256]), 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def folder(count: int, place: Path) -> Path:
    """Class folders of this many files."""
    path = place / f"files-{count}"
    for number in range(10):
        (path / f"kind-{number}").mkdir(parents=True)
    for row in range(count):
        (path / f"kind-{row % 10}" / f"{row:08}.png").write_bytes(png(row))
    return path


def starting(path: Path, place: Path) -> dict[str, float]:
    from latelier.data.sources.open import open_images

    before, start, used = peak(), time.perf_counter(), sum(os.times()[:4])
    open_images(path, cache=place)
    seconds = time.perf_counter() - start
    return {"s": seconds, "processor s": sum(os.times()[:4]) - used, "MB": peak(), "imports MB": before}


def fresh(src: str, *words: str) -> dict[str, Any]:
    """What a process of its own measures."""
    environment = {**os.environ, "PYTHONPATH": src, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--one", *words]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def one(kind: str, what: str, place: str, captions: str = "") -> None:
    if kind == "start":
        found = starting(Path(what), Path(place))
    else:
        measure = {"make": make, "open": opening, "batches": batches}[kind]
        found = measure(int(what), bool(captions), Path(place))
    print(json.dumps(found))


def row(first: str, *cells: float) -> None:
    print(f"| {first} | " + " | ".join(f"{cell:,.3g}" if cell < 100 else f"{cell:,.0f}" for cell in cells) + " |")


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--src", default=str(Path(__file__).parents[1] / "src"))
    parser.add_argument("--rows", default=ROWS)
    parser.add_argument("--files", default=FILES)
    parser.add_argument("--captions", action="store_true")
    parser.add_argument("--place", default=None)
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="scale", dir=options.place))
    said = ["captions"] if options.captions else []
    try:
        if options.rows:
            print("| rows | open s | MB | imports MB | batch ms | at us | jump ms | order MB |")
            print("|---|---|---|---|---|---|---|---|")
        for count in filter(None, options.rows.split(",")):
            fresh(options.src, "make", count, str(place), *said)
            measured = fresh(options.src, "open", count, str(place), *said)
            measured |= fresh(options.src, "batches", count, str(place), *said)
            row(f"{int(count):,}", *measured.values())
            shutil.rmtree(place / "packs")
        if options.files:
            print(
                "\n| files | first | again s | again | again MB | imports MB | one more |\n"
                "|---|---|---|---|---|---|---|"
            )
        for count in filter(None, options.files.split(",")):
            path = folder(int(count), place)
            first = fresh(options.src, "start", str(path), str(place))
            again = fresh(options.src, "start", str(path), str(place))
            (path / "kind-0" / "more.png").write_bytes(png(7))
            more = fresh(options.src, "start", str(path), str(place))
            row(f"{int(count):,}", first["processor s"], *again.values(), more["processor s"])
            shutil.rmtree(path)
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
