"""A trained model with the prior that was fitted for it, where its run holds one."""

from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from latelier.codes.density import Density, of_tensors
from latelier.codes.fitted import Fitted, check_fits, check_quantises, numbers
from latelier.codes.symbols import Sequence
from latelier.core import Model, Quantises, need
from latelier.errors import Refusal
from latelier.storage import files, json_records
from latelier.storage.schemas import PriorNote
from latelier.terminal.say import say

NOTE, TENSORS = "prior.json", "prior.safetensors"
TRIED = 16  # draws of what is read: tensors of the right shapes need not be a density
WAY_OUT = "fit it again with latelier fit-prior, or remove it with --kind none"


def with_prior(model: Model, folder: Path, seen: int) -> Model:
    """The model, with the prior that its run's folder holds for the checkpoint after ``seen`` images. Of one for
    another checkpoint it is said that it is not used. Raises Refusal for one that is damaged or foreign."""
    path = folder / NOTE
    if not path.exists():
        return model
    note = json_records.read(path, PriorNote, WAY_OUT)
    if note["seen"] != seen:
        say(f"{path} was fitted after {note['seen']:,} images, not {seen:,}, and is not used; {WAY_OUT}", error=True)
        return model
    tensors = folder / TENSORS
    if not tensors.is_file() or files.sum_of(tensors)[0] != note["sha256"]:
        raise Refusal(f"{tensors} is not the file that {NOTE} tells of; {WAY_OUT}")
    (check_quantises if note["kind"] == "sequence" else check_fits)(model)
    try:
        found = safetensors.torch.load_file(tensors)
        density = _sequence(model, found) if note["kind"] == "sequence" else _density(model, note["kind"], found)
    except (safetensors.SafetensorError, LookupError, RuntimeError, ValueError, OSError) as error:
        raise Refusal(f"{tensors} holds no prior for this model ({_short(error)}); {WAY_OUT}") from error
    return Fitted(model, density).eval().requires_grad_(False)


def _density(model: Model, kind: str, found: dict[str, Tensor]) -> Density:
    density = of_tensors(kind, found)
    if len(density.mean) != numbers(model):
        raise ValueError("it is of codes of another length")
    if not density.sample(TRIED, torch.Generator().manual_seed(0)).isfinite().all():
        raise ValueError("its draws are no numbers")
    return density


def _sequence(model: Model, found: dict[str, Tensor]) -> Sequence:
    book = need(model, Quantises)
    net = Sequence(book.entries(), len(found["place"]))
    net.load_state_dict(found)
    if not all(part.isfinite().all() for part in found.values()):
        raise ValueError("its weights are no numbers")
    code = book.of_symbols(net.sample(TRIED, torch.Generator().manual_seed(0)))
    if {name: tuple(part.shape[1:]) for name, part in code.items()} != {
        n: one.shape for n, one in model.latents.items()
    }:
        raise ValueError("it is of codes of another shape")
    return net


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
