"""From the arguments of ``latelier train`` to all that the loop needs: data, an untrained model, the plan, batches."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from latelier.core import Fits, Model, has, need
from latelier.data.augment import changes_of
from latelier.data.batched import Batched
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.data.seeds import mix
from latelier.data.subsets import among, fewer, hold_out
from latelier.device import pick_device
from latelier.engine import label_error
from latelier.engine.plan import Plan, plan_of
from latelier.engine.tensorboard import check_board
from latelier.engine.validation import judged_by
from latelier.runs.building import Card, assemble
from latelier.runs.compatibility import settings_of
from latelier.training import streaming
from latelier.training.held_out import held_share, own_validation, validation_images
from latelier.training.method import opened_for
from latelier.training.request import announce
from latelier.training.supervision import one_factor, shares, supervised
from latelier.training.warm_start import fitted, take_weights


@dataclass(frozen=True)
class Prepared:
    """All that the loop needs."""

    model: Model
    card: Card
    plan: Plan
    images: Images
    rows: np.ndarray  # of the images that are trained on
    held_out: dict[str, Any]  # which images were not, as config.json has it
    batches: Batched | None  # none for a model of closed form
    validation: Batches | None
    epoch: int  # images that are trained on: those of ``rows``, or more of a stream


def prepare(request: SimpleNamespace) -> Prepared:
    """Data, an untrained model and the plan. The first weights depend on the seed alone."""
    if request.tensorboard:
        check_board()
    device = pick_device(request.device)
    images = fitted(request, opened_for(request))
    split = own_validation(request)
    stream = streaming.stream_of(request, images)
    share = streaming.of_sample(held_share(request, images, split), stream)
    drawn_by = 0 if request.validation is None else request.seed  # without a wish, one and the same for all runs
    rows, held = hold_out(len(images), share, drawn_by)
    if request.where is not None:
        rows = among(images, rows, request.where)
    if request.images is not None:
        rows = fewer(rows, request.images, request.seed)
    augment, known = changes_of(vars(request)), supervised(request, images, rows)
    images = known.images
    settings = known.settings if request.card is None else settings_of(request.card)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mix(request.seed, 0))
        model, card = assemble(request.model, images.shape, images.classes, settings, words=known.words)
    take_weights(request, model)
    held_out = {"split": split} if split else {"share": share, "seed": drawn_by} if share else {}
    if stream:
        stream.check(model, known)
    if has(model, Fits) and not model.moves():
        not_used = ("steps", "epochs", "rate", "clip", "ema")
        unused = [*(f"--{name}" for name in not_used if getattr(request, name) is not None), *augment.options()]
        if unused and request.card is None:
            changes = f"{', '.join(unused)} {'has' if len(unused) == 1 else 'have'} no effect"
            announce(request, f"{request.model} is fitted {need(model, Fits).fitted}: {changes}")
        plan = Plan(total=len(rows), batch=request.batch or model.schedule.batch, seed=request.seed)
        return Prepared(model, card, plan, images, rows, held_out, None, None, len(rows))
    epoch = stream.images - len(held) if stream else len(rows)
    plan = plan_of(request, model, epoch, device)
    drawn: dict[str, Any] = {**shares(model), "one_factor": one_factor(model), "sentences": known.sentences}
    beside: dict[str, Any] = {"seed": plan.seed, "device": device}
    batches: Batched
    if stream:
        batches = stream.batches(plan, known, held, augment, device)
    else:
        drawn["among"] = None if len(rows) == len(images) else rows
        batches = Batches(images, plan.batch, augment=augment, truth=known.truth, **drawn, **beside)
    validation = None
    if split:
        others = known.alike(validation_images(request, images, split))
        validation = Batches(others, plan.batch, sentences=known.sentences_of(others), **beside)
    elif len(held):
        blind = request.monitor in label_error.BLIND
        watched, sentences = (images, known.sentences) if blind else (known.whole, known.all_sentences)
        beside["sentences"] = None if sentences is None else sentences.take(held)
        validation = Batches(watched.take(held), plan.batch, **beside)
    model = model.to(device)
    plan = replace(plan, monitor=judged_by(request, model, validation, batches))
    return Prepared(model, card, plan, images, rows, held_out, batches, validation, epoch)
