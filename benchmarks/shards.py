"""What streaming shards takes as their number grows, and what faults of a store cost.

    python benchmarks/shards.py [--images 1000] [--shards 10,100,1000,10000] [--laps 3]
    python benchmarks/shards.py --faults [--megabytes 4]

The first prints, for each number of tar files of 1,000 JPEG images of 64 px (one file under many names, with an index
beside them): seconds until the shards are listed and counted, and until the first batch of 128 is there; images/s of
the next 24,000; and peak MB of the process, with what it was before (torch and the sample). The second reads 20 shards
from an S3 server on this machine (moto) through one that fails; it prints seconds, requests for bytes, and how many
came as they are stored.
"""

import argparse
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
BATCH, SEEN = 128, 24_000
FAULTS = (
    ("none", {}),
    ("10 answers of 500", {"refuse": 10}),
    ("10 bodies cut in the middle", {"cut": 10}),
    ("5 bodies with a wrong byte", {"flip": 5}),
    ("0.2 s before each answer", {"delay": 0.2}),
    ("5 of each at once", {"refuse": 5, "cut": 5, "flip": 5}),
)


def shard(path: Path, images: int) -> None:
    """A tar file of JPEG images."""
    rng = np.random.default_rng(0)
    with tarfile.open(path, "w") as tar:
        for number in range(images):
            pixels = rng.integers(0, 256, (8, 8, 3), np.uint8)
            encoded = io.BytesIO()
            Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC).save(encoded, "JPEG")
            for ending, content in (("jpg", encoded.getvalue()), ("cls", str(number % 10).encode())):
                info = tarfile.TarInfo(f"{number:06d}.{ending}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


def stream(pattern: str) -> None:
    """Streams from a pattern, and prints what it took."""
    import torch

    from latelier.data.packing.decode import Target
    from latelier.data.packing.pool import cores
    from latelier.data.sources.counted import counts
    from latelier.data.sources.open import open_images, shards_of
    from latelier.data.streaming.batches import Streamed
    from latelier.data.streaming.shards import Shards

    like = open_images(pattern, sample=True)  # packed before: the same for any number of shards
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    of = shards_of(pattern)
    assert of is not None
    known = counts(of)
    listed = time.perf_counter() - began
    shards = Shards(of, known.images, like, Target(64, 64, 3, crop=True), lambda facts: facts, {})
    batches = Streamed(shards, BATCH, seed=0, device=torch.device("cpu"), threads=cores())
    began = time.perf_counter()
    batches.at(0)
    first = time.perf_counter() - began
    began = time.perf_counter()
    for position in range(BATCH, SEEN, BATCH):
        batches.at(position)
    speed = SEEN / (time.perf_counter() - began)
    batches.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([listed, first, speed, before, peak]))


def curve(numbers: list[int], images: int, laps: int) -> None:
    """The first table."""
    with tempfile.TemporaryDirectory() as place:
        one = Path(place) / "one.tar"
        shard(one, images)
        print(f"{images:,} images a shard, {one.stat().st_size / 1e6:.1f} MB; median of {laps} laps")
        for number in numbers:
            folder = Path(place) / str(number)
            folder.mkdir()
            names = [f"train-{i:06d}.tar" for i in range(number)]
            for name in names:
                os.link(one, folder / name)
            index = {"shardlist": [{"url": name, "nsamples": images} for name in names]}
            (folder / "shards.json").write_text(json.dumps(index))
            pattern = f"{folder}/train-{{000000..{number - 1:06d}}}.tar"
            command = [sys.executable, __file__, "--stream", pattern]
            environment = os.environ | {"LATELIER_CACHE": f"{place}/cache", "OMP_NUM_THREADS": "1"}
            found = []
            for lap in range(laps + 1):
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
                if lap:  # the first packs the sample
                    found.append(json.loads(done.stdout))
            listed, first, speed, before, peak = (statistics.median(column) for column in zip(*found, strict=True))
            print(
                f"{number:>6,} shards, {number * images:>11,} images: listed in {listed:.2f} s, first batch in "
                f"{first:.2f} s, {speed:,.0f} images/s, {peak:,.0f} MB ({before:,.0f} before)",
                flush=True,
            )


def faults(megabytes: int) -> None:
    """The second table."""
    sys.path.insert(0, str(ROOT / "tests"))
    from stores import Faults, filled, unreliable

    from latelier.data.remote.cache import Cache
    from latelier.data.remote.store import listed

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "files"
        folder.mkdir()
        rng = np.random.default_rng(0)
        for number in range(20):
            (folder / f"{number:02d}.tar").write_bytes(rng.bytes(megabytes << 20))
        with filled(folder, "images") as address, unreliable(address) as (between, served):
            keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
            os.environ.update(keys | {"AWS_ENDPOINT_URL": between})
            shards = listed("s3://images/{00..19}.tar")
            for name, fault in FAULTS:
                vars(served).update(vars(Faults()) | fault)
                cache = Cache(Path(place) / name)
                began = time.perf_counter()
                with ThreadPoolExecutor(8) as threads:
                    paths = list(threads.map(cache.local, shards))
                same = [path.read_bytes() == (folder / path.name).read_bytes() for path in paths]
                took = time.perf_counter() - began
                print(f"{name}: {took:.1f} s, {served.gets} requests, {sum(same)} of {len(same)} as stored", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--images", type=int, default=1000)
    options.add_argument("--shards", default="10,100,1000,10000")
    options.add_argument("--laps", type=int, default=3)
    options.add_argument("--faults", action="store_true")
    options.add_argument("--megabytes", type=int, default=4)
    options.add_argument("--stream", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.stream:
        stream(asked.stream)
    elif asked.faults:
        faults(asked.megabytes)
    else:
        curve([int(number) for number in asked.shards.split(",")], asked.images, asked.laps)


if __name__ == "__main__":
    main()
