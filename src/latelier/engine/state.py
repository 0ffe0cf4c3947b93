"""All that training carries from step to step, and its way to disk and back."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from latelier.core import Model
from latelier.core.looks import memories
from latelier.engine import checkpoint, parallel
from latelier.engine.players import Player
from latelier.errors import Refusal
from latelier.nets.running import Running
from latelier.storage.schemas import CardNote, Standing

MEMORY = "memory/"  # prefix of what the model keeps image by image
RESTORE = "restore the run from a copy, or train it again"
CARD = ("image", "classes", "words")  # of a card, beside the method's settings
OPTIMISER, AVERAGE = "optimiser/", "average/"  # prefixes of what is no tensor of the model
RAW = "raw/"  # prefix of the trained weights in the state file when the weights file holds their average


class State:
    """Model, optimisers, the weights' exponential moving average, and how validation has gone."""

    def __init__(self, model: Model, players: dict[str, Player], average: bool):
        self.model, self.players = model, players
        self.seen, self.best, self.since_best = 0, float("inf"), 0
        self.average = {name: w.detach().clone() for name, w in model.named_parameters()} if average else {}

    def follow(self, keep: float) -> None:
        """Moves the average towards the weights: average <- keep * average + (1 - keep) * weights."""
        if self.average:
            torch._foreach_lerp_(list(self.average.values()), [w.detach() for w in self.model.parameters()], 1 - keep)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the model holds the averaged weights, if there are any: what the run gives is what is validated."""
        raw = {name: w.detach().clone() for name, w in self.model.named_parameters() if name in self.average}
        self.model.load_state_dict(self.average, strict=False)
        try:
            yield
        finally:
            self.model.load_state_dict(raw, strict=False)

    def tensors(self) -> dict[str, Tensor]:
        """All that steps change: weights, buffers (what looks keep image by image is none of it), what the optimisers
        keep, and the average."""
        looked = {id(memory.value) for memory in memories(self.model).values()}
        parts = [*self.model.named_parameters(), *self.model.named_buffers()]
        found = {name: tensor.detach() for name, tensor in parts if id(tensor) not in looked}
        found |= {OPTIMISER + key: value for player in self.players.values() for key, value in player.state().items()}
        return found | {AVERAGE + name: value for name, value in self.average.items()}

    def put_back(self, tensors: Mapping[str, Tensor]) -> None:
        """What ``tensors`` was at an earlier moment."""
        for player in self.players.values():
            if not all(OPTIMISER + key in tensors for key in player.state()):
                player.forget()
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])

    def judge(self, score: float) -> None:
        """Takes note of a validation score; lower is better."""
        self.since_best = 0 if score < self.best else self.since_best + 1
        self.best = min(self.best, score)

    def save(self, folder: Path, card: dict[str, Any], score: float | None, keep: int) -> None:
        """Writes a checkpoint (rank 0 does) and removes what is older than ``keep``. Raises Refusal on a full disk."""
        if not parallel.same_everywhere(self.model.parameters()):
            raise RuntimeError(
                f"the processes no longer hold the same weights at {self.seen} images; start from the last checkpoint"
            )
        if parallel.rank() == 0:
            weights = {**self.model.state_dict(), **self.average}
            state = {key: value for player in self.players.values() for key, value in player.state().items()}
            if self.average:
                state |= {RAW + name: w for name, w in self.model.named_parameters()}
            state |= {MEMORY + name: memory.value for name, memory in memories(self.model).items() if len(memory.value)}
            standing = {"seen": self.seen, "best": self.best, "since_best": self.since_best}
            checkpoint.save(folder, self.seen, weights, {**card, "seen": self.seen}, state, standing, score)
            checkpoint.prune(folder, keep, self.seen)
        parallel.wait("write the checkpoint")

    def resume(self, folder: Path, batch: int, images: int, card: Mapping[str, Any]) -> tuple[str, ...]:
        """Takes up the folder's newest good checkpoint, if it has one. Returns remarks on damaged ones passed over.
        Raises Refusal for one that is not of this model, whose ``card`` is given, with steps of ``batch`` and this many
        images."""
        found = checkpoint.latest(folder)
        device = next(iter(self.model.state_dict().values())).device
        if not parallel.same_everywhere([torch.tensor(found.seen if found else 0, device=device)]):
            raise Refusal(
                f"the processes see different checkpoints in {folder}; all machines must share one folder, or have one "
                "--mirror"
            )
        if found is None:
            return ()
        weights, note = checkpoint.read(found.weights, CardNote, device)
        check_card(card, note, folder / "config.json")
        state, standing = checkpoint.read(found.state, Standing, device)
        for path, seen in ((found.weights, note.get("seen", found.seen)), (found.state, standing["seen"])):
            if seen != found.seen:
                raise Refusal(f"{path} is of another moment, at {seen:,} images; {RESTORE}")
        if found.seen % batch:
            raise Refusal(f"{found.state} is at {found.seen:,} images, between two steps of {batch}; {RESTORE}")
        self._check(state, found.state, images)
        load_weights(self.model, weights, found.weights)
        for name in self.average:
            self.average[name].copy_(weights[name])
        raw = {key.removeprefix(RAW): value for key, value in state.items() if key.startswith(RAW)}
        self.model.load_state_dict(raw, strict=False)
        for name, memory in memories(self.model).items():
            memory.value = state.get(MEMORY + name, memory.value)
        for player in self.players.values():
            player.restore(state)
        self.seen, self.best, self.since_best = standing["seen"], standing["best"], standing["since_best"]
        return found.remarks

    def _check(self, state: dict[str, Tensor], path: Path, images: int) -> None:
        """Raises Refusal unless a state file's tensors are those that this training goes on from."""
        needed = {name: shape for player in self.players.values() for name, shape in player.shapes().items()}
        needed |= {RAW + name: weight.shape for name, weight in self.model.named_parameters() if name in self.average}
        kept = {MEMORY + name: memory for name, memory in memories(self.model).items()}
        for name, shape in needed.items():
            if name not in state:
                raise Refusal(f"{path} lacks '{name}', which training goes on from; {RESTORE}")
            if state[name].shape != shape:
                raise Refusal(f"{path}: '{name}' has shape {tuple(state[name].shape)}, not {tuple(shape)}; {RESTORE}")
        for name in state.keys() - needed.keys():
            if name not in kept or not kept[name].takes(state[name], images):
                raise Refusal(f"{path} has a '{name}' that this training has no use for; {RESTORE}")


def load_weights(model: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    """Puts a file's tensors into the model. Raises Refusal naming the first that does not fit."""
    own = model.state_dict()
    parts = [(place, part) for place, part in model.named_modules() if isinstance(part, Running)]
    late = [f"{place}.{name}" if place else name for place, part in parts for name in part.later]
    weights = {name: own[name] for name in late} | weights
    for name, tensor in own.items():
        if name not in weights:
            raise Refusal(f"{path} has no tensor '{name}' for this model; it was written for another configuration")
        if weights[name].shape != tensor.shape:
            raise Refusal(
                f"{path}: tensor '{name}' has shape {tuple(weights[name].shape)}, this model expects "
                f"{tuple(tensor.shape)}"
            )
    if extra := sorted(set(weights) - set(own)):
        raise Refusal(
            f"{path} has a tensor '{extra[0]}' that this model does not know; it was written for another model"
        )
    model.load_state_dict(weights)


def check_card(stored: Mapping[str, Any], held: Mapping[str, Any], path: Path) -> None:
    """Raises Refusal where config.json (at ``path``) tells of another model than weights hold beside it: another run's,
    or that of an earlier one. What only one of them names, being of another version, may differ."""
    there, here = (
        json.loads(json.dumps({**{n: card[n] for n in CARD if n in card}, **card["config"]})) for card in (stored, held)
    )
    for name, one, other in differing(there, here):
        raise Refusal(f"{path} is another run's: {name} is {one} in it and {other} in the weights; restore it")


def differing(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Dotted names that both have, with other values, and these."""
    for name in sorted(there.keys() & here.keys()):
        one, other = there[name], here[name]
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from ((f"{name}.{below}", *values) for below, *values in differing(one, other))
        elif one != other:
            yield name, one, other
