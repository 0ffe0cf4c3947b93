"""Virtual adversarial training (Miyato et al. 2018), a rival that needs no changed views: the encoder of unlabelled.py
taught to say the same of an image and of the smallest change that would alter most what it says, and to be sure.

    python benchmarks/vat.py --data-root DATA --out OUT [--labels 10] [--draws 0,1,2,3,4] [--validation]

MNIST; one line a training in OUT/results.jsonl, with rows of unlabelled.py if OUT is that benchmark's. Images are
neither moved nor turned, and each is classified as it is.
"""

import argparse
import copy
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cells
import numpy as np
import torch
from few_labels import images_of
from torch import Generator, Tensor, nn
from torch.nn import functional
from unlabelled import CONV, parted

import latelier
from latelier.bench.stated import stated
from latelier.data.images import Images, to_float
from latelier.data.subsets import hide_labels
from latelier.scores.confusion import balanced_accuracy

STEPS, LABELLED, FREE, RATE = 2_000, 32, 96, 2e-3
REACH = 3.0  # L2 length of the change, pixels in [0, 1]: of 1 to 5 the best on held-out training images
PROBE = 1e-2  # length at which the direction is felt for
BALANCE = 1.0  # weight of how far the mean answer is from even
AVERAGED = 0.99  # of averaged weights, a step


def divergence(sure: Tensor, logits: Tensor) -> Tensor:
    """KL of softmax(logits) from the log-probabilities ``sure`` [b, classes], the mean of a batch."""
    return functional.kl_div(functional.log_softmax(logits, 1), sure, log_target=True, reduction="batchmean")


def unit(change: Tensor) -> Tensor:
    return change / change.flatten(1).norm(dim=1)[:, None, None, None].clamp(min=1e-12)


def smoothness(net: nn.Module, image: Tensor, logits: Tensor, generator: Generator) -> Tensor:
    """The paper's eqs. 5 and 6, with one iteration of its algorithm 1."""
    said = functional.log_softmax(logits.detach(), 1)
    probe = (PROBE * unit(torch.randn(image.shape, generator=generator))).requires_grad_()
    (slope,) = torch.autograd.grad(divergence(said, net(image + probe)), probe)
    return divergence(said, net(image + REACH * unit(slope)))


def learned(known: Images, draw: int) -> nn.Module:
    """The net after ``STEPS`` steps, with averaged weights."""
    torch.manual_seed(draw)
    model = latelier.build("classifier", known.shape, classes=len(known.classes), **stated("classifier", dict(CONV)))
    net = nn.Sequential(model.encoder, model.head).train()
    average = copy.deepcopy(net)
    optimiser = torch.optim.Adam(net.parameters(), RATE)
    generator, order = Generator().manual_seed(draw), np.random.default_rng(draw)
    told, pixels = np.flatnonzero(known.label >= 0), torch.from_numpy(np.array(known.pixels))
    label = torch.from_numpy(known.label)
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        rows = torch.from_numpy(np.concatenate([order.choice(told, LABELLED), order.integers(len(known), size=FREE)]))
        image = to_float(pixels[rows])
        logits = net(image)
        free = functional.log_softmax(logits[LABELLED:], 1)
        mean = free.exp().mean(0)
        loss = functional.cross_entropy(logits[:LABELLED], label[rows[:LABELLED]])
        loss = loss + smoothness(net, image[LABELLED:], logits[LABELLED:], generator)
        loss = loss - (free.exp() * free).sum(1).mean() + BALANCE * (mean * (mean * len(mean)).log()).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for kept, new in zip(average.parameters(), net.parameters(), strict=True):
                kept.lerp_(new, 1 - AVERAGED)
    return average.eval()


def measured(known: Images, test: Images, draw: int) -> dict[str, float]:
    """Errors in percent, and CPU seconds of the training."""
    began = time.process_time()
    net = learned(known, draw)
    seconds = time.process_time() - began
    with torch.no_grad():
        blocks = torch.from_numpy(np.array(test.pixels)).split(500)
        answer = torch.cat([net(to_float(block)).argmax(1) for block in blocks]).numpy()
    right, even = float((answer == test.label).mean()), balanced_accuracy(test.label, answer)
    found = {"error": 100 * (1 - right), "balanced": 100 * (1 - even)}
    return {"CPU s": seconds, **found, **{f"{name} of one view": value for name, value in found.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--labels", type=int, default=10, help="a class")
    parser.add_argument("--draws", default="0,1,2,3,4")
    parser.add_argument("--validation", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train, test = images_of(arguments.data_root, "mnist")
    if arguments.validation:
        train, test = parted(train)
    done = {(cell["row"], cell["labels"], cell["draw"]) for cell in cells.read(arguments.out)}
    for draw in map(int, arguments.draws.split(",")):
        if ("vat", arguments.labels, draw) not in done:
            cell = {"set": "mnist", "row": "vat", "labels": arguments.labels, "draw": draw}
            cells.keep(arguments.out, cell | measured(hide_labels(train, arguments.labels, draw), test, draw))


if __name__ == "__main__":
    main()
