"""Every value of a method, written out: what recipes, benchmarks and the demo train with, whatever the defaults are.

Defaults of ``latelier train`` and of a method's ``Config`` serve a person with a folder, and may change. A published
comparison may not: what its own file does not say stands here, as the method's source has it or as it was when the
comparison was made (docs/models says which). A value that stands in neither is an error, never a default.
"""

from typing import Any

TRAINING: dict[str, Any] = {  # arguments of latelier.train
    "batch": 128,
    "seed": 0,
    "size": None,
    "channels": None,
    "range": None,  # that of the pictures
    "images": None,
    "labels": None,
    "labels_file": None,
    "prior": None,  # even
    "captions": None,
    "from_run": None,
    "shift": 0,
    "flip": False,
    "affine": 0.0,
    "cutout": 0.0,
    "colour": 0.0,
    "rate": None,  # each player's own
    "warmup": 0,
    "decay": "none",
    "clip": None,
    "ema": None,
    "precision": "fp32",
    "validation": 0.0,
    "monitor": None,  # the method's own
    "patience": None,
    "save_every": None,  # 20 saves in the run
}
KINDS: dict[str, dict[str, Any]] = {  # what a field can be, by the name that --set takes
    "additive": {"sd": 0.3},
    "bernoulli": {},
    "beta": {"weight": 1.0, "warmup": 0},
    "capacity": {"weight": 1000.0, "nats": 25.0, "over": 1_000_000},
    "clean": {},
    "compact": {"channels": 32, "hidden": 256, "slope": 0.2},
    "conv": {"channels": (), "hidden": 256, "activation": "relu", "up": "transposed", "stem": 0, "norm": "none"},
    "critic": {
        "norm": "none",
        "dropout": 0.0,
        "r1": 0.0,
        "r2": 0.0,
        "unit": "one",
        "share": 1.0,
        "optimiser.rate": 1e-3,
    },
    "dense": {"widths": (1024, 1024), "slope": 0.2, "norm": "batch", "waves": 0.0},
    "deterministic": {},
    "em": {"decay": 0.98},
    "foreground": {},
    "gaussian": {"sigma": 0.1, "learned": True, "floor": 0.01},
    "gibbs": {"sweeps": 200, "burn": 300, "kept": 100},
    "gradient": {},
    "image": {"weight": 1.0, "optimiser.rate": 1e-4, "optimiser.betas": (0.5, 0.999)},
    "joint": {"share": 0.0},
    "masking": {"share": 0.2},
    "mcem": {"sweeps": 100, "burn": 40, "kept": 20},
    "mlp": {"widths": (1200, 1200), "activation": "relu", "decoder_activation": "tanh"},
    "mmd": {"alpha": 1.0, "weight": 1000.0, "prior": 200},
    "off": {},
    "optimiser": {"kind": "adam", "rate": 1e-3, "betas": (0.9, 0.999), "weight_decay": 0.0},
    "pooled": {"channels": (96, 48, 48)},
    "relaxed": {},
    "resnet": {"channels": (32, 64, 128, 128), "blocks": 1},
    "resnet9": {},
    "score": {"hidden": 100, "decay": 0.8, "optimiser.rate": 2e-4},
    "squared": {},
    "stochastic": {},
    "strided": {"channels": 64, "hidden": 1024, "slope": 0.2},
    "table": {"width": 1.0, "slope": 0.02, "norm": "batch"},
    "temperature": {"start": 1.0, "anneal": 3e-5, "floor": 0.1},
    "twostep": {"share": 0.5},
    "valid": {"slope": 0.02},
}
GAME: dict[str, Any] = {
    "game": "on",
    "cycle": (0.0,),  # of ALICE, and of none of the sources
    "paired": False,
    "noise": 0.1,
    "spread": 0.05,
    "first_sd": 0.15,
    "optimiser.rate": 3e-4,
    "optimiser.betas": (0.5, 0.999),
    "critic.optimiser.betas": (0.5, 0.999),
}
ATTRIBUTES: dict[str, Any] = {
    "latent": 256,
    "width": 1.0,
    "optimiser.rate": 2e-4,
    "optimiser.weight_decay": 1e-5,
    "attributes": (),  # all
    "beta_ae": 100.0,
    "beta_cl": 10.0,
    "beta_reg": 3.0,
}
CAPTIONS: dict[str, Any] = {
    "weight": None,  # the number of pixels
    "captioned": None,  # by how many pictures have captions
    "hidden": 512,
    "embedding": 300,
    "dropout": 0.5,
    "least": 5,
    "longest": 40,
    "most": None,
    "learning": "joint",
    "optimiser.rate": 2e-4,
}
METHODS: dict[str, dict[str, Any]] = {
    "aae": {
        "latent": 32,
        "net": "conv",
        "likelihood": "bernoulli",
        "weight": 1.0,
        "optimiser.betas": (0.5, 0.999),
        "critic_optimiser.rate": 1e-4,
        "critic_optimiser.betas": (0.5, 0.999),
    },
    "ali": {**GAME, "latent": 256, "net": "strided"},
    "autoencoder": {
        "latent": 32,
        "net": "conv",
        "code": "none",
        "error": "squared",
        "corruption": "clean",
        "dropout": 0.0,
        "layerwise": 0.0,
    },
    "bigan": {
        **{name: value for name, value in GAME.items() if name != "first_sd"},
        "latent": 50,
        "net": "dense",
        "optimiser.weight_decay": 2.5e-5,
        "critic.optimiser.weight_decay": 2.5e-5,
    },
    "classifier": {"latent": 32, "net": "conv"},
    "dcgan": {
        "paired": False,
        "noise": 0.0,
        "spread": 0.02,
        "latent": 100,
        "net": "strided",
        "optimiser.rate": 2e-4,
        "optimiser.betas": (0.5, 0.999),
        "critic.norm": "batch",
        "critic.optimiser.rate": 2e-4,
        "critic.optimiser.betas": (0.5, 0.999),
    },
    "dcign": {
        "latent": 10,
        "groups": (5, 1, 1, 1, 1),
        "clamp": "first",
        "invariance": 0.0,
        "net": "pooled",
        "likelihood": "bernoulli",
        "optimiser.rate": 5e-4,
        "optimiser.betas": (0.9, 0.99),
    },
    "dgdn": {
        "maps": (),  # by the pictures' size
        "kernels": (),
        "pools": (),
        "hidden": 9,
        "unpool": "stochastic",
        "estimator": "score",
        "likelihood.sigma": 0.3,
        "likelihood.learned": True,
        "likelihood.floor": 0.05,
        "optimiser.rate": 2e-4,
    },
    "dgdn_sampled": {"maps": (), "kernels": (), "pools": (), "inference": "gibbs", "floor": 0.05},
    "hali": {**GAME, "levels": (64, 256), "net": "table", "critic.norm": "weight"},
    "infogan": {
        "codes": 5,
        "noise_codes": 5,
        "weight": 1.0,
        "noise": 0.0,
        "optimiser.betas": (0.5, 0.999),
        "critic_optimiser.rate": 2e-4,
        "critic_optimiser.betas": (0.5, 0.999),
    },
    "introvac": {**ATTRIBUTES, "beta_ec": 0.01, "beta_g": 5.0, "pretrain": 0.0333},
    "introvae": {
        "latent": 512,
        "width": 1.0,
        "optimiser.rate": 2e-4,
        "margin": 120.0,
        "weight_rec": 0.05,
        "weight_neg": 0.5,
        "pretrain": 0.0333,
    },
    "ksparse": {"widths": (1000,), "k": (25,), "start": 100, "fall": 0.5, "alpha": 3.0, "revive": 0.0},
    "patchvae": {
        "parts": 16,
        "appearance": 6,
        "prior": None,
        "beta_occurrence": 10.0,
        "beta_appearance": 1.0,
        "warmup": 0,
        "trunk": "resnet9",
        "reconstruction": "squared",
        "critic": "off",
        "optimiser.rate": 1e-4,
        "optimiser.betas": (0.5, 0.999),
    },
    "pca": {"latent": 32, "whiten": False},
    "rbm": {"units": 1000, "rate": 0.05, "batch": 100, "epochs": 20},
    "vac": ATTRIBUTES,
    "vae": {
        "latent": 32,
        "net": "conv",
        "likelihood": "bernoulli",
        "penalty": "beta",
        "critic": "off",
        "optimiser.rate": 1e-4,
    },
}
ALONE: dict[str, Any] = {  # a label head that learns from labelled images alone, as the sources' do
    "weight": None,  # the method's: of pixels, or of its game
    "labelled": None,
    "unlabelled": "none",
    "threshold": None,
    "rounds": (),
    "pool": 12_000,
    "prior": (),
    "views": 0,
}
HEADS: dict[str, dict[str, Any]] = {
    "bayesian_svm": {
        **ALONE,
        "gamma": 0.5,
        "precision": 1e-3,
        "draws": 50,
        "learning": "gradient",
    },
    "softmax": ALONE,
    "gru": CAPTIONS,
    "lstm": CAPTIONS,
}
HEADED = {"head": "softmax", "caption": "gru"}  # what ``latelier train`` takes where no kind is named
OF_THE_DATA = ("classes",)  # fields that the pictures decide
