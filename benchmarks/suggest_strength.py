"""Which strength of logistic regression suits few labels on codes, and which scale of the codes.

    python benchmarks/suggest_strength.py --data-root DATA --out OUT [--sets digits,mnist] [--codes vae,pca]

Mean errors in percent over ten draws of labels at random, on the codes that suggest.py keeps in OUT. One thread, a
minute for each set beside the training of its codes.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from suggest import BUDGETS, SETS, Codes, codes_of

from latelier.learners import regression

GRID = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)  # C


def strengths(here: Codes) -> str:
    """Mean error in percent of random labels by C, a line for each number of labels, on codes of one scale and on those
    of a scale for each number."""
    lines = []
    for kind in ("one scale", "a scale each"):
        spread = here.rows.std(0) if kind == "a scale each" else np.sqrt(here.rows.var(0).mean())
        rows, test = (codes / np.maximum(spread, 1e-6) for codes in (here.rows, here.test))
        for budget in BUDGETS:
            chosen = [np.random.default_rng(seed).permutation(len(rows))[:budget] for seed in range(10)]
            wrong = [[strayed(rows[some], here.label[some], c, test, here.truth) for c in GRID] for some in chosen]
            lines.append(f"| {kind} | {budget} | {' | '.join(f'{value:.1f}' for value in np.mean(wrong, 0))} |")
    head = f"| codes | labels | {' | '.join(f'C = {c}' for c in GRID)} |"
    return "\n".join([head, "|---" * (2 + len(GRID)) + "|", *lines])


def strayed(rows: np.ndarray, label: np.ndarray, c: float, test: np.ndarray, truth: np.ndarray) -> float:
    """The error in percent of what these rows teach."""
    return 100 * float((regression.fit(rows, label, c).predict(test) != truth).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--codes", default="vae,pca")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.sets.split(","):
        for kind in arguments.codes.split(","):
            print(
                f"\n{name}, {kind}\n{strengths(codes_of(arguments.out, arguments.data_root, name, kind))}", flush=True
            )


if __name__ == "__main__":
    main()
