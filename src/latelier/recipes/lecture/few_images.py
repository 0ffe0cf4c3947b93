"""Lecture, Zhao et al.'s figure 5: ELBO beside MMD (InfoVAE, lambda 1000) after training on 500 images (MNIST).

    latelier reproduce lecture/few-images --data-root DIR

Published are images: the ELBO's samples are far poorer than its reconstructions of training images; MMD's are
alike. The gap between codes and prior beside them is ours. As in the source's script: five latents, a Gaussian
decoder whose sd is learned.
"""

import numpy as np
import torch

from latelier.bench import Bench, Job, Result
from latelier.codes.rows import device_of
from latelier.core import Decodes, Encodes, Samples, need
from latelier.data.subsets import fewer
from latelier.nets.eval_mode import evaluating
from latelier.scores.record import run_scores
from latelier.sheets.figures import side_by_side
from latelier.sheets.view import pixels

DATA = "mnist"
HOURS = "~0.1"
STATE = "measured; as published"
IMAGES = 500
SETTINGS = {"latent": 5, "likelihood": "gaussian", "net": "conv", "net.channels": (32, 64)}
PENALTIES = {"ELBO": {}, "MMD": {"penalty": "mmd", "penalty.weight": 1000.0}}
TRAINING = {"batch": 100, "rate": 1e-3, "images": IMAGES}
EPOCHS = 600  # of the 500
SHOWN = 64


def reproduce(bench: Bench) -> Result:
    """The two models differ in their penalty alone."""
    runs = {
        name: bench.train(Job(name, "vae", epochs=EPOCHS, settings={**SETTINGS, **penalty}, training=TRAINING))
        for name, penalty in PENALTIES.items()
    }
    bands, rows = [], []
    for name, run in runs.items():
        splits = bench.splits(run)
        learned = splits.fit.floats(fewer(np.arange(len(splits.fit)), min(IMAGES, len(splits.fit)), 0)[:SHOWN]).to(
            device_of(run.model)
        )
        generator = torch.Generator(device_of(run.model)).manual_seed(0)
        encoder, decoder = need(run.model, Encodes), need(run.model, Decodes)
        with evaluating(run.model):
            again = decoder.decode(encoder.encode(learned).mode())
            drawn = decoder.decode(need(run.model, Samples).sample_prior(SHOWN, generator))
        bands.append({f"{name}: training images again": pixels(again), f"{name}: drawn from the prior": pixels(drawn)})
        values = run_scores(run.model, splits, ["prior_gap", "reconstruction"])
        gap, error = values[0]["values"], values[1]["values"]
        seen = float((again - learned).square().flatten(1).sum(1).mean())
        unseen = error["MSE per pixel value"] * learned[0].numel()
        rows.append([name, f"{seen:.1f}", f"{unseen:.1f}", f"{gap['MMD^2']:.3f}"])
    columns = ("objective", "squared error, learned", "squared error, test", "MMD^2 of codes from the prior")
    footer = f"Mean images after training on {IMAGES} images: what {SHOWN} of them become, and draws from the prior."
    return Result("500 images: ELBO beside MMD", columns, rows, side_by_side("ELBO beside MMD", bands, footer))
