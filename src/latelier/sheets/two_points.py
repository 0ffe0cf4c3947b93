"""Where the ELBO and InfoVAE put the codes of two images, x = 1 and x = -1 (Zhao et al. 2019, figure 1)."""

from math import pi, sqrt

import numpy as np

from latelier.objectives.two_points import Encoder, solve
from latelier.sheets.plot import blank, light, rendered
from latelier.sheets.sheet import Panel, compose

RED, GREEN, PURPLE = "#d62728", "#2ca02c", "#7d3fb2"
STEPS = 2001  # of z, over +-4


def draw_two_points(sigma: float = 0.3, weight: float = 1000.0) -> np.ndarray:
    """uint8 [H, W, 3]: densities of codes above, of reconstructions below; the ELBO left, InfoVAE with alpha = 1 and
    ``weight`` = lambda right, each at its exact optimum. ``sigma`` is the sd of the decoder."""
    optima = {
        "ELBO": solve(sigma=sigma, alpha=0, weight=1),
        f"InfoVAE, MMD, \N{GREEK SMALL LETTER LAMDA} = {weight:,.0f}": solve(sigma=sigma, alpha=1, weight=weight),
    }
    figure = blank(11, 7)
    panels = figure.subplots(2, 2, sharex="row", sharey="row")
    z, x = np.linspace(-4, 4, STEPS), np.linspace(-1.8, 1.8, 901)
    for column, (name, q) in enumerate(optima.items()):
        codes, drawn = panels[0, column], panels[1, column]
        codes.set_title(f"{name}: m = {q.m:.3f}, s = {q.s:.3f}", fontsize=11, parse_math=False)
        laws = {1: normal(z, q.m, q.s), -1: normal(z, -q.m, q.s), 0: normal(z, 0, 1)}
        for about, colour in ((1, RED), (-1, GREEN), (0, PURPLE)):
            codes.plot(z, laws[about], color=colour, label=f"q(z | x = {_signed(about)})" if about else "prior p(z)")
        for about, colour in ((1, GREEN), (-1, RED), (0, PURPLE)):
            label = f"z from q(z | x = {_signed(about)})" if about else "z from the prior"
            drawn.plot(x, reconstruction(x, z, laws[about], q, sigma), color=colour, label=label)
        codes.set_xlabel("code z")
        drawn.set_xlabel("image x")
        for panel in (codes, drawn):
            light(panel)
            panel.legend(frameon=False, fontsize=9)
    panels[0, 0].set_ylabel("density of codes")
    panels[1, 0].set_ylabel("density of p(x | z)")
    masses = " and ".join(f"{q.mass():.3f}" for q in optima.values())
    footer = (
        f"The data are two images, 1 and \N{MINUS SIGN}1; q(z | x) = N(mx, s\N{SUPERSCRIPT TWO}), the decoder is "
        f"Gaussian with sd {sigma:g} and its best mean, tanh(mz / s\N{SUPERSCRIPT TWO}), and m and s are at the exact "
        f"optimum. Of the codes, {masses} lie within 1/4 of 0, where the prior has {Encoder(0, 1).mass():.3f}. Below: "
        "what is decoded; colours as in the source, where red and green change places."
    )
    return compose(
        "Two images: codes and reconstructions under the ELBO and InfoVAE", [[Panel(rendered(figure))]], footer
    )


def normal(x: np.ndarray, mean: float | np.ndarray, sd: float) -> np.ndarray:
    """N(x; mean, sd^2)."""
    density: np.ndarray = np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * sqrt(2 * pi))
    return density


def reconstruction(x: np.ndarray, z: np.ndarray, law: np.ndarray, q: Encoder, sigma: float) -> np.ndarray:
    """[points of x]: the density of x decoded from codes whose density is ``law`` on the even grid z."""
    share = law / law.sum()
    decoded: np.ndarray = normal(x[:, None], np.tanh(q.m * z / q.s**2), sigma) @ share
    return decoded


def _signed(number: int) -> str:
    return str(number).replace("-", "\N{MINUS SIGN}")
