"""Short loss curves that stay what they are: a change that moves one is a mistake, or a line in the changelog.

After such a line, ``pytest tests/golden --renew`` writes the curves anew.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from latelier.data.attributes import with_attributes
from latelier.data.batches import Batches
from latelier.data.sources.open import open_images
from latelier.data.subsets import hide_labels
from latelier.engine.loop import train
from latelier.engine.plan import Plan
from latelier.runs.building import assemble
from latelier.training.supervision import shares

HERE = Path(__file__).parent
STEPS, BATCH, EVERY = 30, 16, 5
MLP = {"net": "mlp", "net.widths": (32,), "latent": 8}
DECONV = {"maps": (8, 10), "kernels": (3, 2), "pools": (2,)}
DRAWN = {**DECONV, "pooling": "drawn", "estimator": "score", "likelihood": "gaussian"}
DRAWN |= {"likelihood.sigma": 0.3, "likelihood.floor": 0.05}
CLASSES = tuple("0123456789")
SLOW = {"optimiser.rate": 1e-5}  # batch norm over 16 cells magnifies rounding
GAME = {**SLOW, "critic.optimiser.rate": 1e-5}
ALONE = {**GAME, "noise": 0.1, "cycle": (0.0,), "paired": False, "critic.r1": 0.0, "critic.r2": 0.0}  # the sources'
HIERARCHY = {**ALONE, "levels": (8, 16), "net": "table", "net.width": 0.125, "critic.norm": "weight"}
SLOPES = {"critic.r1": 0.1, "critic.r2": 0.1, "critic.unit": "one", "critic.share": 1.0}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {  # name -> method, its settings, the plan's
    "ali": ("ali", {**ALONE, "latent": 16, "net": "strided", "net.channels": 8, "net.hidden": 32}, {}),
    "ali-paired": (
        "ali",
        {**ALONE, "latent": 8, "net": "dense", "net.widths": (32,), "net.norm": "none", "paired": True, **SLOPES},
        {},
    ),
    "autoencoder": ("autoencoder", {}, {}),
    "autoencoder-denoising": (
        "autoencoder",
        MLP | {"code": "sigmoid", "error": "cross-entropy", "corruption": "masking", "dropout": 0.25},
        {"parts": 2},
    ),
    "autoencoder-gradient": ("autoencoder", MLP | {"penalty": "gradient"}, {"rate": 1e-3}),
    "autoencoder-layerwise": ("autoencoder", MLP | {"layerwise": 0.5}, {}),
    "hali": ("hali", HIERARCHY, {}),
    "infogan": ("infogan", {}, {"rate": 1e-5}),
    "introvac": ("introvac", {"latent": 8, "width": 0.25, "attributes": CLASSES, **SLOW}, {"decay": "steps"}),
    "introvae": ("introvae", {"latent": 8, "width": 0.25, "margin": 10.0, "weight_rec": 0.05, **SLOW}, {}),
    "ksparse": ("ksparse", {"widths": (32, 16), "k": (5,), "start": 10, "revive": 0.1}, {}),
    "classifier": ("classifier", {}, {"decay": "cosine"}),
    "dgdn": ("dgdn", DRAWN, {"rate": 1e-3, "clip": 50.0}),
    "dgdn-relaxed": ("dgdn", DRAWN | {"estimator": "relaxed"}, {"rate": 1e-3}),
    "dgdn-svm": ("dgdn", DRAWN | {"head": "bayesian_svm"}, {"rate": 1e-3}),
    "dgdn-exact": ("dgdn", DECONV | {"nonlinearity": "relu", "norm": "group"}, {"rate": 1e-3}),
    "cvae": ("cvae", MLP | {"features": 16}, {"rate": 1e-3}),
    "m1m2": ("m1m2", MLP | {"features": 16, "above": 4, "top.widths": (16,)}, {"rate": 1e-3}),
    "m2": ("m2", MLP | {"features": 16}, {"rate": 1e-3}),
    "patchvae": ("patchvae", {"parts": 4, "appearance": 3, "warmup": 240, **SLOW}, {}),
    "patchvae-foreground": ("patchvae", {"parts": 4, "reconstruction": "foreground", **SLOW}, {}),
    "vae": ("vae", {"optimiser.rate": 1e-3}, {}),
    "vae-resnet": ("vae", {"net": "resnet", "net.channels": (8, 16), "optimiser.rate": 1e-3}, {"clip": 50.0}),
    "vae-beta": ("vae", MLP | {"penalty.weight": 4, "penalty.warmup": 240}, {"rate": 1e-3}),
    "vae-adagrad": ("vae", MLP | {"optimiser.kind": "adagrad", "optimiser.rate": 0.01}, {}),
    "vae-capacity": ("vae", MLP | {"penalty": "capacity", "penalty.over": 480}, {"rate": 1e-3, "warmup": 160}),
    "vae-dip": ("vae", MLP | {"penalty": "dip"}, {"rate": 1e-3}),
    "vae-factor": ("vae", MLP | {"penalty": "factor"}, {"rate": 1e-3}),
    "vae-iwae": ("vae", MLP | {"objective": "iwae"}, {"rate": 1e-3}),
    "vae-mmd": ("vae", MLP | {"penalty": "mmd"}, {"rate": 1e-3}),
    "vae-gaussian": ("vae", MLP | {"likelihood": "gaussian"}, {"rate": 1e-3}),
    "vae-gaussian-fixed": ("vae", MLP | {"likelihood": "gaussian", "likelihood.learned": False}, {"rate": 1e-3}),
    "vae-tc": ("vae", MLP | {"penalty": "tc"}, {"rate": 1e-3}),
    "vae-vamp": ("vae", MLP | {"prior": "vamp", "prior.components": 10}, {"rate": 1e-3}),
    "vae-resnet9": ("vae", {"net": "resnet9", "likelihood": "squared", **SLOW}, {}),
    "vae-softmax": ("vae", MLP | {"head": "softmax"}, {"rate": 1e-3}),
    "vq": ("vq", {"codes": 16, "net.channels": (8,), "net.width": 8, "net.blocks": 1}, {"rate": 1e-3}),
}


def curve(folder: Path, method: str, settings: dict[str, Any], plan: dict[str, Any]) -> list[dict[str, float]]:
    """Means of each term over five steps at a time: real digits, five labels a class, fp32."""
    images = with_attributes(hide_labels(open_images("digits"), per_class=5, seed=0))
    torch.manual_seed(0)
    model, _ = assemble(method, images.shape, images.classes, settings)
    batches = Batches(images, BATCH, seed=0, device=torch.device("cpu"), **shares(model))
    records: list[dict[str, Any]] = []
    whole = Plan(total=STEPS * BATCH, batch=BATCH, log_every=EVERY * BATCH, save_every=10**9, **plan)
    train(model.to(memory_format=torch.channels_last), batches, whole, folder, {}, show=records.append)
    terms = [record["terms"] for record in records if "terms" in record]  # a remark has none
    return [{name: float(f"{value:.7g}") for name, value in one.items()} for one in terms]


@pytest.mark.parametrize("name", CASES)
def test_the_curve_is_what_it_was(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    found, path = curve(tmp_path, *CASES[name]), HERE / f"{name}.json"
    if request.config.getoption("--renew", default=False):
        path.write_text(json.dumps(found, indent=1) + "\n")
    kept = json.loads(path.read_text())
    assert len(found) == len(kept) == STEPS // EVERY
    for number, (now, before) in enumerate(zip(found, kept, strict=True), 1):
        # Other instruction sets (SSE4.1, AVX2 for AVX-512) and two threads strayed by 2e-6 at most.
        assert now == pytest.approx(before, rel=1e-4, abs=1e-5), (
            f"{name}: the losses have moved by {number * EVERY} steps. Undo what moved them; change a curve only with "
            "a line in CHANGELOG.md that says what moved and why, by: pytest tests/golden --renew"
        )


def test_every_curve_belongs_to_a_case() -> None:
    assert {path.stem for path in HERE.glob("*.json")} == {*CASES, "recipes"}
