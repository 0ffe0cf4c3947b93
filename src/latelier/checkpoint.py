"""Weights and training state on disk, in one format. Nothing is pickled: opening a stranger's run runs none of their
code.

A checkpoint at 12,800 images is three files, the last of which makes it whole:

    weights-00012800.safetensors   what a user wants (the EMA's weights if there is one); metadata names model and
    config state-00012800.safetensors     optimisers' tensors, raw weights under an EMA; where training stood in the
    metadata manifest-00012800.json         sha256 and size of both
"""

import hashlib
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from latelier import files, stored
from latelier.core import Refusal
from latelier.forms import Manifest

T = TypeVar("T")
FORMAT = 1
THOUSAND = 1_000  # times the best validation score: a checkpoint that has diverged


@dataclass(frozen=True)
class Checkpoint:
    """One whole checkpoint of a run."""

    folder: Path
    seen: int
    score: float | None = None  # of the validation, if there was one; lower is better
    remarks: tuple[str, ...] = ()  # newer checkpoints that were found damaged, one sentence each

    @property
    def weights(self) -> Path:
        return self.folder / f"weights-{self.seen:08d}.safetensors"

    @property
    def state(self) -> Path:
        return self.folder / f"state-{self.seen:08d}.safetensors"

    @property
    def manifest(self) -> Path:
        return self.folder / f"manifest-{self.seen:08d}.json"


def save(
    folder: Path,
    seen: int,
    weights: dict[str, Tensor],
    card: dict[str, Any],
    state: dict[str, Tensor],
    standing: dict[str, Any],
    score: float | None = None,
) -> Checkpoint:
    """Writes a checkpoint. ``card`` says what model the weights are of; ``standing`` where training stood. Both are
    JSON."""
    checkpoint = Checkpoint(folder, seen, score)
    sums = {}
    for path, tensors, note in ((checkpoint.weights, weights, card), (checkpoint.state, state, standing)):
        content = safetensors.torch.save(
            {name: t.detach().cpu().contiguous() for name, t in tensors.items()},
            {"latelier": json.dumps({"format": FORMAT, **note})},
        )
        files.write(path, content)
        sums[path.name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    stored.write(checkpoint.manifest, {"format": FORMAT, "seen": seen, "score": score, "files": sums})
    return checkpoint


def checkpoints(folder: Path) -> list[Checkpoint]:
    """All checkpoints that have a manifest, oldest first; their files are not checked yet."""
    found = []
    for path in folder.glob("manifest-*.json"):
        match = re.fullmatch(r"manifest-(\d+)\.json", path.name)
        if match:
            try:
                score = _manifest(path)["score"]
            except Refusal:
                score = None
            found.append(Checkpoint(folder, int(match[1]), score))
    return sorted(found, key=lambda checkpoint: checkpoint.seen)  # not by name: numbers may outgrow their eight digits


def latest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint whose files are what they were when written, and whose weights have not diverged beside the
    best. Others are named in its remarks."""
    every = checkpoints(folder)
    least = min((c.score for c in every if c.score is not None and math.isfinite(c.score)), default=None)
    return _first_good(list(reversed(every)), least)


def last_seen(folder: Path) -> int:
    """Images that the newest good checkpoint has seen, which training goes on from; 0 without one."""
    found = latest(folder)
    return found.seen if found else 0


def best(folder: Path) -> Checkpoint | None:
    """The checkpoint with the lowest validation score if the run kept scores, else the newest."""
    ranked = sorted(checkpoints(folder), key=lambda c: (float("inf") if c.score is None else c.score, -c.seen))
    return _first_good(ranked)


def _first_good(candidates: list[Checkpoint], least: float | None = None) -> Checkpoint | None:
    remarks: list[str] = []
    for checkpoint in candidates:
        fault = _fault(checkpoint) or _lost(checkpoint, least)
        if fault is None:
            return Checkpoint(checkpoint.folder, checkpoint.seen, checkpoint.score, tuple(remarks))
        remarks.append(fault)
    if remarks:
        raise Refusal(f"no checkpoint of {candidates[0].folder} can be used: {'; '.join(remarks)}; train it again")
    return None


def _fault(checkpoint: Checkpoint) -> str | None:
    """What is wrong with the checkpoint's files, or None."""
    try:
        manifest = _manifest(checkpoint.manifest)
    except Refusal:
        return f"{checkpoint.manifest.name} is damaged"
    if manifest["format"] > FORMAT:
        return None  # opening it will say that it is too new, which is more use than "damaged"
    expected = manifest["files"]
    if manifest["seen"] != checkpoint.seen or set(expected) != {checkpoint.weights.name, checkpoint.state.name}:
        return f"{checkpoint.manifest.name} is another checkpoint's"
    for name, facts in expected.items():
        path = checkpoint.folder / name
        if not path.is_file():
            return f"{path.name} is {'no regular file' if path.exists() else 'missing'}"
        content = path.read_bytes()
        if len(content) != facts["bytes"]:
            return f"{path.name} is cut short: {len(content):,} of {facts['bytes']:,} bytes"
        if hashlib.sha256(content).hexdigest() != facts["sha256"]:
            return f"{path.name} is damaged: its sha256 is not the manifest's"
    return None


def _manifest(path: Path) -> Manifest:
    """Raises Refusal for one that is damaged."""
    return stored.read(path, Manifest, "an older checkpoint serves")


def _lost(checkpoint: Checkpoint, least: float | None) -> str | None:
    """That the checkpoint has diverged, beside the ``least`` validation score of its run, or None."""
    score = checkpoint.score
    if score is None or least is None or score < THOUSAND * max(1.0, abs(least)):
        return None
    return f"the checkpoint at {checkpoint.seen:,} images has diverged: its validation is a thousand times the best"


def read(path: Path, form: type[T], device: torch.device | None = None) -> tuple[dict[str, Tensor], T]:
    """Tensors, and metadata of that ``form``, of a file that latelier wrote. Raises Refusal for anything else, without
    executing it, and for numbers that are not finite."""
    if path.exists() and not path.is_file():
        raise Refusal(f"{path} is no regular file; give a run that latelier trained")
    try:
        with safetensors.safe_open(path, "pt", device=str(device or "cpu")) as file:
            words = (file.metadata() or {}).get("latelier")
            if words is None:
                raise Refusal(f"{path} is a safetensors file, but not latelier's: it does not say what model it holds")
            note = stored.note(words, form, f"{path}", "give a run that latelier trained", FORMAT)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, UnicodeDecodeError) as error:
        start = path.read_bytes()[:2]
        pickled = start[:1] == b"\x80" or start == b"PK"
        kind = "a pickle, which may run code when opened, and was not opened" if pickled else "damaged or foreign"
        raise Refusal(f"{path} is not a safetensors file ({kind}); give a run that latelier trained") from error
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror or error}") from error
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise Refusal(
                f"{path}: '{name}' holds what is no number (NaN or infinite); give a run that latelier trained"
            )
    return tensors, note


def prune(folder: Path, keep: int, seen: int) -> None:
    """Removes all but the newest ``keep`` checkpoints up to ``seen``, the one just saved, and the best. Those beyond it
    are damaged, or training would have gone on from there: they take no other's place, and are saved anew in time. The
    manifest goes first, so none is left half there."""
    every = [found for found in checkpoints(folder) if found.seen <= seen]
    scored = [c for c in every if c.score is not None]
    spared = {c.seen for c in every[-keep:]} | ({min(scored, key=lambda c: c.score or 0.0).seen} if scored else set())
    for checkpoint in every:
        if checkpoint.seen not in spared:
            for path in (checkpoint.manifest, checkpoint.state, checkpoint.weights):
                path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Removes what a save that was killed has left: files of a checkpoint without its manifest. For the only writer."""
    whole = {checkpoint.seen for checkpoint in checkpoints(folder)}
    for path in folder.glob("*.safetensors"):
        match = re.fullmatch(r"(?:weights|state)-(\d+)\.safetensors", path.name)
        if match and int(match[1]) not in whole:
            path.unlink(missing_ok=True)
    for kind in ("weights", "state", "manifest"):
        for path in folder.glob(f".{kind}-*.tmp"):
            path.unlink(missing_ok=True)
        for path in folder.glob(f"{kind}-*"):
            if not (path.is_file() or path.is_dir()):  # a pipe or the like, in the place of a file to come
                path.unlink()
