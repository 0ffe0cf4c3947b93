"""Moving codes towards attributes: along what their linear classifiers point at (IntroVAC, section 4.2), or along steps
given beside these."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from latelier.config.lookup import nearest
from latelier.core import Code, Directions
from latelier.errors import Refusal
from latelier.objectives.attributes import FAKE

LEAST = 1e-6  # length of a sum of directions that counts as none
SHOWN = 60  # characters of a name that is none


def log_odds(directions: Directions, code: Code) -> Tensor:
    """[b, a] of codes [b, ...]: log p(attribute) - log p(not), the signed distance from the classifier's plane times
    the length of its weight."""
    parts = [code[name].flatten(1).float() @ weight.flatten(1).T for name, weight in directions.weight.items()]
    return torch.stack(parts).sum(0) + directions.bias


def steps_towards(directions: Directions, names: Sequence[str], wishes: Tensor) -> Code:
    """[b, *shape] each: for each of b codes a step towards each of the named attributes that it is wished to have
    (``wishes`` [b, w] is 1) and away from each other (0), all by the same share: along the sum of the attributes' own
    steps, and together as long as one of these (the root of the mean of their squared lengths). Where those are the
    units w / |w| times ``directions.unit`` this is the normalised sum of the authors' code. Raises Refusal for an
    unknown attribute and for directions that cancel."""
    own = _alone(directions)[[place(directions, name) for name in names]]
    usual = own.square().sum(1).mean().sqrt()
    whole = (2 * wishes.to(own) - 1) @ own
    length = whole.norm(dim=1, keepdim=True)
    if (length <= LEAST * usual).any():
        raise Refusal(f"{', '.join(names)} have no direction in this model's code, or cancel; name others")
    parts = (usual * whole / length).split([w[0].numel() for w in directions.weight.values()], 1)
    return {
        name: part.view(-1, *weight.shape[1:])
        for (name, weight), part in zip(directions.weight.items(), parts, strict=True)
    }


def _alone(directions: Directions) -> Tensor:
    """[a, d]: the step towards each attribute alone, over the latents in the order of ``weight``."""
    given = directions.step or directions.weight
    flat = torch.cat([given[name].flatten(1) for name in directions.weight], 1)
    return flat if directions.step else directions.unit * functional.normalize(flat, dim=1)


def step_towards(directions: Directions, wishes: Mapping[str, int]) -> Code:
    """The step [*shape] that is the same for all codes."""
    steps = steps_towards(directions, list(wishes), torch.tensor([list(wishes.values())]))
    return {name: value[0] for name, value in steps.items()}


def moved(code: Code, step: Code, by: float | Tensor) -> Code:
    """The codes [b, ...] with this many steps added, as many for all or [b]; ``step`` is one for all or for each."""
    return {
        name: value + (by.view(-1, *[1] * (value.dim() - 1)) if isinstance(by, Tensor) else by) * step[name]
        if name in step
        else value
        for name, value in code.items()
    }


def place(directions: Directions, name: str) -> int:
    """The attribute's number. Raises Refusal with the nearest match."""
    if name not in directions.names:
        there = [one for one in directions.names if one != FAKE]  # it can be asked for, but no image is known by it
        raise Refusal(f'no attribute "{name[:SHOWN]}" in this model; {nearest(name, there)}')
    return directions.names.index(name)
