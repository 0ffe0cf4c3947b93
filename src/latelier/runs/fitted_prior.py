"""The prior of a run that was fitted after training: RUN/prior.json and RUN/prior.safetensors."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors.torch
import torch

from latelier.codes.density import FITS, Density
from latelier.codes.fitted import apart, as_trained, check_fits, check_quantises, drawn_codes
from latelier.codes.rows import device_of
from latelier.codes.symbols import Sequence, fit_sequence, log_by_cell
from latelier.core import Quantises, need
from latelier.errors import Refusal
from latelier.runs.run import Run
from latelier.runs.trained_on import trained_on
from latelier.runs.where import Where
from latelier.runs.with_prior import NOTE, TENSORS
from latelier.storage import files, json_records
from latelier.storage.paths import place

FEWEST, MOST = 50, 20_000  # training images
HELD = 10  # one code in HELD is held out, to choose the likeliest density


class Fit(NamedTuple):
    """A fitted prior, and the mean log-likelihood of held-out codes in nats under it and under N(0, I), or for a
    codebook's entries under the chances of each cell by itself."""

    said: str
    images: int
    fitted: float
    normal: float


def fit(run: Run, kind: str, where: Where, seed: int) -> Fit:
    """Fits a density to codes of the run's training images, and writes it into the run in place of an earlier one.
    Raises Refusal for a model or a run that does not allow it."""
    model = as_trained(run.model)
    check = check_quantises if kind == "sequence" else check_fits
    check(model)
    folder = run.home("RUN")
    images = trained_on(run, where, MOST, seed)
    if len(images) < FEWEST:
        raise Refusal(f"fit-prior takes at least {FEWEST} training images, and {images.source} has {len(images)}")
    codes = drawn_codes(model, images, torch.Generator(device_of(model)).manual_seed(seed))
    if not codes.isfinite().all():
        raise Refusal(f"{run.folder} gives codes that are no numbers: the model is broken; train it anew")
    order = np.random.default_rng(seed).permutation(len(codes))
    known, held = codes[order[len(codes) // HELD :]], codes[order[: len(codes) // HELD]]
    density: Density | Sequence
    if kind == "sequence":
        book = need(model, Quantises)
        symbols, test = (book.symbols(apart(model, part.to(device_of(model)))).cpu() for part in (known, held))
        density = fit_sequence(symbols, test, book.entries(), seed)
        fitted, normal = float(density.log_prob(test).double().mean()), log_by_cell(symbols, test, book.entries())
    else:
        density = FITS[kind](known.double().numpy(), held.double().numpy(), seed)
        fitted = float(density.log_prob(held).double().mean())
        normal = float(torch.distributions.Normal(0.0, 1.0).log_prob(held.double()).sum(1).mean())
    content = safetensors.torch.save({name: value.contiguous() for name, value in density.state_dict().items()})
    note = {"kind": kind, "seen": run.seen, "images": len(images), "seed": seed}
    facts = {"sha256": hashlib.sha256(content).hexdigest(), "fitted": fitted, "normal": normal}
    with files.locked(folder / NOTE):
        (folder / NOTE).unlink(missing_ok=True)  # at no moment a note beside another's tensors
        files.write(folder / TENSORS, content)
        json_records.write(folder / NOTE, {**note, **facts})
    return Fit(density.said, len(images), fitted, normal)


def folder_of(run: str | Path) -> Path:
    """The folder of a run, which is not opened. Raises Refusal where it is none."""
    folder = place(run, "RUN")
    if not (folder / "config.json").is_file():
        raise Refusal(f"no run at {run}: it has no config.json; give the folder that latelier train has written")
    files.check_inside(folder)
    return folder


def remove(folder: Path) -> bool:
    """Whether there was a fitted prior, which is now removed."""
    there = (folder / NOTE).exists() or (folder / TENSORS).exists()
    with files.locked(folder / NOTE):
        for name in (NOTE, TENSORS):
            (folder / name).unlink(missing_ok=True)
    return there
