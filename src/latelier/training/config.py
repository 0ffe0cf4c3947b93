"""config.json of a run: what it is trained on, and how."""

import platform
import shlex
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import torch

from latelier import __version__
from latelier.config.own_code import trusting
from latelier.data.captions import has_caption
from latelier.engine import checkpoint
from latelier.engine.plan import Plan
from latelier.errors import Refusal
from latelier.runs import labels, locations
from latelier.runs.config import FORMAT, read_config
from latelier.storage import files, json_records
from latelier.terminal.tables import counted
from latelier.training.request import plain

if TYPE_CHECKING:
    from latelier.training.prepare import Prepared

UNSTORED = ("resume", "judge", "card", "typed", "begun", "mirror", "saved", "halt")  # they say nothing of the run


def check_same(folder: Path, request: SimpleNamespace, prepared: "Prepared") -> None:
    """Raises Refusal for other images than the run was begun with, and for a length that it has passed."""
    path = folder / "config.json"
    if path.exists() and read_config(path)["data"]["fingerprint"] != prepared.images.fingerprint:
        again = ["latelier", "train", "--from", str(folder), "--data", str(request.data), "--out", "NEW"]
        raise Refusal(
            f"the images of {request.data} are not those that {folder} was begun with; train a new run, which may "
            f"begin with the weights of this one: {trusting(prepared.card.modules())}{shlex.join(again)}"
        )
    _check_length(folder, prepared.plan)


def write_config(folder: Path, request: SimpleNamespace, prepared: "Prepared") -> None:
    """With the copy of a labels file, and the list of what could not be read. Raises Refusal on a full disk."""
    images = prepared.images
    data = {
        "source": images.source,
        "fingerprint": images.fingerprint,
        "images": prepared.epoch,
        "shape": list(images.shape),
        "range": images.range,
        "labelled": int((images.label[prepared.rows] >= 0).sum()),
        "captioned": int(has_caption(images)[prepared.rows].sum()),
        "skipped": len(images.skipped),
        "remarks": list(images.remarks),
        "held_out": prepared.held_out,
    }
    plan = prepared.plan
    request_json = {name: plain(value) for name, value in vars(request).items() if name not in UNSTORED}
    request_json |= request.typed
    # A resumed run keeps what it began with, whatever its number of processes, its processor or new defaults.
    request_json |= {"parts": plan.parts, "batch": plan.batch, "decay": plan.decay, "precision": plan.precision}
    if request.epochs is None and prepared.batches is not None:
        request_json["steps"] = plan.total // plan.batch
    versions = {
        "latelier": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    config = {
        "format": FORMAT,
        "model": prepared.card.json(),
        "data": data,
        "plan": asdict(prepared.plan),
        "optimisers": {player: asdict(o) for player, o in prepared.model.optimisers().items()},
        "threads": torch.get_num_threads(),
        "versions": versions,
        "request": request_json,
        "places": locations.noted(request, folder),
    }
    if request.begun is not None:
        config["begun"] = request.begun
    # First: it says that the rest is a run's, should the disk be full now.
    json_records.write(folder / "config.json", config)
    labels.keep(folder, request, images)
    if images.skipped:
        files.write(folder / "skipped.txt", "".join(f"{name}\n" for name in images.skipped))


def _check_length(folder: Path, plan: Plan) -> None:
    """Raises Refusal for a length that the run has passed."""
    done, wanted = checkpoint.last_seen(folder) // plan.batch, plan.total // plan.batch
    if done > wanted:
        taken = f"{folder} has taken {counted(done, 'step')}, and {wanted:,} were asked for"
        raise Refusal(f"{taken}; ask for more, or name another --out")
