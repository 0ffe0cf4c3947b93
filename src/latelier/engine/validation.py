"""What images held out of training say of a model, and of its checkpoints which is the best."""

from types import SimpleNamespace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from latelier.config.lookup import guess
from latelier.core import FINAL, Metric, Model, Move, Progress, Wrapper
from latelier.data.batched import Batched
from latelier.data.batches import Batches
from latelier.data.seeds import mix
from latelier.device import mixed
from latelier.engine import label_error, parallel
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating

if TYPE_CHECKING:
    from latelier.engine.plan import Plan


TEN = 10  # images, of which a tenth is one


def judged_by(request: SimpleNamespace, model: Model, validation: Batches | None, batches: Batched) -> Metric:
    """What checkpoints of a run are judged by (``monitor_of``). Raises Refusal also where a new run is to be judged,
    or stopped, by images that it does not hold out; older runs, whose images were not checked, resume."""
    requested = label_error.monitor_for(request, model, batches)
    if validation is None and requested != label_error.METRIC.name and request.card is None:
        if requested is not None and isinstance(batches, Batches):
            monitor_of(model, batches, requested)  # a name that is wrong is said first
        options = {f"--monitor {requested}": requested, f"--patience {request.patience}": request.patience}
        if given := [option for option, value in options.items() if value is not None]:
            part = "0.1 to hold out a tenth" if len(batches.images) >= TEN else "0.5 to hold out half"
            raise Refusal(
                f"{given[0]} needs validation images, and {request.data} has none and none are held out; give "
                f"--validation {part}"
            )
    metric = monitor_of(model, validation, requested)
    patient = request.patience is not None and request.card is None and metric != label_error.METRIC
    if patient and validation is not None and not _measurable(model, validation).tells(*validation.known()):
        other = f'add --monitor "{label_error.METRIC.name}", or ' * (request.monitor != label_error.METRIC.name)
        raise Refusal(
            f"--patience {request.patience} stops a run by its validation images, but none has a label that the run "
            f"may know, and {request.model} learns labels alone; {other}leave --patience out"
        )
    return metric


def monitor_of(model: Model, validation: Batches | None, requested: str | None) -> Metric:
    """What the run's checkpoints are judged by: the metric asked for, else that of the outermost part of the model of
    which these images can tell. Raises Refusal, before anything is learned, for one that no validation will report."""
    own = _measurable(model, validation).monitor()
    if requested == label_error.METRIC.name:
        return label_error.METRIC
    if requested is None or validation is None:
        return own
    known = _known(model, validation)
    known[label_error.METRIC.name] = label_error.METRIC
    if requested not in known:
        ways = ((f"{way} is better", [n for n, m in known.items() if m.higher == up]) for way, up in DIRECTIONS)
        there = "; ".join(f"{way}: {', '.join(names)}" for way, names in ways if names)
        raise Refusal(f"--monitor {requested} is no metric of this run; {guess(requested, list(known))}{there}")
    return own if requested == own.name else known[requested]


def _measurable(model: Model, validation: Batches | None) -> Model:
    """The outermost part of the model of which these images can tell, or the innermost."""
    labelled, captioned = (0, 0) if validation is None else validation.known()
    while isinstance(model, Wrapper) and not model.tells(labelled, captioned):
        model = model.inner
    return model


DIRECTIONS = (("higher", True), ("lower", False))


def _known(model: Model, validation: Batches) -> dict[str, Metric]:
    """All that validation will report, by name, each with the direction that the part of the model declares which
    reports it."""
    batch = validation.rows(torch.arange(min(2, len(validation.images))))  # one image has no other beside it
    progress = Progress(FINAL, 1, torch.Generator(validation.device).manual_seed(0), {})
    terms: dict[str, float] = {}
    with evaluating(model):
        for move in model.moves():
            terms |= {name: float(value.mean()) for name, value in move(batch, progress).report.items()}
    names, higher, part = [*terms, *model.measures(terms), "loss"], set(model.higher), model
    while isinstance(part, Wrapper):
        part = part.inner
        higher |= set(part.higher)
    return {name: Metric(name, name in higher) for name in names}


def scored(
    model: Model, moves: tuple[Move, ...], validation: Batches | None, batches: Batched, plan: "Plan"
) -> dict[str, float]:
    """What there is to judge a checkpoint by: of validation images, if there are any, and of those that are trained on
    where the plan asks for that. Empty where there is nothing."""
    values = {} if validation is None else validate(model, moves, validation, plan)
    return values | (label_error.measured(model, batches) if plan.monitor == label_error.METRIC else {})


def validate(model: Model, moves: tuple[Move, ...], batches: Batches, plan: "Plan") -> dict[str, float]:
    """Mean of every report term over all validation images, the model's measures of them, and ``loss``, the sum of what
    the players minimise; a scalar that several share counts once. Every schedule stands at its end, so that what is
    compared over a run is one and the same.

    The noise is the same at every validation, so that scores differ by the weights alone. Processes share the batches;
    each adds up what all have measured, in the order of the batches, so that the means are the same in all of them, and
    for any number of them.
    """
    count = len(batches.images)
    starts = range(0, count, plan.batch)
    model.eval()
    mine = [
        (start, _measured(model, moves, batches, plan, start)) for start in starts[parallel.rank() :: parallel.world()]
    ]
    model.train()
    found = {start: values for part in parallel.gathered(mine, "measure validation images") for start, values in part}
    terms: dict[str, float] = {}
    for start in starts:
        share = min(plan.batch, count - start) / count
        for name, value in found[start]:
            terms[name] = terms.get(name, 0.0) + value * share
    return terms | model.measures(terms)


def _measured(
    model: Model, moves: tuple[Move, ...], batches: Batches, plan: "Plan", start: int
) -> list[tuple[str, float]]:
    """Each term's mean over the batch that begins at an image, and ``loss``, move by move."""
    batch = batches.rows(torch.arange(start, min(start + plan.batch, len(batches.images))))
    generator = torch.Generator(batches.device).manual_seed(mix(plan.seed, 4, start))
    standing = Progress(FINAL, plan.total, generator, {}, len(batches.images))
    names, values = list[str](), list[Tensor]()
    for move in moves:
        with torch.no_grad(), mixed(plan.precision, batches.device):
            losses = move(batch, standing)
        distinct = {id(value): value.detach().double() for value in losses.minimise.values()}
        none = torch.zeros((), dtype=torch.float64, device=batches.device)
        names += [*losses.report, "loss"]
        values += [value.detach().mean().double() for value in losses.report.values()]  # a slope is one of a graph
        values.append(sum(distinct.values(), none))
    return list(zip(names, torch.stack(values).tolist(), strict=True))  # one read of the device
