"""Who races with PatchVAE: latelier's loop, a bare step, and the step as its authors wrote it, over the same nets.

All draw their noise in one order, so that the same weights, images and generator give the same loss.
"""

from contextlib import AbstractContextManager

import numpy as np
import torch
from contestants import Gate, Race, by_class, by_hand, by_latelier
from torch import Generator, Tensor
from torch.nn import functional
from torch.optim import Adam

from latelier import build
from latelier.bench.stated import stated
from latelier.data.images import to_float
from latelier.device import pick_device
from latelier.models import patchvae
from latelier.objectives import foreground

IMAGE = (3, 32, 32)
CASES: dict[str, dict[str, str]] = {
    "plain": {},
    "foreground": {"reconstruction": "foreground"},
    "critic": {"critic": "image"},
}
BETA = 10.0  # weight of the occurrences' divergence; the temperature stays at its first value, 1
EPSILON = 1e-7
BETAS = (0.5, 0.999)


def built(race: Race) -> patchvae.Model:
    """Untrained, drawn from the race's seed."""
    torch.manual_seed(race.seed)
    case = CASES[race.net]
    rates = {"optimiser.rate": race.rate} | ({"critic.optimiser.rate": race.rate} if "critic" in case else {})
    model = build("patchvae", race.image or IMAGE, **stated("patchvae", {**case, **rates}))
    assert isinstance(model, patchvae.Model)
    return model.train()


def latelier(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """latelier's loop on latelier's ``patchvae``."""
    by_latelier(built(race), race, precision, pixels, gate, of_report)


def of_report(terms: dict[str, float]) -> float:
    """The loss without the critic's part."""
    return terms["distortion"] + BETA * terms["KL occurrence"] + terms["KL appearance"]


def bare(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """What a careful hand writes for this one model: resident uint8, channels-last, fused Adam, tuned malloc."""
    by_class(Bare, race, precision, pixels, gate)


class Bare:
    """The bare step. Critic and model share one way through all nets."""

    def __init__(self, race: Race, precision: str, device: torch.device):
        self.model = built(race).to(device, memory_format=torch.channels_last)
        self.weights = [*self.model.encoder.parameters(), *self.model.decoder.parameters()]
        self.optimiser = Adam(self.weights, race.rate, betas=BETAS, fused=True)
        self.critic = self.model.critic
        if self.critic is not None:
            self.critics = Adam(self.critic.parameters(), race.rate, betas=BETAS, fused=True)
        self.race, self.precision, self.device = race, precision, device
        self.generator = Generator(device).manual_seed(race.seed)

    def cast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def step(self, image: Tensor) -> Tensor:
        with self.cast():
            loss, drawn = self.loss(image)
            whole = loss
            if self.critic is not None:
                real, fake = self.critic(image), self.critic(drawn)
                whole = loss + functional.softplus(-fake).mean()
        if self.critic is not None:
            self.critics.zero_grad()
            judged = (functional.softplus(-real) + functional.softplus(fake)).mean()
            judged.backward(inputs=list(self.critic.parameters()), retain_graph=True)
        self.optimiser.zero_grad()
        whole.backward(inputs=self.weights)
        self.optimiser.step()
        if self.critic is not None:
            self.critics.step()
        return loss.detach()

    def loss(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Without the critic's part, mean over images, in as few operations as it takes; and what was drawn."""
        model = self.model
        logits, mean, log_variance = model.encoder(image)
        uniform, normal = noise(model, len(image), self.generator)
        p = logits.sigmoid()
        weight = p.detach().flatten(2)[:, :, None]
        cells = weight.sum(3) + EPSILON
        mean = (weight * mean.reshape(*normal.shape, -1)).sum(3) / cells
        variance = ((weight * log_variance.reshape(*normal.shape, -1).exp()).sum(3) + EPSILON) / cells
        z = torch.addcmul(mean, variance.sqrt(), normal)
        occurrence = (logits + uniform.logit(EPSILON)).sigmoid()
        drawn = model.decoder((z[..., None, None] * occurrence[:, :, None]).flatten(1, 2)).float() + 0.5
        error = (drawn - image).square()
        if "reconstruction" in CASES[self.race.net]:
            error = error * foreground.weights(image)
        prior = torch.tensor(model.prior)
        occurs = (p * (logits - prior.logit()) - functional.softplus(logits) - torch.log1p(-prior)).sum()
        appears = 0.5 * (mean.square() + variance - variance.log() - 1).sum()
        return (4 * error.sum() + BETA * occurs + appears) / len(image), drawn


def authors(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """Images, weights and maps plane by plane, torch's defaults, no preparation of the processor."""
    device = pick_device(race.device)
    hand = Authors(race, device)
    planes = to_float(torch.from_numpy(pixels)).contiguous().to(device)
    by_hand(race, planes, gate, hand.step)


class Authors:
    """The step of the authors' training, plainly. With a critic they take three steps, and go twice through the nets
    (their second step's gradient is left standing for the third, as in their code)."""

    def __init__(self, race: Race, device: torch.device):
        self.race, self.model = race, built(race).to(device)
        self.weights = [*self.model.encoder.parameters(), *self.model.decoder.parameters()]
        self.optimiser = Adam(self.weights, race.rate, betas=BETAS)
        self.critic = self.model.critic
        if self.critic is not None:
            self.critics = Adam(self.critic.parameters(), race.rate, betas=BETAS)
        self.generator = Generator(device).manual_seed(race.seed)

    def step(self, image: Tensor) -> Tensor:
        loss, drawn = self.loss(image)
        if self.critic is not None:
            self.critics.zero_grad()
            self.judged(image, 1.0).backward()
            self.judged(drawn.detach(), 0.0).backward()
            self.critics.step()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        if self.critic is not None:
            _, drawn = self.loss(image)
            self.judged(drawn, 1.0).backward()
            self.optimiser.step()
        return loss.detach()

    def judged(self, image: Tensor, truth: float) -> Tensor:
        assert self.critic is not None
        verdict = self.critic(image)
        wanted = torch.full_like(verdict, truth)
        return functional.binary_cross_entropy_with_logits(verdict, wanted, reduction="sum") / len(image)

    def loss(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Without the critic's part, mean over images; and what was drawn."""
        model = self.model
        logits, mean, log_variance = model.encoder(image)
        uniform, normal = noise(model, len(image), self.generator)
        b, n, d = normal.shape
        p = torch.sigmoid(logits)
        weight = p.detach().reshape(b, n, 1, -1)
        cells = weight.sum(-1) + EPSILON
        mean = (weight * mean.reshape(b, n, d, -1)).sum(-1) / cells
        variance = log_variance.reshape(b, n, d, -1).exp().clamp(EPSILON, 1 / EPSILON)
        variance = ((weight * variance).sum(-1) + EPSILON) / cells
        z = mean + variance.sqrt() * normal
        uniform = uniform.clamp(EPSILON, 1 - EPSILON)
        occurrence = torch.sigmoid(logits + torch.log(uniform) - torch.log1p(-uniform))
        placed = z[:, :, :, None, None].expand(b, n, d, *logits.shape[2:]) * occurrence[:, :, None]
        drawn = model.decoder(placed.reshape(b, n * d, *logits.shape[2:])) + 0.5
        error = functional.mse_loss(2 * drawn, 2 * image, reduction="none")
        if "reconstruction" in CASES[self.race.net]:
            error = error * edges(image)
        q = model.prior
        occurs = p * torch.log((p + EPSILON) / q) + (1 - p) * torch.log((1 - p + EPSILON) / (1 - q))
        appears = -0.5 * (1 + variance.log() - mean.pow(2) - variance)
        return (error.sum() + BETA * occurs.sum() + appears.sum()) / b, drawn


def edges(image: Tensor) -> Tensor:
    """L_w's weights of the pixels."""
    c, h, w = image.shape[1:]
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]], device=image.device).expand(c, 1, 3, 3)
    padded = functional.pad(image, (1, 1, 1, 1), mode="replicate")
    energy = functional.avg_pool2d(functional.conv2d(padded, kernel, groups=c).abs(), 8)
    spread = functional.interpolate(energy, scale_factor=8, mode="nearest")
    return h * w * spread / spread.sum((2, 3), keepdim=True)


def noise(model: patchvae.Model, n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """[0, 1) uniform for the occurrences [n, parts, h, w], normal for the appearances [n, parts, d]."""
    where, what = (model.latents[name].shape for name in ("occurrence", "appearance"))
    uniform = torch.rand(n, *where, generator=generator, device=generator.device)
    return uniform, torch.randn(n, *what, generator=generator, device=generator.device)
