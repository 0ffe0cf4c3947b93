"""Training speed of IntroVAC and VAC: latelier's loop beside a bare one over the same nets.

    python benchmarks/introvac.py                                    64 pixels, half the nets' width, grey
    python benchmarks/introvac.py --side 128 --width 1 --colour --device cuda --record

See README.md of this folder for what is measured.
"""

import os
import sys

import numpy as np
import torch
from contestants import Gate, Race, by_class, by_latelier, matmul
from torch import Generator, Tensor
from torch.nn import functional
from torch.optim import Adam
from training import alternate, common_arguments, keep, operations, summary, table, verdicts

from latelier import build
from latelier.bench.stated import stated
from latelier.core import Batch, Model, Progress
from latelier.data.images import to_float
from latelier.device import prepare_cpu
from latelier.models import introvac, vac
from latelier.nets.eval_mode import unremembered

ENTRANTS = ["bare fp32", "latelier fp32", "bare bf16", "latelier bf16", "matmul fp32", "matmul bf16"]
IMAGE = (1, 64, 64)
STEPS, LAPS = 4, 6
SAME = 1e-3  # greatest relative difference between the first losses


def main() -> None:
    parser = common_arguments(__doc__ or "", batch=64)
    parser.add_argument("--model", choices=["vac", "introvac"], nargs="+", default=["vac", "introvac"])
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--width", type=float, default=0.5)
    parser.add_argument("--colour", action="store_true")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    torch.set_num_threads(options.threads)
    prepare_cpu()
    steps, laps, image = options.steps or STEPS, options.laps or LAPS, (3 if options.colour else 1, *[options.side] * 2)
    shape = (steps * options.batch, options.side, options.side, image[0])
    pixels = np.random.default_rng(options.seed).integers(0, 256, shape, np.uint8)
    for name in options.model:
        common = (options.rate, options.seed, options.device, options.threads, options.clock)
        race = Race(f"{name} {options.width:g}", "L1", options.batch, steps, laps, *common, image=image)
        agree(race, to_float(torch.from_numpy(pixels[: options.batch])))
        raced = alternate(race, ENTRANTS, pixels, {"bare": bare, "latelier": latelier, "matmul": matmul})
        work = operations(Bare(race, "fp32", torch.device("cpu")).step, race.batch, image)
        record = summary(race, raced, f"noise {'x'.join(map(str, image))}", work, "")
        print("\n".join([*table(record, ""), *verdicts(record, "", {"fp32": 1.0, "bf16": 1.0}, None)]))
        if options.record:
            keep(record)


def built(race: Race) -> Model:
    """Untrained, drawn from the race's seed; introspective from the start, without attributes."""
    torch.manual_seed(race.seed)
    name, width = race.net.split()
    game = {"pretrain": 0.0} if name == "introvac" else {}
    settings = {"width": float(width), "optimiser.rate": race.rate, "optimiser.weight_decay": 0.0, **game}
    return build(name, race.image or IMAGE, **stated(name, settings)).train()


def latelier(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """latelier's loop."""
    by_latelier(built(race), race, precision, pixels, gate, lambda terms: terms["absolute error"] / pixels[0].size)


def bare(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """What a careful hand writes over the same nets: resident uint8, channels-last, fused Adam, tuned malloc."""
    by_class(Bare, race, precision, pixels, gate)


class Bare:
    """Algorithm 1, the decoder's part after the coder's step; of VAC one pass."""

    def __init__(self, race: Race, precision: str, device: torch.device):
        model = built(race).to(device, memory_format=torch.channels_last)
        assert isinstance(model, introvac.Model | vac.Model)
        self.model, self.precision, self.device = model, precision, device
        self.weights = {name: [w for part in parts for w in part.parameters()] for name, parts in model.players.items()}
        self.optimisers = {name: Adam(weights, race.rate, fused=True) for name, weights in self.weights.items()}
        self.generator = Generator(device).manual_seed(race.seed)

    def step(self, image: Tensor) -> Tensor:
        m = self.model
        with self.autocast():
            mean, log_variance = m.encoder(image).float().chunk(2, 1)
            z = mean + (0.5 * log_variance).exp() * self.noise(mean.shape)
            again = m.decoder(z).float().sigmoid()
            error = functional.l1_loss(again, image)
            kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
            loss = 100 * error + 3 * kl + 10 * functional.softplus(m.classifier(z).float()).mean()
        if isinstance(m, vac.Model):
            self.take("coder", "decoder", loss=loss)
            return error.detach()
        with self.autocast(), unremembered(m.encoder, m.decoder):
            prior = self.noise(mean.shape)
            with torch.no_grad():
                drawn = m.decoder(prior).float().sigmoid()
            loss = loss + 0.01 * sum(functional.softplus(-self.fake(one)).mean() for one in (again.detach(), drawn))
        self.take("coder", loss=loss)
        with self.autocast(), unremembered(m.encoder, m.decoder):
            again, drawn = m.decoder(z.detach()).float().sigmoid(), m.decoder(prior).float().sigmoid()
            fooled = sum(functional.softplus(self.fake(one)).mean() for one in (again, drawn))
            loss = 100 * functional.l1_loss(again, image) + 5 * fooled
        self.take("decoder", loss=loss)
        return error.detach()

    def fake(self, image: Tensor) -> Tensor:
        logit: Tensor = self.model.classifier(self.model.encoder(image).float().chunk(2, 1)[0])[:, -1].float()
        return logit

    def take(self, *players: str, loss: Tensor) -> None:
        for name in players:
            self.optimisers[name].zero_grad()
        loss.backward(inputs=[weight for name in players for weight in self.weights[name]])
        for name in players:
            self.optimisers[name].step()

    def noise(self, shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.device)

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")


def agree(race: Race, image: Tensor) -> None:
    """Says the first errors of all, from the same weights, images and noise, and stops where they differ."""
    first = {f"bare {p}": float(Bare(race, p, torch.device("cpu")).step(image)) for p in ("fp32", "bf16")}
    model, rows = built(race).to(memory_format=torch.channels_last), torch.arange(len(image))
    nothing = torch.zeros(len(image), 0, dtype=torch.int64)
    progress = Progress(0, race.batch, Generator().manual_seed(race.seed), {})
    with torch.no_grad():
        report = model.moves()[0](Batch(image, rows, rows, nothing, nothing), progress).report
    first["latelier fp32"] = float(report["absolute error"].mean()) / image[0].numel()
    print(f"{race.net}: first errors", ", ".join(f"{name} {e:.5f}" for name, e in first.items()), file=sys.stderr)
    if abs(first["latelier fp32"] / first["bare fp32"] - 1) > SAME:
        sys.exit("they are not the same step")


if __name__ == "__main__":
    main()
