"""Players: who owns which weights, and how each gets its gradient from its own scalar and from no other; and what
belongs to nobody: running statistics."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from latelier.core import Losses, Model, Optimiser
from latelier.engine import parallel
from latelier.nets.running import Running

STEP = "step"  # the slot of an optimiser's count of steps
SLOTS = {  # what an optimiser keeps of each weight
    torch.optim.Adam: (STEP, "exp_avg", "exp_avg_sq"),
    torch.optim.SGD: ("momentum_buffer",),
    torch.optim.Adagrad: (STEP, "sum"),
    torch.optim.RMSprop: (STEP, "square_avg"),
}


class Player:
    """One player's weights, by name, and its optimiser."""

    def __init__(self, name: str, weights: dict[str, nn.Parameter], settings: Optimiser):
        self.name, self.names, self.weights = name, list(weights), list(weights.values())
        self.rate = settings.rate
        self.optimiser = _optimiser(self.weights, settings)

    def step(self, gradients: Sequence[Tensor], factor: float) -> None:
        """One step along the gradients at ``factor`` times the full rate."""
        for weight, gradient in zip(self.weights, gradients, strict=True):
            # Fused optimisers walk through memory and do not look at strides: all must lie as the weight lies.
            weight.grad = gradient if gradient.stride() == weight.stride() else torch.empty_like(weight).copy_(gradient)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * factor
        self.optimiser.step()
        for weight in self.weights:
            weight.grad = None

    def state(self) -> dict[str, Tensor]:
        """The optimiser's tensors by the weight's name: ``model/encoder.0.weight/exp_avg``."""
        return {
            f"{self.name}/{name}/{key}": value
            for name, weight in zip(self.names, self.weights, strict=True)
            for key, value in self.optimiser.state.get(weight, {}).items()
            if isinstance(value, Tensor)
        }

    def shapes(self) -> dict[str, torch.Size]:
        """Of all tensors that ``state`` has after a step."""
        plain = isinstance(self.optimiser, torch.optim.SGD) and not self.optimiser.defaults["momentum"]
        slots = () if plain else SLOTS[type(self.optimiser)]
        pairs = [(name, weight, slot) for name, weight in zip(self.names, self.weights, strict=True) for slot in slots]
        return {f"{self.name}/{n}/{slot}": torch.Size() if slot == STEP else w.shape for n, w, slot in pairs}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """The inverse of ``state``; of other tensors it takes no notice. Raises KeyError where one of ``shapes`` is
        missing."""
        by_name = dict(zip(self.names, self.weights, strict=True))
        for key in self.shapes():
            _, name, slot = key.split("/")
            weight, fused = by_name[name], self.optimiser.defaults.get("fused")
            # In the weight's own memory order: files hold every tensor row by row, and fused steps ignore strides.
            like = weight.detach() if slot != STEP else torch.empty((), device=weight.device if fused else "cpu")
            self.optimiser.state[weight][slot] = torch.empty_like(like).copy_(state[key])


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
        """After this process's share of so many parts."""
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


def differentiate(losses: Losses, players: Mapping[str, Player]) -> dict[str, tuple[Tensor, ...]]:
    """Each player's gradient of its own scalar with respect to its own weights, all taken before anyone steps.

    Raises ValueError naming a weight that its player's loss does not reach.
    """
    sharing: dict[int, list[str]] = {}  # players who minimise the very same scalar share one way back through the graph
    for name, loss in losses.minimise.items():
        if name not in players:
            raise ValueError(f"a move minimises for '{name}', but the players are {', '.join(players)}")
        sharing.setdefault(id(loss), []).append(name)
    gradients: dict[str, tuple[Tensor, ...]] = {}
    for place, names in enumerate(sharing.values(), 1):
        loss, weights = losses.minimise[names[0]], [weight for name in names for weight in players[name].weights]
        try:
            found = list(torch.autograd.grad(loss, weights, retain_graph=place < len(sharing)))
        except RuntimeError as error:
            if "have been used in the graph" not in str(error):
                raise
            parts = iter(torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True))
            unused = [(name, weight) for name in names for weight in players[name].names if next(parts) is None]
            raise ValueError("the loss of player '{}' does not reach its weight {}".format(*unused[0])) from error
        for name in names:
            count = len(players[name].weights)
            gradients[name], found = tuple(found[:count]), found[count:]
    return {name: gradients[name] for name in losses.minimise}


def _optimiser(weights: list[nn.Parameter], o: Optimiser) -> torch.optim.Optimizer:
    if o.kind == "adam":  # fused: one pass over memory, 2.2x the plain loop on a CPU
        return torch.optim.Adam(weights, lr=o.rate, betas=o.betas, weight_decay=o.weight_decay, fused=True)
    if o.kind == "sgd":
        return torch.optim.SGD(weights, lr=o.rate, momentum=o.betas[0], weight_decay=o.weight_decay, fused=True)
    if o.kind == "adagrad":
        return torch.optim.Adagrad(weights, lr=o.rate, weight_decay=o.weight_decay)
    return torch.optim.RMSprop(weights, lr=o.rate, alpha=o.betas[1], weight_decay=o.weight_decay)
