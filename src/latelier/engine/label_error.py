"""A metric of checkpoints that spends no label: how well the training's own labels tell each other's classes by a graph
of nearest codes, each hidden once (``learners.propagation.cross_validated``).

An encoder that learns from labels has seen those that it is asked for, so that beside a label head the metric flatters,
and often is 0 for several checkpoints, of which the latest counts."""

from types import SimpleNamespace

import numpy as np
import torch

from latelier.core import Encodes, Metric, Model, has, need
from latelier.data.batched import Batched
from latelier.data.batches import any_row
from latelier.engine import parallel
from latelier.errors import Refusal
from latelier.heads.joint import Joint
from latelier.heads.reading import codes_of
from latelier.learners.propagation import cross_validated, neighbours_graph
from latelier.nets.eval_mode import evaluating
from latelier.terminal.progress import step

LOOK = "a look over the labelled images"
METRIC = Metric("cross-validated label error %")
BLIND = (None, "loss", METRIC.name)  # by which labels and captions of validation that are hidden decide nothing
LABELLED, OTHERS = 1_000, 2_000  # images in the graph, at most: a second each time


def monitor_for(request: SimpleNamespace, model: Model, batches: Batched) -> str | None:
    """The metric that --monitor asks for; None, and a line that says why, where it is this one and no class has two
    labels. Raises Refusal for this one of a model without codes."""
    name: str | None = request.monitor
    if name != METRIC.name:
        return name
    if not has(model, Encodes):
        raise Refusal(f"--monitor {name} reads codes, but {request.model} encodes no images; ask for another metric")
    whole = any_row(batches, LOOK)
    label = whole.labels(whole.labelled_and_some(0)[0])
    if len(label) and np.bincount(label).max() > 1:
        return name
    if not request.quiet and parallel.rank() == 0:
        step(
            f"--monitor {name} needs two labels of some class to hide one of them, and there are none: checkpoints "
            "are chosen by the default metric"
        )
    return None


def measured(model: Model, batches: Batched) -> dict[str, float]:
    """The metric of images that are trained on, in percent: of all labelled ones and others beside them, up to a bound;
    the same ones each time. The model is in evaluation mode meanwhile."""
    whole = any_row(batches, LOOK)
    rows, _ = whole.labelled_and_some(OTHERS)
    known = np.flatnonzero(whole.labels(rows) >= 0)
    spare = np.delete(known, np.linspace(0, len(known) - 1, min(LABELLED, len(known))).round().astype(int))
    rows = rows[torch.from_numpy(np.delete(np.arange(len(rows)), spare))]
    label = whole.labels(rows)
    prior = need(model, Joint).head.config.prior if has(model, Joint) else ()
    with evaluating(model), torch.autocast(batches.device.type, enabled=False):
        graph = neighbours_graph(codes_of(model, whole, rows))
    classes = len(prior) or int(label.max()) + 1
    error = cross_validated(graph, label, classes, prior=np.array(prior) if prior else None)
    found = torch.tensor([error], dtype=torch.float64, device=batches.device)
    parallel.average([found])  # as in ``validate``: all processes must come to the same decisions
    return {METRIC.name: float(found)}
