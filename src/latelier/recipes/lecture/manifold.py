"""Lecture, Kingma & Welling's figure 4: the learned manifold of a two-number code (MNIST).

latelier reproduce lecture/manifold --data-root DIR
"""

from latelier.bench import Bench, Job, Result
from latelier.sheets import draw_sheet

DATA = "mnist"
HOURS = "~0.1"
STATE = "drawn; as published"
SETTINGS = {
    "net": "mlp",
    "net.widths": (500,),
    "net.activation": "tanh",
    "net.decoder_activation": "tanh",
    "latent": 2,
}
TRAINING = {"batch": 100, "rate": 1e-3, "decay": "cosine", "precision": "bf16"}
EPOCHS = 30


def reproduce(bench: Bench) -> Result:
    """Linearly spaced coordinates through the inverse of the normal distribution function."""
    run = bench.train(Job("manifold", "vae", epochs=EPOCHS, settings=SETTINGS, training=TRAINING))
    test = bench.splits(run).test
    sheet = draw_sheet("manifold", run.view(test, f"VAE with two latents on {test.source}"))
    return Result("The manifold of a two-number code", sheet=sheet)
