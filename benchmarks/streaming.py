"""How much memory verbs that write tables take over many images, and how long.

    python benchmarks/streaming.py [--images 1000000] [--verbs encode,classify] [--src OTHER/src]

CPU seconds, peak MB of the process and MB of the table, of each verb over drawn noise of 8 x 8 px in a memory map, in a
process of its own, by a vae with 64 numbers a code and a label head of ten classes; before it the same over the first
10,000. Pixels come from the map in place of a source, so that no decoding is measured. ``--src`` is another checkout's.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FEW = 10_000
TRAIN = "train vae --data digits --labels 20 --steps 20 --quiet --set net=mlp net.widths=64 latent=64 --out"
ENDINGS = {"encode": "parquet", "classify": "csv"}
CHILD = """
import sys
import numpy as np
import latelier
from latelier.data.images import Images
from latelier.runs.run import Run

pixels, verb, run, out = np.load(sys.argv[1], mmap_mode="r")[: int(sys.argv[2])], *sys.argv[3:]
n = len(pixels)
data = Images(pixels, np.full(n, -1), np.zeros((n, 0), np.int8), [()] * n, [f"{i:08}.png" for i in range(n)],
              tuple("0123456789"), source="map", fingerprint="map")
Run.images = lambda self, *more, **options: data
getattr(latelier, verb)(run, "map", out=out)
"""


def lap(words: list[str], src: str) -> tuple[float, float]:
    """CPU seconds and peak MB."""
    environment = {**os.environ, "PYTHONPATH": src, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, *words], env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words[:2])} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    import numpy as np

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--verbs", default=",".join(ENDINGS))
    parser.add_argument("--src", default=str(Path(__file__).parents[1] / "src"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        pixels = np.random.default_rng(0).integers(0, 256, (arguments.images, 8, 8, 1), np.uint8)
        np.save(f"{place}/pixels.npy", pixels)
        lap(["-m", "latelier", *TRAIN.split(), f"{place}/run"], arguments.src)
        for verb in arguments.verbs.split(","):
            for n in (FEW, arguments.images):
                out = Path(place) / f"{verb}{n}.{ENDINGS[verb]}"
                seconds, peak = lap(
                    ["-c", CHILD, f"{place}/pixels.npy", str(n), verb, f"{place}/run", str(out)], arguments.src
                )
                size = f"a table of {out.stat().st_size >> 20:,} MB"
                print(f"{verb:9} {n:10,} images {seconds:7.1f} CPU s {peak:6.0f} MB; {size}", flush=True)


if __name__ == "__main__":
    main()
