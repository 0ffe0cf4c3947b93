"""Training speed of the deconvolutional network: latelier's loop beside a bare one over the same nets, and what
unpooling takes of a step beside the convolutions.

    python benchmarks/dgdn.py                               all cases, on the whole machine
    python benchmarks/dgdn.py --case mnist --record         one case, and the result kept in results.jsonl

See README.md of this folder for what is measured.
"""

import os
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from contestants import Gate, Race, by_class, by_latelier, matmul
from torch import Generator, Tensor
from torch.nn import functional
from torch.optim import Adam
from training import alternate, common_arguments, keep, operations, summary, table, verdicts

from latelier import build
from latelier.bench.stated import stated
from latelier.core import Batch, Progress
from latelier.data.images import to_float
from latelier.device import prepare_cpu
from latelier.models import dgdn

CASES = {"mnist": (1, 28, 28), "cifar": (3, 32, 32)}
ENTRANTS = ["bare fp32", "latelier fp32", "bare bf16", "latelier bf16", "matmul fp32", "matmul bf16"]
STEPS, LAPS = 10, 8
SAME = 1e-3  # greatest relative difference between the first losses


def built(race: Race) -> dgdn.Model:
    """Untrained, drawn from the race's seed."""
    torch.manual_seed(race.seed)
    rates = {"optimiser.rate": race.rate, "estimator.optimiser.rate": race.rate}
    model = build("dgdn", race.image or CASES[race.net], **stated("dgdn", rates))
    assert isinstance(model, dgdn.Model)
    return model.train()


def of_report(terms: dict[str, float]) -> float:
    """The bound, as a loss."""
    return -terms["elbo"]


def latelier(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """latelier's loop on latelier's ``dgdn``."""
    by_latelier(built(race), race, precision, pixels, gate, of_report)


def bare(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """What a careful hand writes over the same nets: resident uint8, channels-last, fused Adam, tuned malloc."""
    by_class(Bare, race, precision, pixels, gate)


class Bare:
    """The bare step, for both players one way back through the graph."""

    def __init__(self, race: Race, precision: str, device: torch.device):
        self.model = built(race).to(device, memory_format=torch.channels_last)
        self.optimiser = Adam(self.model.parameters(), race.rate, fused=True)
        self.precision, self.device, self.batches = precision, device, 0
        self.generator = Generator(device).manual_seed(race.seed)
        self.mean = torch.zeros(len(self.model.drawn), device=device)
        self.square = torch.ones(len(self.model.drawn), device=device)

    def step(self, image: Tensor) -> Tensor:
        m, b = self.model, len(image)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            self.batches = min(self.batches + 1, 100)  # counted here: the model's count lies on the device
            m.centre.mean.lerp_(image.mean(0), 1 / self.batches)
            x, places, log_qs, rates = image - m.centre.mean, [], [], []
            for number, tiling in enumerate(m.drawn.values()):
                blocks = tiling.split(m.encoder.filters[number](x))
                net = m.encoder.positions[number]
                log_q = tiling.masked((net.upper.weight @ (net.lower.weight @ blocks).tanh()).float()).log_softmax(1)
                p = log_q.exp()
                u = torch.rand((len(p), 1, p.shape[2]), generator=self.generator, device=self.device)
                z = (p.detach().cumsum(1) <= u).sum(1, keepdim=True).clamp(max=p.shape[1] - 1)
                places.append(torch.zeros_like(p).scatter_(1, z, 1.0))
                x = tiling.unflat(blocks.gather(1, z)[:, 0])
                log_qs.append(log_q.gather(1, z)[:, 0].unflatten(1, (b, -1)).sum((0, 2)))
                count = tiling.inside(self.device).sum(0).log().sum() * len(p)
                rates.append((p * log_q).sum(1).unflatten(1, (b, -1)).sum((0, 2)) + count)
            mean, log_variance = m.encoder.top(m.encoder.filters[-1](x))
            noise = torch.randn(mean.shape, generator=self.generator, device=self.device)
            output = m.decoder(mean + (0.5 * log_variance).exp() * noise, places).float() + m.centre.mean
            guess = m.baseline(image)
        v = m.likelihood.log_variance()
        error = functional.mse_loss(output, image, reduction="none").sum((1, 2, 3))
        numbers = image[0].numel()
        bound = 0.5 * (error * (-v).exp() + numbers * (v + np.log(2 * np.pi)))
        bound = bound + 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) + sum(rates)
        costs = bound.detach()[:, None] - torch.stack([rate.detach() for rate in rates], 1).cumsum(1)
        deviation = self.square.sqrt().clamp(min=1)
        rest = (costs - self.mean) / deviation - guess
        self.mean.lerp_(costs.mean(0), 0.2)
        self.square.lerp_(costs.var(0), 0.2)
        log_q = torch.stack(log_qs, 1)
        loss = (bound + (rest.detach() * (log_q - log_q.detach())).sum(1)).mean() + rest.square().sum(1).mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return bound.detach().mean()


def shares(race: Race, image: Tensor) -> str:
    """Milliseconds forward and backward of the convolutions and of what stands between them, on one batch in fp32."""
    model = built(race).to(memory_format=torch.channels_last)
    parts: dict[str, float] = {}
    x = image
    for number in range(len(model.layers)):
        parts["convolutions"] = parts.get("convolutions", 0) + clocked(model.encoder.filters[number], x)
        map = model.encoder.filters[number](x).detach()
        place = model.corners(len(image))[number]

        def pooling(map: Tensor, number: int = number, place: Tensor = place) -> Tensor:
            bottom = model.encoder._pooling(map, number)
            tiling = model.encoder.tilings[number]
            return tiling.unflat((bottom.blocks * place).sum(1)) + 0 * bottom.log_q.sum()

        def unpooling(small: Tensor, number: int = number, place: Tensor = place) -> Tensor:
            tiling = model.encoder.tilings[number]
            return tiling.join(tiling.flat(small)[:, None] * place)

        x = pooling(map).detach()
        parts["pooling and its nets"] = parts.get("pooling and its nets", 0) + clocked(pooling, map)
        parts["unpooling"] = parts.get("unpooling", 0) + clocked(unpooling, x)
        parts["convolutions"] += clocked(model.decoder.dictionaries[number], map)
    parts["convolutions"] += clocked(model.encoder.filters[-1], x)
    top = model.encoder.filters[-1](x).detach()
    parts["convolutions"] += clocked(model.decoder.dictionaries[-1], top)
    return ", ".join(f"{name} {ms:.1f} ms" for name, ms in parts.items())


def clocked(call: Callable[[Tensor], Tensor], x: Tensor, rounds: int = 10) -> float:
    """Milliseconds of the call and its gradient in everything, the least of ``rounds``."""
    seconds = []
    for _ in range(rounds):
        given = x.detach().requires_grad_()
        start = time.perf_counter()
        out = call(given)
        out.backward(torch.ones_like(out))
        seconds.append(time.perf_counter() - start)
    return 1e3 * min(seconds)


def agree(race: Race, image: Tensor) -> None:
    """Says the first losses of all, from the same weights, images and noise, and stops where they differ."""
    first = {f"bare {p}": float(Bare(race, p, torch.device("cpu")).step(image)) for p in ("fp32", "bf16")}
    model, rows = built(race).to(memory_format=torch.channels_last), torch.arange(len(image))
    nothing = torch.zeros(len(image), 0, dtype=torch.int64)
    progress = Progress(0, race.batch, Generator().manual_seed(race.seed))
    report = model.learn(Batch(image, rows, rows, nothing, nothing), progress).report
    first["latelier fp32"] = of_report({name: float(term.mean()) for name, term in report.items()})
    print(f"{race.net}: first losses", ", ".join(f"{name} {loss:.4f}" for name, loss in first.items()), file=sys.stderr)
    if abs(first["latelier fp32"] / first["bare fp32"] - 1) > SAME:
        sys.exit("they are not the same step")


def main() -> None:
    parser = common_arguments(__doc__ or "", batch=64)
    parser.add_argument("--case", choices=list(CASES), nargs="+", default=list(CASES), help="all, if not named")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    torch.set_num_threads(options.threads)
    prepare_cpu()
    steps, laps = options.steps or STEPS, options.laps or LAPS
    for case in options.case:
        c, h, w = CASES[case]
        pixels = np.random.default_rng(options.seed).integers(0, 256, (steps * options.batch, h, w, c), np.uint8)
        common = (options.rate, options.seed, options.device, options.threads, options.clock)
        race = Race(case, "elbo", options.batch, steps, laps, *common)
        image = to_float(torch.from_numpy(pixels[: options.batch]))
        agree(race, image)
        parts = shares(race, image)
        raced = alternate(race, ENTRANTS, pixels, {"bare": bare, "latelier": latelier, "matmul": matmul})
        work = operations(Bare(race, "fp32", torch.device("cpu")).step, race.batch, CASES[case])
        record = summary(race, raced, "noise", work, "") | {"net": f"dgdn {case}", "parts": parts}
        print("\n".join([*table(record, ""), *verdicts(record, "", {"fp32": 1.0, "bf16": 1.0}, None), parts]))
        if options.record:
            keep(record)


if __name__ == "__main__":
    main()
