"""Players: who owns which weights, and how each gets its gradient from its own scalar and from no other; and what
belongs to no player: running statistics."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from itertools import islice

import torch
from torch import Tensor, nn

from latelier.core import Losses, Model, Optimiser
from latelier.engine import optimisers, parallel
from latelier.engine.buckets import Buckets
from latelier.nets.running import Running


class Player:
    """One player's weights, by name, and its optimiser."""

    def __init__(self, name: str, weights: dict[str, nn.Parameter], settings: Optimiser):
        self.name, self.names, self.weights = name, list(weights), list(weights.values())
        self.settings = settings
        self._kept: dict[str, list[Tensor]] | None = None  # none before the first step
        self._strides: list[tuple[int, ...]] = []  # of the weights, and so of what is kept of them

    def step(self, gradients: Sequence[Tensor], factor: float, skip: Tensor | None = None) -> None:
        """One step along the gradients at ``factor`` times the full rate; none where ``skip``, a number on the weights'
        device, is 1."""
        kept = self._start() if self._kept is None else self._kept
        # Fused optimisers walk through memory and do not look at strides: all must lie as the weight lies. The weights'
        # strides are read once; a gradient's are autograd's choice, which may be another in the next step.
        if [gradient.stride() for gradient in gradients] != self._strides:
            gradients = [
                gradient if gradient.stride() == strides else torch.empty_like(weight).copy_(gradient)
                for weight, gradient, strides in zip(self.weights, gradients, self._strides, strict=True)
            ]
        optimisers.step(self.settings, self.weights, gradients, kept, self.settings.rate * factor, skip)

    def _start(self) -> dict[str, list[Tensor]]:
        """What is kept before the first step: new tensors, which lie as their weights do from here on."""
        self._strides = [weight.stride() for weight in self.weights]
        self._kept = optimisers.started(self.settings, self.weights)
        return self._kept

    def forget(self) -> None:
        """As before the first step."""
        self._kept = None

    def state(self) -> dict[str, Tensor]:
        """The optimiser's tensors by the weight's name: ``model/encoder.0.weight/exp_avg``."""
        return {
            f"{self.name}/{name}/{slot}": values[place]
            for place, name in enumerate(self.names)
            for slot, values in (self._kept or {}).items()
        }

    def shapes(self) -> dict[str, torch.Size]:
        """Of all tensors that ``state`` has after a step."""
        return {
            f"{self.name}/{name}/{slot}": torch.Size() if slot == optimisers.STEP else weight.shape
            for name, weight in zip(self.names, self.weights, strict=True)
            for slot in optimisers.slots(self.settings)
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """The inverse of ``state``; of other tensors it takes no notice. Raises KeyError where one of ``shapes`` is
        missing."""
        for slot, values in self._start().items():
            for name, value in zip(self.names, values, strict=True):
                value.copy_(state[f"{self.name}/{name}/{slot}"])  # files hold every tensor row by row


class Statistics:
    """Running means and variances, batch norm's and others'. Each part of a batch moves them from where the batch found
    them, and they end at the mean over parts: so that they do not depend on how processes share the parts out."""

    def __init__(self, model: nn.Module):
        norms = [part for part in model.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm | Running)]
        self._running = [buffer for norm in norms for buffer in norm.buffers()]
        self._before = [buffer.clone() for buffer in self._running]
        self._sums = [torch.zeros_like(buffer) for buffer in self._running]

    def collect(self) -> None:
        """Takes up what a part left behind, and puts back what it found."""
        for buffer, before, total in zip(self._running, self._before, self._sums, strict=True):
            total += buffer - before
            buffer.copy_(before)

    def settle(self, parts: int) -> None:
        """After this process's share of this many parts."""
        moved = [total.float() for total in self._sums]
        parallel.average(moved)
        for buffer, before, total, change in zip(self._running, self._before, self._sums, moved, strict=True):
            before += (change * parallel.world() / parts).to(before.dtype)
            buffer.copy_(before)
            total.zero_()


def players_of(model: Model, settings: Mapping[str, Optimiser]) -> dict[str, Player]:
    """The model's players. Raises ValueError unless every weight belongs to exactly one of them."""
    names = {id(weight): name for name, weight in model.named_parameters()}
    owner: dict[int, str] = {}
    players = {}
    for player, parts in model.players.items():
        weights = [w for part in parts for w in ([part] if isinstance(part, nn.Parameter) else part.parameters())]
        for weight in weights:
            if id(weight) in owner:
                raise ValueError(
                    f"weight {names[id(weight)]} belongs to '{owner[id(weight)]}' and to '{player}'; give it to one"
                )
            owner[id(weight)] = player
        if player not in settings:
            raise ValueError(f"player '{player}' has no optimiser")
        players[player] = Player(player, {names[id(w)]: w for w in weights}, settings[player])
    orphans = [name for key, name in names.items() if key not in owner]
    if orphans:
        raise ValueError(f"weight {orphans[0]} belongs to no player; every weight needs one")
    return players


def differentiate(
    losses: Losses,
    players: Mapping[str, Player],
    before: Mapping[str, Sequence[Tensor]] | None = None,
    share: float | None = None,
) -> dict[str, tuple[Tensor, ...]]:
    """Each player's gradient of its own scalar with respect to its own weights, all taken before anyone steps. With
    ``share`` they are added to those of ``before``, if there are any, divided by it, and averaged over processes.

    Raises ValueError naming a weight that its player's loss does not reach.
    """
    sharing: dict[int, list[str]] = {}  # players who minimise the very same scalar share one way back through the graph
    for name, loss in losses.minimise.items():
        if name not in players:
            raise ValueError(f"a move minimises for '{name}', but the players are {', '.join(players)}")
        sharing.setdefault(id(loss), []).append(name)
    found: dict[tuple[str, ...], Sequence[Tensor] | Buckets] = {}
    for place, names in enumerate(sharing.values(), 1):
        loss, weights = losses.minimise[names[0]], [weight for name in names for weight in players[name].weights]
        buckets = None
        if share is not None:
            earlier = [gradient for name in names for gradient in before[name]] if before else None
            buckets = Buckets(weights, earlier, share)
        with nullcontext() if buckets is None else buckets.listening():
            taken = torch.autograd.grad(loss, weights, retain_graph=place < len(sharing), allow_unused=True)
        owners = [(name, weight) for name in names for weight in players[name].names]
        unused = [owner for owner, gradient in zip(owners, taken, strict=True) if gradient is None]
        if unused:
            raise ValueError("the loss of player '{}' does not reach its weight {}".format(*unused[0]))
        found[tuple(names)] = taken if buckets is None else buckets
        del taken  # buckets have copies
    gradients: dict[str, tuple[Tensor, ...]] = {}
    for group, one in found.items():
        every = iter(one.averaged() if isinstance(one, Buckets) else one)
        for name in group:
            gradients[name] = tuple(islice(every, len(players[name].weights)))
    return {name: gradients[name] for name in losses.minimise}
