"""Lecture, Zhao et al.'s figure 1: the densities of codes and of reconstructions for two images, ELBO beside MMD.

    latelier reproduce lecture/two-points

Nothing is trained: both objectives are minimised exactly. The source does not state its decoder's sd; .3 is used here.
"""

from latelier.bench import Bench, Result
from latelier.objectives.two_points import solve
from latelier.sheets.two_points import draw_two_points

DATA = "digits"  # not read
HOURS = "0"
STATE = "exact; nothing is trained"
SIGMA = 0.3


def reproduce(bench: Bench) -> Result:
    """Where each objective puts the codes."""
    optima = {"ELBO": solve(sigma=SIGMA, alpha=0, weight=1), "MMD, 1000": solve(sigma=SIGMA, alpha=1, weight=1000)}
    rows = [[name, f"{q.m:.3f}", f"{q.s:.3f}", f"{q.mass():.4f}"] for name, q in optima.items()]
    columns = ("objective", "m", "s", "mass in |z| < 1/4 (prior .1974)")
    return Result("Two images", columns, rows, draw_two_points(SIGMA))
