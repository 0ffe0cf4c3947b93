"""The loop. Everything is counted in images; order and noise are functions of (seed, position); so the whole state is
weights + optimisers + EMA + how many images were seen, and a killed run resumes bit for bit on the CPU.

A batch is cut into ``parts``, each with noise of its own; processes share the parts out and average the gradients. The
result depends on the number of parts, not on the number of processes.
"""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from latelier.core import Model, Progress, has, need
from latelier.core.looks import Looks, memories
from latelier.data.batched import Batched
from latelier.data.batches import Batches, any_row
from latelier.data.seeds import mix
from latelier.device import EMULATED, emulates_bf16, products
from latelier.engine import checkpoint, parallel
from latelier.engine.ahead import Ahead, ahead
from latelier.engine.meter import Meter, signals
from latelier.engine.move import Diverged, play
from latelier.engine.plan import Plan
from latelier.engine.players import Player, Statistics, players_of
from latelier.engine.state import State
from latelier.engine.validation import scored
from latelier.engine.watch import Watch
from latelier.nets.eval_mode import evaluating
from latelier.nets.guarded import guard, remarks
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
    batches: Batched,
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
    players = players_of(model, settings)
    state = State(model, players, average=plan.ema is not None)
    damaged = state.resume(folder, plan.batch, len(batches.images), card)
    begin()
    parallel.share([*model.parameters(), *model.buffers()])
    going = _Going(state, players, batches, plan, _Log(model, folder, show), validation)
    for remark in damaged:
        going.log({"seen": state.seen, "remark": f"{remark}; going on from {counted(state.seen, 'image')}"})
    if plan.precision == "bf16" and emulates_bf16(batches.device):
        going.log({"seen": state.seen, "remark": EMULATED})
    model.train()
    with signals() as caught, ahead(batches, going.mine, plan) as made, products(plan.precision, batches.device):
        while state.seen < plan.total:
            if going.looks() and not going.watch.again():
                going.look(made)
            if not going.step(made, folder) or not going.reads(bool(caught)):
                continue
            faulty, halted = going.watch.read(bool(caught))
            if faulty:
                going.rewind()
                continue
            over = state.seen >= plan.total
            if over or halted or _due(state.seen, plan.log_every, plan.batch):
                going.log(going.meter.read(state.seen))
            if over or halted or _due(state.seen, plan.save_every, plan.batch):
                score = going.save(made, folder, card)
                for remark in saved():
                    going.log({"seen": state.seen, "remark": remark})
                if score is not None and halt(score):
                    return Outcome(state.seen, "no better")
            if halted and not over:
                return Outcome(state.seen, "stopped", caught[0] if caught else int(signal.SIGTERM))
            if plan.patience is not None and state.since_best >= plan.patience:
                return Outcome(state.seen, "no better")
    return Outcome(state.seen, "done")


class _Log:
    """A run's log, which process 0 writes, with what the model remarks on its own terms, and what is to be said of how
    it is computed: each remark once."""

    def __init__(self, model: Model, folder: Path, show: Callable[[dict[str, Any]], None]):
        self._model, self._path, self._show = model, folder / "log.jsonl", show
        self._said: set[str] = set()

    def __call__(self, record: dict[str, Any]) -> None:
        if parallel.rank() > 0:
            return
        json_records.append(self._path, record)
        self._show(record)
        for remark in (*remarks(self._model), *self._model.remarks(record.get("terms", {}), record["seen"])):
            if remark not in self._said:
                self._said.add(remark)
                self({"seen": record["seen"], "remark": remark})


class _Going:
    """A training as it goes on: what a step needs, and what is done between two steps."""

    def __init__(
        self,
        state: State,
        players: dict[str, Player],
        batches: Batched,
        plan: Plan,
        log: _Log,
        validation: Batches | None,
    ):
        self.state, self.log = state, log
        self._model, self._players, self._batches, self._plan = state.model, players, batches, plan
        self._validation, self._moves = validation, state.model.moves()
        self._statistics = Statistics(state.model)
        self._times = need(state.model, Looks).times() if has(state.model, Looks) else ()
        self.mine = range(parallel.rank(), plan.parts, parallel.world())  # the parts of a batch that are played here
        self._generators = [torch.Generator(batches.device) for _ in self.mine]
        self.meter, self.watch = Meter(state.seen), Watch(state, plan, batches.device)

    def looks(self) -> bool:
        """Whether the model looks over the data before the step that begins here."""
        seen, plan = self.state.seen, self._plan
        return any(seen <= share * plan.total < seen + plan.batch for share in self._times)

    def look(self, made: Ahead) -> None:
        """It does."""
        made.settle()
        with self.meter.pause():
            self.log({"seen": self.state.seen, "look": look(self._model, self.state, self._batches, self._plan)})

    def step(self, made: Ahead, folder: Path) -> bool:
        """Plays all moves on the batch at this position. False where a step before was found not to be finite
        meanwhile: then training is back there. Raises Diverged, with what there is to go on from."""
        state, plan, flag = self.state, self._plan, self.watch.step()
        # The same batch and the same noise, whenever and wherever this position is played.
        parts = made.at(state.seen)
        for part, generator in zip(self.mine, self._generators, strict=True):
            generator.manual_seed(mix(plan.seed, 3, part, state.seen))
        count = len(self._batches.images)
        progress = [Progress(state.seen, plan.total, one, {}, count) for one in self._generators]
        try:
            for move in self._moves:
                report = play(move, parts, progress, self._players, plan, self._batches, self._statistics, flag)
                self.meter.add(report)
        except Diverged as error:
            raise Diverged(f"{error}; {_again(folder, state.seen)}") from None
        except Exception:
            if not self.watch.failed():
                raise
            self.rewind()
            return False
        if plan.ema is not None:
            state.follow(0.5 ** (plan.batch / plan.ema))
        state.seen += plan.batch
        return True

    def reads(self, stop: bool) -> bool:
        """Whether the device is read after this step: the same in every process."""
        seen, plan = self.state.seen, self._plan
        marks = any(_due(seen, every, plan.batch) for every in (plan.log_every, plan.save_every))
        alone = stop and parallel.world() == 1
        return seen >= plan.total or marks or self.looks() or alone or self.watch.due()

    def rewind(self) -> None:
        """Goes back to where all was finite."""
        self.watch.rewind()
        seen = self.state.seen
        self.log({"seen": seen, "remark": "a step after this one was not finite; the steps since are played again"})
        self.meter.start(seen)
        self._statistics = Statistics(self._model)

    def save(self, made: Ahead, folder: Path, card: dict[str, Any]) -> float | None:
        """Measures the validation images, if there are any, and writes a checkpoint. Its score, the lower the
        better."""
        state, plan, score = self.state, self._plan, None
        made.settle()
        with self.meter.pause():
            with state.averaged():
                values = scored(self._model, self._moves, self._validation, self._batches, plan)
            if values:
                score = values[plan.monitor.name] * (-1 if plan.monitor.higher else 1)
                state.judge(score)
                self.log({"seen": state.seen, "validation": values})
            state.save(folder, card, score, plan.keep)
        return score


def look(model: Model, state: State, batches: Batched, plan: Plan) -> dict[str, float]:
    """The model looks over the data: process 0 does, and shares what it keeps."""
    with state.averaged(), evaluating(model), torch.autocast(batches.device.type, enabled=False):
        generator = torch.Generator(batches.device).manual_seed(mix(plan.seed, 10, state.seen))
        whole = any_row(batches, "a look over its images")
        found = need(model, Looks).look(whole, Progress(state.seen, plan.total, generator))
    parallel.wait("look over the images")  # not in a collective, which has a time limit
    parallel.share([memory.value for memory in memories(model).values()])
    return found


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
