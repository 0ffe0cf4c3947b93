"""Whether each latent dimension stands for one known factor of the images: beta-VAE, FactorVAE, MIG, DCI and SAP."""

import numpy as np
from torch import Generator

from latelier.codes.rows import codes, some
from latelier.core import Encodes, Model
from latelier.data.factors import known_factors
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.scores.common import Splits, factors_of
from latelier.scores.factors.groups import DEAD, GROUP, POINTS, beta_vae, factor_vae
from latelier.scores.factors.information import BINS, mig
from latelier.scores.factors.known import Known
from latelier.scores.factors.prediction import TREES, VALUES, dci, sap

needs = (Encodes,)
NEEDS_FACTORS = True
LIMIT = 10_000
FIT_ROWS = 10_000
PROTOCOL = (
    "Of the most likely codes, against the levels of the factors known of every image; all between 0 and 1, 1 best. "
    f"What learns does so on at most {FIT_ROWS:,} training images and is measured on test images. beta-VAE: a logistic "
    f"regression (C = 1, converged) names the factor that pairs share, from |z1 - z2| averaged over "
    f"{GROUP} pairs of the data set, standardised; {POINTS} such points a factor and split. FactorVAE: groups of "
    f"{GROUP} images that share a factor's level vote for the latent of least variance relative to all images, a "
    f"majority table of training groups names the factor; {POINTS} groups a factor and split; latents under "
    f"{DEAD:.0%} of the largest latent variance have no vote. Chance of both is 1 / factors. MIG: latents cut into "
    f"{BINS} equal parts of their range; gap of the two largest mutual informations with a factor over its entropy, "
    f"mean over factors; test images alone. DCI: importances in {TREES} extremely randomised trees a factor, each leaf "
    "of at least a tenth of a level's weight: fast, and blind to noise that boosted trees, which others use, split on, "
    f"so its values are the higher ones; an exact code reaches 0.97 or more; they learn from at most {VALUES:,} "
    "values of codes. SAP: gap of the two latents that predict a factor best, each by thresholds halfway between its "
    "means at the levels. Skill, behind SAP and DCI informativeness, is balanced accuracy scaled so that chance is 0: "
    "(accuracy - 1 / K) / (1 - 1 / K) for K levels; published SAP, without that scale, ends at 1 - 1 / K. Chance of "
    "MIG, SAP and DCI informativeness is near 0; that of DCI disentanglement and completeness is 0.03 and 0.02 for 32 "
    "latents and 15 factors of 10 levels, 0.08 and 0.05 for 100 latents, 0.51 and 0.22 for 1,000: do not compare codes "
    "of different width by these. Of a single factor, as a class, there are MIG and SAP alone."
)


def score(model: Model, data: Splits, generator: Generator) -> dict[str, float]:
    """The measures, and how many factors and latents they are over. Raises Refusal where no factor varies."""
    data = data._replace(fit=some(data.fit, FIT_ROWS, 0))
    names = factors_of(data)
    if not names:
        source = data.test.source or "these images"
        raise Refusal(f"disentanglement: no known factor of {source} varies among those measured; give more of them")
    fit, test = known(model, data.fit, names), known(model, data.test, names)
    values = {"factors": float(len(names)), "latents": float(test.codes.shape[1])}
    values |= {"MIG": mig(*test), "SAP": sap(fit, test)}
    if len(names) == 1:
        return values
    seed = generator.initial_seed() % 2**32
    values["beta-VAE"] = beta_vae(fit, test, np.random.default_rng([seed, 1]))
    values["FactorVAE"] = factor_vae(fit, test, np.random.default_rng([seed, 2]))
    return values | {f"DCI {name}": value for name, value in dci(fit, test, seed)._asdict().items()}


def known(model: Model, images: Images, names: tuple[str, ...]) -> Known:
    """Codes of the images beside the levels of those factors, in that order."""
    all_names, levels = known_factors(images)
    return Known(codes(model, images), levels[:, [all_names.index(name) for name in names]])
