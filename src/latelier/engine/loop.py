"""The loop. Everything is counted in images; order and noise are functions of (seed, position); so the whole state is
weights + optimisers + EMA + how many images were seen, and a killed run resumes bit for bit on the CPU.

A batch is cut into ``parts``, each with noise of its own; processes share the parts out and average the gradients. The
result depends on the number of parts, not on the number of processes.
"""

import signal
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from latelier.core import Model, Progress, has, need
from latelier.core.looks import Looks, memories
from latelier.data.batches import Batches
from latelier.data.seeds import mix
from latelier.device import products
from latelier.engine import checkpoint, parallel
from latelier.engine.ahead import ahead
from latelier.engine.meter import Meter, signals
from latelier.engine.move import Diverged, play
from latelier.engine.plan import Plan
from latelier.engine.players import Statistics, players_of
from latelier.engine.state import State
from latelier.engine.validation import scored
from latelier.engine.watch import Watch
from latelier.nets.eval_mode import evaluating
from latelier.nets.guarded import guard
from latelier.storage import json_records
from latelier.terminal.tables import counted


@dataclass(frozen=True)
class Outcome:
    """How training ended."""

    seen: int
    why: Literal["done", "stopped", "no better"]
    signal: int = 0  # the one that stopped it


def train(
    model: Model,
    batches: Batches,
    plan: Plan,
    folder: Path,
    card: dict[str, Any],
    *,
    validation: Batches | None = None,
    begin: Callable[[], None] = lambda: None,
    show: Callable[[dict[str, Any]], None] = lambda record: None,
    saved: Callable[[], Sequence[str]] = tuple,
    halt: Callable[[float], bool] = lambda score: False,
) -> Outcome:
    """Trains the model in place, from the folder's newest checkpoint or from its weights as they are.

    ``card`` is written into every weights file and says what model it is. ``begin`` is called before anything is
    written, once the checkpoint has been read; ``show`` with each record of the log, ``saved`` after each checkpoint,
    for the log's remarks on copies of former ones, ``halt`` with its score (lower is better): training ends there if it
    says so. Raises Refusal for a checkpoint that is none of this training, and Diverged, naming player, term and
    images, before a step that is not finite; on a GPU some steps later (``Watch``), as if it had been before."""
    settings = model.optimisers()
    if plan.rate is not None:
        settings = {player: replace(optimiser, rate=plan.rate) for player, optimiser in settings.items()}
    if plan.precision == "bf16" and batches.device.type == "cpu":
        guard(model)
    moves, players = model.moves(), players_of(model, settings)
    state = State(model, players, average=plan.ema is not None)
    remarks = state.resume(folder, plan.batch, len(batches.images), card)
    begin()
    parallel.share([*model.parameters(), *model.buffers()])
    statistics = Statistics(model)
    times = need(model, Looks).times() if has(model, Looks) else ()

    said: set[str] = set()

    def log(record: dict[str, Any]) -> None:
        if parallel.rank() == 0:
            json_records.append(folder / "log.jsonl", record)
            show(record)
            for remark in model.remarks(record.get("terms", {}), record["seen"]):
                if remark not in said:
                    said.add(remark)
                    log({"seen": record["seen"], "remark": remark})

    for remark in remarks:
        log({"seen": state.seen, "remark": f"{remark}; going on from {counted(state.seen, 'image')}"})

    def rewound() -> Statistics:
        watch.rewind()
        log({"seen": state.seen, "remark": "a step after this one was not finite; the steps since are played again"})
        meter.start(state.seen)
        return Statistics(model)

    mine = range(parallel.rank(), plan.parts, parallel.world())
    generators = [torch.Generator(batches.device) for _ in mine]
    meter, watch = Meter(state.seen), Watch(state, plan, batches.device)
    model.train()
    with signals() as caught, ahead(batches, mine, plan) as made, products(plan.precision, batches.device):
        while state.seen < plan.total:
            if times and not watch.again() and _looks(times, state.seen, plan):
                made.settle()
                with meter.pause():
                    log({"seen": state.seen, "look": look(model, state, batches, plan)})
            flag = watch.step()
            # The same batch and the same noise, whenever and wherever this position is played.
            parts = made.at(state.seen)
            for part, generator in zip(mine, generators, strict=True):
                generator.manual_seed(mix(plan.seed, 3, part, state.seen))
            progress = [Progress(state.seen, plan.total, one, {}, len(batches.images)) for one in generators]
            try:
                for move in moves:
                    meter.add(play(move, parts, progress, players, plan, batches, statistics, flag))
            except Diverged as error:
                raise Diverged(f"{error}; {_again(folder, state.seen)}") from None
            except Exception:
                if not watch.failed():
                    raise
                statistics = rewound()
                continue
            if plan.ema is not None:
                state.follow(0.5 ** (plan.batch / plan.ema))
            state.seen += plan.batch

            over = state.seen >= plan.total
            read = over or any(_due(state.seen, every, plan.batch) for every in (plan.log_every, plan.save_every))
            read = read or bool(times and _looks(times, state.seen, plan)) or (bool(caught) and parallel.world() == 1)
            if not (read or watch.due()):
                continue
            faulty, halted = watch.read(bool(caught))
            if faulty:
                statistics = rewound()
                continue
            if over or halted or _due(state.seen, plan.log_every, plan.batch):
                log(meter.read(state.seen))
            if over or halted or _due(state.seen, plan.save_every, plan.batch):
                made.settle()
                with meter.pause():
                    score = None
                    with state.averaged():
                        values = scored(model, moves, validation, batches, plan)
                    if values:
                        score = values[plan.monitor.name] * (-1 if plan.monitor.higher else 1)
                        state.judge(score)
                        log({"seen": state.seen, "validation": values})
                    state.save(folder, card, score, plan.keep)
                for remark in saved():
                    log({"seen": state.seen, "remark": remark})
                if score is not None and halt(score):
                    return Outcome(state.seen, "no better")
            if halted and not over:
                return Outcome(state.seen, "stopped", caught[0] if caught else int(signal.SIGTERM))
            if plan.patience is not None and state.since_best >= plan.patience:
                return Outcome(state.seen, "no better")
    return Outcome(state.seen, "done")


def look(model: Model, state: State, batches: Batches, plan: Plan) -> dict[str, float]:
    """The model looks over the data: process 0 does, and shares what it keeps."""
    with state.averaged(), evaluating(model), torch.autocast(batches.device.type, enabled=False):
        generator = torch.Generator(batches.device).manual_seed(mix(plan.seed, 10, state.seen))
        found = need(model, Looks).look(batches, Progress(state.seen, plan.total, generator))
    parallel.wait("look over the images")  # not in a collective, which has a time limit
    parallel.share([memory.value for memory in memories(model).values()])
    return found


def _looks(times: Sequence[float], seen: int, plan: Plan) -> bool:
    """Whether one of the times falls into the step that begins here."""
    return any(seen <= share * plan.total < seen + plan.batch for share in times)


def step_seconds(model: Model, batches: Batches, plan: Plan, start: int = 0) -> float:
    """How long a step in the middle of the run takes (some methods begin with less), by a copy of the model that plays
    a part of the batch at ``start`` twice; the model stays as it is."""
    copy = deepcopy(model)
    players, moves, seconds = players_of(copy, copy.optimisers()), copy.moves(), 0.0
    statistics = Statistics(copy)
    for _ in range(2):
        began = time.perf_counter()
        generator = torch.Generator(batches.device).manual_seed(0)
        standing = [Progress(plan.total // 2, plan.total, generator, {})]
        for move in moves:
            play(
                move, [batches.at(start, 0, plan.parts)], standing, players, replace(plan, parts=1), batches, statistics
            )
        seconds = time.perf_counter() - began
    return seconds * plan.parts / parallel.world()


def _due(seen: int, every: int, batch: int) -> bool:
    """Whether a multiple of ``every`` was passed by the last batch."""
    return seen // every > (seen - batch) // every


def _again(folder: Path, seen: int) -> str:
    """What to do after Diverged at ``seen``, by what there is to go on from."""
    saved = checkpoint.last_seen(folder)
    if saved == seen > 0:  # from there the same batch meets the same weights, whatever the rate
        return "the checkpoint there leads nowhere: begin anew in another --out, with a lower --rate or with --clip 1"
    way = f"the checkpoint at {counted(saved, 'image')} is intact: go on" if saved else "nothing was saved: begin anew"
    return f"{way} by --resume with a lower --rate or with --clip 1"
