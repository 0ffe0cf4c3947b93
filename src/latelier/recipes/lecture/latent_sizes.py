"""Lecture, Kingma & Welling's figure 5: samples by latent size (MNIST).

    latelier reproduce lecture/latent-sizes --data-root DIR

Published are images alone; the objective beside them is ours.
"""

from latelier.bench import Bench, Job, Result
from latelier.core import Decodes, Samples, need
from latelier.sheets.figures import side_by_side
from latelier.sheets.view import pixels

DATA = "mnist"
HOURS = "~0.2"
STATE = "measured; published are images"
SIZES = (2, 5, 10, 20)
NET = {"net": "mlp", "net.widths": (500,), "net.activation": "tanh", "net.decoder_activation": "tanh"}
TRAINING = {"batch": 100, "rate": 1e-3, "decay": "cosine", "precision": "bf16"}
EPOCHS = 30
SHOWN = 100


def reproduce(bench: Bench) -> Result:
    """Four models of one hidden layer of 500 units, as in the source."""
    import torch

    jobs = [Job(f"{size} numbers", "vae", "likelihood", 0, EPOCHS, {**NET, "latent": size}, TRAINING) for size in SIZES]
    measured = bench.measure(jobs)
    samples = {}
    for job in jobs:
        run = bench.train(job)
        generator = torch.Generator(next(run.model.parameters()).device).manual_seed(0)
        with torch.no_grad():
            code = need(run.model, Samples).sample_prior(SHOWN, generator)
            samples[job.row] = pixels(need(run.model, Decodes).decode(code))
    bound = next(iter(measured[jobs[0].row][0]))  # grey pixels under coins: -(cross-entropy + KL), which bounds nothing
    rows = [[row, f"{values[0][bound]:.1f}"] for row, values in measured.items()]
    footer = f"{SHOWN} mean images a model, decoded from codes drawn at random from the prior; none chosen by hand."
    sheet = side_by_side("Samples by the size of the code", [samples], footer)
    return Result("VAE on MNIST by latent size", ("code", f"{bound}, test images"), rows, sheet)
