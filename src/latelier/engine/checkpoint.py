"""Weights and training state on disk, in one format. Nothing is pickled: opening a stranger's run runs none of their
code.

A checkpoint at 12,800 images is three files, the last of which makes it whole:

    weights-00012800.safetensors   what a user wants (the EMA's weights if there is one), and what model they are of
    state-00012800.safetensors     optimisers' tensors, raw weights under an EMA, and where training stood
    manifest-00012800.json         sha256 and size of both
"""

import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from latelier.errors import Refusal
from latelier.storage import files, json_records
from latelier.storage.schemas import LogRecord, Manifest

T = TypeVar("T")
FORMAT = 1
WEIGHTS = re.compile(r"weights-(\d+)\.safetensors")
AFTERWARDS = ("verdict.json", "scores.json")  # what is written once a checkpoint is whole
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
    json_records.write(checkpoint.manifest, {"format": FORMAT, "seen": seen, "score": score, "files": sums})
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
    """The newest checkpoint to go on from: files as they were when written, and weights that have not diverged beside
    the best. Others are named in its remarks. Raises Refusal where there are only such."""
    every = checkpoints(folder)
    least = min((c.score for c in every if c.score is not None and math.isfinite(c.score)), default=None)
    found, faults = _first_good(every[::-1], lambda c: _fault(c, c.weights, c.state) or _lost(c, least))
    if found is None and faults:
        whole, _ = _first_good(every[::-1], lambda c: _fault(c, c.weights) or _lost(c, least))
        way = "train it again, in another --out"
        if whole:
            way = f"but weights are whole: latelier train --from {folder} --data SRC --out NEW begins with them"
        raise Refusal(f"no checkpoint of {folder} can be gone on from: {'; '.join(faults)}; {way}")
    if found is None:
        _check_named(folder)
    return found


def last_seen(folder: Path) -> int:
    """Images that the newest good checkpoint has seen, which training goes on from; 0 without one."""
    found = latest(folder)
    return found.seen if found else 0


def best(folder: Path) -> Checkpoint | None:
    """The checkpoint whose weights have the lowest validation score if the run kept scores, else the newest; whether
    training can go on from it is not looked at. Others are named in its remarks. Raises Refusal where all are
    damaged."""
    ranked = sorted(checkpoints(folder), key=lambda c: (float("inf") if c.score is None else c.score, -c.seen))
    found, faults = _first_good(ranked, lambda c: _fault(c, c.weights))
    if found is None and faults:
        raise Refusal(f"no checkpoint of {folder} can be used: {'; '.join(faults)}; train it again, in another --out")
    if found is None:
        _check_named(folder)
    return found


def _check_named(folder: Path) -> None:
    """Raises Refusal where manifests are gone: weights are there, and more of the run than a first save leaves that was
    killed before its manifest."""
    saved = sorted(int(match[1]) for path in folder.glob("weights-*") if (match := WEIGHTS.fullmatch(path.name)))
    if not saved:
        return
    log = folder / "log.jsonl"
    records = json_records.read_lines(log, LogRecord)[0]
    gone = max((record["seen"] for record in records), default=0) > saved[0]
    if len(saved) > 1 or gone or any((folder / name).exists() for name in AFTERWARDS):
        file = folder / f"weights-{saved[-1]:08d}.safetensors"
        raise Refusal(
            f"{folder} lacks the manifests of its checkpoints, without which {file.name} and others may be damaged: "
            f"restore them, or trust it as it is: latelier train --from {file} --data SRC --out NEW begins with it"
        )


def _first_good(
    candidates: list[Checkpoint], fault_of: Callable[[Checkpoint], str | None]
) -> tuple[Checkpoint | None, list[str]]:
    """The first without a fault, with those of the others as its remarks; and all faults that were met."""
    faults: list[str] = []
    for checkpoint in candidates:
        fault = fault_of(checkpoint)
        if fault is None:
            return replace(checkpoint, remarks=tuple(faults)), faults
        faults.append(fault)
    return None, faults


def _fault(checkpoint: Checkpoint, *paths: Path) -> str | None:
    """What is wrong with these of the checkpoint's files, or None."""
    try:
        manifest = _manifest(checkpoint.manifest)
    except Refusal:
        return f"{checkpoint.manifest.name} is damaged"
    if manifest["format"] > FORMAT:
        return None  # opening it will say that it is too new, which is more use than "damaged"
    expected = manifest["files"]
    if manifest["seen"] != checkpoint.seen or set(expected) != {checkpoint.weights.name, checkpoint.state.name}:
        return f"{checkpoint.manifest.name} is another checkpoint's"
    for path in paths:
        facts = expected[path.name]
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
    return json_records.read(path, Manifest, "an older checkpoint serves")


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
            note = json_records.note(words, form, f"{path}", "give a run that latelier trained", FORMAT)
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
