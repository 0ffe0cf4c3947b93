"""From the arguments of ``latelier train`` to a trained run folder: what is prepared, the files, the loop."""

import signal
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from latelier.config.own_code import Named
from latelier.core import Fits, Metric, Model, need
from latelier.data.batched import Batched
from latelier.data.images import Images
from latelier.data.notices import say_notices
from latelier.data.seeds import mix
from latelier.device import multiply_fast, prepare_cpu
from latelier.engine import checkpoint, label_error, parallel
from latelier.engine.loop import Outcome, train
from latelier.engine.plan import Plan
from latelier.engine.state import State
from latelier.engine.tensorboard import board
from latelier.engine.timing import step_seconds
from latelier.errors import Refusal
from latelier.runs.building import nets
from latelier.runs.command import resume
from latelier.runs.options import Options
from latelier.storage import files, json_records
from latelier.terminal.progress import Progress
from latelier.terminal.say import say
from latelier.terminal.tables import counted, number
from latelier.training import streaming
from latelier.training.config import check_same, write_config
from latelier.training.held_out import (
    survey_head,
    unused_validation,
)
from latelier.training.mirror import mirrored
from latelier.training.prepare import Prepared, prepare
from latelier.training.request import announce, check, clear, folder_of, resumed
from latelier.training.warm_start import begun_from
from latelier.verdict import verdict


def start(options: Options, halt: Callable[[float], bool] = lambda score: False) -> Path:
    """Trains what the options ask for, alone or as one of several processes. The run folder. ``halt`` is told the score
    of each checkpoint, of which a lower one is better, and whether to end there. Raises as ``run`` does."""
    prepare_cpu()
    request = request_of(options)
    request.halt = halt
    with parallel.processes(), mirrored(request):
        return run(request)


def request_of(options: Options) -> SimpleNamespace:
    """The options of a user, whose method may be code of their own."""
    arguments = vars(options) | {"model": options.model and Named(options.model)}
    return SimpleNamespace(**arguments, card=None, typed={}, begun=None)


def monitored(options: Options) -> Metric:
    """What the checkpoints of such a training are judged by. Raises Refusal as ``run`` does, and where there is nothing
    to judge them by; nothing is written but a pack of the images."""
    request = request_of(options)
    check(request)
    request.pack = streaming.pack_or_stream(request)
    prepared = prepare(request)
    if prepared.batches is None:
        raise Refusal(f"{request.model} is fitted in closed form, and its checkpoints are not judged")
    if prepared.validation is None and prepared.plan.monitor != label_error.METRIC:
        raise Refusal(
            f"{request.data} holds no images out to judge checkpoints by; a recipe's [training] takes validation = 0.1"
        )
    return prepared.plan.monitor


def run(request: SimpleNamespace) -> Path:
    """Trains what the arguments of the verb ask for. Raises Refusal before anything is written, or as the loop does;
    stopped by a signal it saves and raises KeyboardInterrupt (Ctrl-C) or SystemExit. Raises Failed for a training that
    is saved but of no use."""
    folder = folder_of(request)
    request.out = str(folder)
    if request.judge is not None:
        if request.monitor is not None:
            raise Refusal("--judge is --monitor by its former name; give --monitor alone")
        announce(request, "--judge is called --monitor now; the next version will not take --judge")
        request.monitor = request.judge
    request = begun_from(resumed(folder, request))
    check(request)
    request.pack = streaming.pack_or_stream(request)
    prepared = prepare(request)
    parallel.wait("read the images")  # not in a collective, which has a time limit; and all have seen the folder
    if not parallel.same_everywhere([torch.tensor(zlib.crc32(prepared.images.fingerprint.encode()))]):
        raise Refusal(f"the processes see different images in {request.data}; all machines must have the same")
    with files.only_writer(folder) if parallel.rank() == 0 else nullcontext():
        if parallel.rank() == 0:
            folder_of(request)  # again: another may have trained there meanwhile
            if not request.resume and clear(folder):
                announce(request, f"{folder} was begun before, and nothing was saved: it is begun anew")
            check_same(folder, request, prepared)
            _describe(request, prepared.images)
        outcome = _learn(folder, request, prepared)
    if outcome.why == "stopped":
        again = resume(folder, prepared.card, *(["--mirror", request.mirror] if request.mirror else []))
        if parallel.rank() == 0:
            say(f"stopped and saved at {counted(outcome.seen, 'image')}; go on with: {again}", error=True)
        raise KeyboardInterrupt if outcome.signal == signal.SIGINT else SystemExit(128 + outcome.signal)
    early = f"; --patience: {prepared.plan.patience} validations brought nothing better"
    announce(request, f"{folder}: {counted(outcome.seen, 'image')} seen{early * (outcome.why == 'no better')}")
    if parallel.rank() == 0:
        verdict.at_end(folder, request)
    return folder


def fit(
    model: Model,
    images: Images,
    seed: int,
    folder: Path,
    card: dict[str, Any],
    begin: Callable[[], None] = lambda: None,
) -> Outcome:
    """A model of closed form: fitted once, saved as a checkpoint like any other. ``begin`` is called before anything is
    written."""
    begin()
    generator = torch.Generator().manual_seed(mix(seed, 3))
    report = need(model, Fits).fit(images.blocks, generator)
    if parallel.rank() == 0:
        json_records.append(folder / "log.jsonl", {"seen": len(images), "terms": report})
    state = State(model, {}, average=False)
    state.seen = len(images)
    state.save(folder, card, None, keep=1)
    return Outcome(len(images), "done")


def _learn(folder: Path, request: SimpleNamespace, prepared: Prepared) -> Outcome:
    model, plan, card, batches = prepared.model, prepared.plan, prepared.card.json(), prepared.batches

    def begin() -> None:
        if parallel.rank() == 0:
            write_config(folder, request, prepared)
            checkpoint.sweep(folder)

    if batches is None:
        images, rows = prepared.images, prepared.rows
        return fit(model, images if len(rows) == len(images) else images.take(rows), plan.seed, folder, card, begin)
    torch.backends.cudnn.benchmark = batches.device.type == "cuda"
    multiply_fast(model)
    if batches.device.type == "cuda" and plan.precision == "tf32":
        announce(
            request, "the GPU multiplies float32 in TF32, with 10 bits behind the point; --precision fp32: exactly"
        )
    model = model.to(memory_format=torch.channels_last)
    unheard = request.quiet or parallel.rank() > 0
    start = 0 if unheard else checkpoint.last_seen(folder)
    if not unheard:  # taking the time costs two steps, and a compiled net would be compiled for it
        say(_ahead(folder, model, batches, plan, prepared.epoch, start), error=True)
    if request.compile:
        for net in nets(model):
            net.compile()
    with (
        Progress(f"training {request.model}", plan.total, start, unheard) as progress,
        board(folder, request.tensorboard and parallel.rank() == 0) as note,
        streaming.closing(batches),
    ):

        def show(record: dict[str, Any]) -> None:
            note(record)
            if "terms" in record:
                terms = ", ".join(f"{name} {number(value)}" for name, value in record["terms"].items())
                progress.at(record["seen"], speed=record["images_per_second"], note=terms)
            elif "remark" in record:
                say(record["remark"], error=True)

        return train(
            model,
            batches,
            plan,
            folder,
            card,
            validation=prepared.validation,
            begin=begin,
            show=show,
            saved=request.saved,
            halt=request.halt,
        )


def _ahead(folder: Path, model: Model, batches: Batched, plan: Plan, images: int, start: int) -> str:
    """How long it will take: a copy of the model plays a batch, and the second time is taken."""
    if start >= plan.total:
        return f"{folder} has its {counted(plan.total // plan.batch, 'step')} already; --steps N goes on to N"
    seconds, left = step_seconds(model, batches, plan, start), (plan.total - start) // plan.batch
    span = f"{left * seconds / 60:,.0f} minutes" if left * seconds > 90 else f"{max(1, left * seconds):,.0f} s"
    epochs = f"{counted(left * plan.batch / images, 'epoch')} of {counted(images, 'image')}"
    return f"{counted(left, 'step')} of {counted(plan.batch, 'image')} ({epochs}), about {span}"


def _describe(request: SimpleNamespace, images: Images) -> None:
    """Says what became of the images, and of those that could not be read."""
    if not request.quiet:
        say_notices(images, "skipped.txt in the run names all", survey_head(request, images))
    if unused := unused_validation(request):
        announce(request, unused)
    if request.batch is not None and request.card is None and request.batch > len(images):
        said = f"--batch {request.batch} is more than the {counted(len(images), 'image')}: a step shows some again"
        announce(request, said)
