"""t-SNE of a table, by openTSNE in a process of its own, which ends with the process that began it.

    python -m latelier.explore.tsne ROWS NUMBERS

The table comes on stdin, float32 in little-endian order; stdin then stays open for as long as the result is wanted.
Each line on stdout is the share that is done, from 0 to 1; the last is "done", and the places follow, float32 [n, 2] in
the same order.
"""

import os
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

LONG = 50  # numbers a row beyond which principal components take their place, as is usual before t-SNE
NEAREST = 15  # that each row is kept near to; a perplexity of 30, of 90 neighbours, takes .7 times as long again
FEWEST = 8  # rows that have a neighbourhood at all
EARLY, LATE = 250, 500  # steps: with exaggeration, then without
STEP = 25  # between two shares
SIMILAR = 0.25  # of the whole: finding neighbours
SMALL = 3000  # rows up to which one thread looks at every pair (two would wait for each other), and pulls less
THREADS = 2
CELL = 2  # side of a cell between points that are far apart; 1 takes four times as long in the end, and shows no more
DONE = b"done\n"


def main() -> None:
    """Reads, places and writes."""
    if hasattr(os, "nice"):
        os.nice(5)  # the page's own answers go first
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints comes between
    shape = int(sys.argv[1]), int(sys.argv[2])
    rows = np.frombuffer(source.read(4 * shape[0] * shape[1]), "<f4").reshape(shape)
    threading.Thread(target=_wanted, args=(source,), daemon=True).start()

    def progress(share: float) -> None:
        sink.write(f"{share:.3f}\n".encode())
        sink.flush()

    place = tsne(rows, progress)
    sink.write(DONE)
    sink.write(place.astype("<f4").tobytes())
    sink.flush()
    os._exit(0)  # without waiting for the thread that reads


def tsne(rows: np.ndarray, progress: Callable[[float], None]) -> np.ndarray:
    """float32 [n, d], n of ``FEWEST`` at least -> float32 [n, 2]; the same always. ``progress`` hears the share that is
    done."""
    from openTSNE import TSNEEmbedding, affinity, initialization

    progress(0.0)
    if rows.shape[1] > LONG:
        from sklearn.decomposition import PCA

        rows = PCA(min(LONG, len(rows)), random_state=0).fit_transform(rows)
    threads, method, pull = (1, "bh", 4) if len(rows) <= SMALL else (THREADS, "fft", 12)
    near = affinity.Uniform(rows, min(NEAREST, (len(rows) - 1) // 3), n_jobs=threads, random_state=0)
    place = TSNEEmbedding(
        initialization.pca(rows, random_state=0),
        near,
        negative_gradient_method=method,
        ints_in_interval=CELL,
        n_jobs=threads,
        random_state=0,
    )
    progress(SIMILAR)
    for step in range(0, EARLY + LATE, STEP):
        early = step < EARLY
        place = place.optimize(STEP, exaggeration=pull if early else 1, momentum=0.5 if early else 0.8, inplace=True)
        progress(SIMILAR + (1 - SIMILAR) * (step + STEP) / (EARLY + LATE))
    return np.asarray(place, np.float32)


def _wanted(source: BinaryIO) -> None:
    """Ends the process once the other end is closed."""
    while source.read(1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
