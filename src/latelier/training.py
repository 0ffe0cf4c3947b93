"""From the arguments of ``latelier train`` to a trained run folder: data, model, plan, files, the loop."""

import math
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from latelier import __version__, files, parallel
from latelier.building import Card, assemble
from latelier.core import Fits, Model, Refusal, has, need
from latelier.data.batches import Batches, mix
from latelier.data.images import Images, hide_labels
from latelier.data.sources import open_images
from latelier.device import pick_device
from latelier.heads.joint import Joint
from latelier.loop import Outcome, Plan, train
from latelier.progress import Progress
from latelier.request import FORMAT, check, folder_of, plain, resumed
from latelier.settings import parse_assignments
from latelier.state import State


@dataclass(frozen=True)
class Prepared:
    """All that the loop needs."""

    model: Model
    card: Card
    plan: Plan
    images: Images
    held: Images | None  # validation


def run(request: SimpleNamespace) -> Path:
    """Trains what the arguments of the verb ask for. Raises Refusal before anything is written, or as the loop does."""
    folder = folder_of(request)
    request = resumed(folder, request)
    check(request)
    prepared = prepare(request)
    folder.mkdir(parents=True, exist_ok=True)
    with files.only_writer(folder) if parallel.rank() == 0 else nullcontext():
        if parallel.rank() == 0:
            _write_config(folder, request, prepared)
        outcome = _learn(folder, request, prepared)
    if outcome.why == "stopped":
        _say(request, f"stopped at {outcome.seen:,} images; go on with: latelier train --out {folder} --resume")
        raise SystemExit(128 + outcome.signal)
    _say(request, f"{folder}: {outcome.seen:,} images seen; next: latelier report {folder}")
    return folder


def prepare(request: SimpleNamespace) -> Prepared:
    """Data, an untrained model and the plan. The first weights depend on the seed alone."""
    images = _images(request)
    images, held = hold_out(images, request.validation, request.seed)
    settings = request.settings if isinstance(request.settings, Mapping) else parse_assignments(request.settings or [])
    settings = dict(settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mix(request.seed, 0))
        model, card = assemble(request.model, images.shape, images.classes, settings)
    epoch = len(images)
    parts = request.parts or parallel.world()
    if request.batch % parts or parts % parallel.world():
        raise Refusal(
            f"--batch {request.batch} cannot be cut into {parts} equal parts over {parallel.world()} processes; "
            "choose multiples"
        )
    total = math.ceil(request.epochs * epoch / request.batch) * request.batch
    plan = Plan(
        total=total,
        batch=request.batch,
        seed=request.seed,
        parts=parts,
        precision=request.precision,
        warmup=round(request.warmup * epoch),
        decay=request.decay,
        rate=request.rate,
        clip=request.clip,
        ema=None if request.ema is None else max(1, round(request.ema * epoch)),
        log_every=max(request.batch, min(epoch, total // 100)),
        save_every=max(request.batch, round((request.save_every or request.epochs / 20) * epoch)),
        keep=request.keep,
        patience=request.patience,
    )
    return Prepared(model, card, plan, images, held)


def hold_out(images: Images, share: float, seed: int) -> tuple[Images, Images | None]:
    """The pictures without, and those with, a share drawn by seed for validation."""
    if share == 0:
        return images, None
    order = np.random.default_rng([seed, 5]).permutation(len(images))
    count = round(share * len(images))
    if not 0 < count < len(images):
        raise Refusal(
            f"--validation {share} of {len(images)} pictures leaves none on one side; give a share between 0 and 1"
        )
    return images.take(np.sort(order[count:])), images.take(np.sort(order[:count]))


def labelled_share(model: Model) -> float:
    """The share of every batch that must have labels: a head's setting, all of it for a model that needs labels."""
    if isinstance(model, Joint):
        return float(model.head.config.labelled)
    return 1.0 if getattr(model, "needs_labels", False) else 0.0


def fit(model: Model, images: Images, seed: int, folder: Path, card: dict[str, Any]) -> Outcome:
    """A model of closed form: fitted once, saved as a checkpoint like any other."""
    generator = torch.Generator().manual_seed(mix(seed, 3))
    report = need(model, Fits).fit(images.blocks, generator)
    files.append_line(folder / "log.jsonl", {"seen": len(images), "terms": report})
    state = State(model, {}, average=False)
    state.seen = len(images)
    state.save(folder, card, None, keep=1)
    return Outcome(len(images), "done")


def _learn(folder: Path, request: SimpleNamespace, prepared: Prepared) -> Outcome:
    model, plan, card = prepared.model, prepared.plan, prepared.card.json()
    if has(model, Fits) and not model.moves():
        return fit(model, prepared.images, plan.seed, folder, card)
    device = pick_device(request.device)
    torch.backends.cudnn.benchmark = device.type == "cuda"
    model = model.to(device).to(memory_format=torch.channels_last)
    if request.compile:
        for part in model.children():
            part.compile()
    labelled = labelled_share(model)
    batches = Batches(prepared.images, plan.batch, seed=plan.seed, device=device, labelled=labelled)
    held = None if prepared.held is None else Batches(prepared.held, plan.batch, seed=plan.seed, device=device)
    with (
        Progress(f"training {request.model}", plan.total, quiet=request.quiet or parallel.rank() > 0) as progress,
        _board(folder, request.tensorboard) as board,
    ):

        def show(record: dict[str, Any]) -> None:
            board(record)
            if "terms" in record:
                note = ", ".join(f"{name} {value:.4g}" for name, value in record["terms"].items())
                progress.at(record["seen"], note=f"{record['images_per_second']:,.0f} images/s, {note}")
            elif "remark" in record:
                print(record["remark"], file=sys.stderr)

        return train(model, batches, plan, folder, card, validation=held, show=show)


def _images(request: SimpleNamespace) -> Images:
    with Progress("reading pictures", 1, quiet=request.quiet or parallel.rank() > 0) as progress:
        images = open_images(
            request.data,
            size=request.size,
            channels=request.channels,
            root=request.data_root,
            download=request.download,
            progress=lambda done, total: progress.at(done, total),
        )
    for remark in images.remarks:
        _say(request, remark)
    if images.skipped:
        _say(
            request,
            f"{len(images.skipped)} files could not be decoded and were skipped: {', '.join(images.skipped[:5])}",
        )
    return hide_labels(images, request.labels, request.seed) if request.labels is not None else images


def _write_config(folder: Path, request: SimpleNamespace, prepared: Prepared) -> None:
    path = folder / "config.json"
    images = prepared.images
    if path.exists():
        before = files.read_json(path)["data"]["fingerprint"]
        if before != images.fingerprint:
            raise Refusal(f"the pictures of {request.data} have changed since {folder} was begun; train a new run")
    optimisers = {player: asdict(o) for player, o in prepared.model.optimisers().items()}
    data = {
        "source": images.source,
        "fingerprint": images.fingerprint,
        "images": len(images),
        "shape": list(images.shape),
        "labelled": int((images.label >= 0).sum()),
        "skipped": len(images.skipped),
        "remarks": list(images.remarks),
    }
    request_json = {name: plain(value) for name, value in vars(request).items() if name != "resume"}
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
        "optimisers": optimisers,
        "threads": torch.get_num_threads(),
        "versions": versions,
        "request": request_json,
    }
    files.write_json(path, config)
    if images.skipped:
        files.write(folder / "skipped.txt", "".join(f"{name}\n" for name in images.skipped))


def _say(request: SimpleNamespace, line: str) -> None:
    if not request.quiet and parallel.rank() == 0:
        print(line, file=sys.stderr, flush=True)


@contextmanager
def _board(folder: Path, wanted: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that hands each record of the log to TensorBoard, if it is wanted."""
    if not wanted or parallel.rank() > 0:
        yield lambda record: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise Refusal('--tensorboard needs an extra: pip install "latelier[tensorboard]"') from None
    with SummaryWriter(str(folder / "tensorboard")) as writer:

        def show(record: dict[str, Any]) -> None:
            for kind in ("terms", "validation"):
                for name, value in record.get(kind, {}).items():
                    writer.add_scalar(f"{kind}/{name}", value, record["seen"])

        yield show
