"""Training speed of HALI: latelier's loop beside a bare one and the step as ports write it, over the same nets.

    python benchmarks/hali.py                     32 pixels, a quarter of the table's width
    python benchmarks/hali.py --width 1 --record  the table's width, and the result kept in results.jsonl

See README.md of this folder for what is measured.
"""

import os
import sys

import numpy as np
import torch
from contestants import Gate, Race, by_class, by_hand, by_latelier, matmul
from torch import Generator, Tensor
from torch.nn import functional
from torch.optim import Adam
from training import alternate, common_arguments, keep, operations, summary, table, verdicts

from latelier import build
from latelier.bench.stated import stated
from latelier.data.drawn.scenes import draw_scenes
from latelier.data.images import to_float
from latelier.device import pick_device
from latelier.models.hali import Model

IMAGE = (3, 32, 32)
BETAS = (0.5, 0.999)
ENTRANTS = ["port fp32", "bare fp32", "latelier fp32", "bare bf16", "latelier bf16", "matmul fp32", "matmul bf16"]
WANTED = {"fp32": 1.0, "bf16": 1.0}  # times the speed of the ports' form
SAME = 1e-3  # greatest relative difference between the first losses
STEPS, LAPS = 6, 8


def main() -> None:
    parser = common_arguments(__doc__ or "", batch=64)
    parser.add_argument("--width", type=float, default=0.25)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    steps, laps = options.steps or STEPS, options.laps or LAPS
    common = (options.rate, options.seed, options.device, options.threads, options.clock)
    race = Race(f"hali {options.width:g}", "game", options.batch, steps, laps, *common)
    pixels = draw_scenes(steps * options.batch, seed=options.seed).pixels
    agree(race, to_float(torch.from_numpy(pixels[: options.batch])))
    contestants = {"port": port, "bare": bare, "latelier": latelier, "matmul": matmul}
    raced = alternate(race, ENTRANTS, pixels, contestants)
    work = operations(Bare(race, "fp32", torch.device("cpu")).step, race.batch, IMAGE)
    record = summary(race, raced, "scenes", work, "port")
    print("\n".join([*table(record, "port"), *verdicts(record, "port", WANTED, None)]))
    if options.record:
        keep(record)


def built(race: Race) -> Model:
    """Untrained, drawn from the race's seed."""
    torch.manual_seed(race.seed)
    rates = {"optimiser.rate": race.rate, "critic.optimiser.rate": race.rate}
    model = build("hali", race.image or IMAGE, **stated("hali", {"net.width": float(race.net.split()[1]), **rates}))
    assert isinstance(model, Model)
    return model.train()


def latelier(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """latelier's loop on latelier's ``hali``."""
    by_latelier(built(race), race, precision, pixels, gate, lambda terms: terms["critic"])


def bare(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """What a careful hand writes: resident uint8, channels-last, fused Adam, tuned malloc, one pass for both
    players."""
    by_class(Bare, race, precision, pixels, gate)


def port(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """As ports write it: float images, plane by plane, torch's defaults; the critic's step, then a second pass."""
    device = pick_device(race.device)
    hand = Port(race, "fp32", device)
    planes = to_float(torch.from_numpy(pixels)).contiguous().to(device)
    by_hand(race, planes, gate, hand.step)


class Bare:
    """One pass, two gradients, two steps."""

    fused = True

    def __init__(self, race: Race, precision: str, device: torch.device):
        self.model = built(race).to(device, memory_format=torch.channels_last if self.fused else torch.preserve_format)
        self.precision, self.device, self.noise = precision, device, self.model.config.noise
        self.weights = {
            name: [w for part in parts for w in part.parameters()] for name, parts in self.model.players.items()
        }
        self.optimisers = {
            name: Adam(weights, race.rate, betas=BETAS, fused=self.fused or None)
            for name, weights in self.weights.items()
        }
        self.generator = Generator(device).manual_seed(race.seed)

    def step(self, image: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            data, drawn = self.logits(image)
            critic = (functional.softplus(-data) + functional.softplus(drawn)).mean()
            coder = (functional.softplus(data) + functional.softplus(-drawn)).mean()
        for optimiser in self.optimisers.values():
            optimiser.zero_grad()
        critic.backward(inputs=self.weights["critic"], retain_graph=True)
        coder.backward(inputs=self.weights["coder"])
        for optimiser in self.optimisers.values():
            optimiser.step()
        return critic.detach()

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """On both sides as one batch."""
        inferred, shown = self.inferred(image)
        prior, made = self.drawn(len(image))
        pairs = [torch.cat([a, b]) for a, b in zip((shown, *inferred), (made, *prior), strict=True)]
        data, drawn = self.model.judge(*pairs, generator=self.generator).chunk(2)
        return data, drawn

    def inferred(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        shown = self.noisy(image)
        z1 = self.gauss(self.model.encoder(shown))
        return [z1, self.gauss(self.model.upwards[0](z1))], shown

    def drawn(self, n: int) -> tuple[list[Tensor], Tensor]:
        z2 = torch.randn(n, *self.model.latents["z2"].shape, generator=self.generator, device=self.device)
        z1 = self.gauss(self.model.downwards[0](z2))
        return [z1, z2], self.noisy(self.model.decoder(z1))

    def gauss(self, both: Tensor) -> Tensor:
        mean, log_sd = both.float().chunk(2, 1)
        return torch.addcmul(mean, log_sd.exp(), torch.randn(mean.shape, generator=self.generator, device=self.device))

    def noisy(self, image: Tensor) -> Tensor:
        return image + 0.5 * self.noise * torch.randn(image.shape, generator=self.generator, device=self.device)


class Port(Bare):
    """The critic's step on pairs that the coder learns nothing from, then the coder's on new ones."""

    fused = False

    def step(self, image: Tensor) -> Tensor:
        with torch.no_grad():
            inferred, shown = self.inferred(image)
            prior, made = self.drawn(len(image))
        critic = self.loss((shown, *inferred), (made, *prior), 1)
        self.optimisers["critic"].zero_grad()
        critic.backward()
        self.optimisers["critic"].step()
        inferred, shown = self.inferred(image)
        prior, made = self.drawn(len(image))
        coder = self.loss((shown, *inferred), (made, *prior), -1)
        self.optimisers["coder"].zero_grad()
        coder.backward()
        self.optimisers["coder"].step()
        return critic.detach()

    def loss(self, data: tuple[Tensor, ...], drawn: tuple[Tensor, ...], side: int) -> Tensor:
        on_data, on_drawn = (self.model.judge(*pair, generator=self.generator) for pair in (data, drawn))
        return (functional.softplus(-side * on_data) + functional.softplus(side * on_drawn)).mean()


def agree(race: Race, image: Tensor) -> None:
    """Says the bare hand's first losses, and stops where bf16 is another step than fp32."""
    first = {p: float(Bare(race, p, torch.device("cpu")).step(image)) for p in ("fp32", "bf16")}
    print(f"{race.net}: first losses of the critic", first, file=sys.stderr)
    if abs(first["fp32"] / first["bf16"] - 1) > 20 * SAME:
        sys.exit("they are not the same step")


if __name__ == "__main__":
    main()
