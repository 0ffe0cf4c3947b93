"""Who races: pythae's trainer, a bare loop, latelier's loop, and the plain matrix product, each in its own process.

A race is one training run, cut into laps of ``steps`` steps. Before a lap everybody waits at the gate, so that laps
alternate and nobody runs beside another; what stands between laps (checkpoints, epoch ends) is not timed. All start
from the same weights and see the same images, one epoch a lap, each in a random order of its own.
"""

import io
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import peer_nets
import torch
from torch import Tensor
from torch.nn import functional

from latelier.core import Model
from latelier.data.batches import Batches
from latelier.data.images import Images, to_float
from latelier.device import pick_device, prepare_cpu
from latelier.engine.loop import train
from latelier.engine.plan import Plan

PRODUCTS = 5  # matrix products in a lap of their own


@dataclass(frozen=True)
class Race:
    net: str  # mlp, conv or conv-top
    loss: str  # mse or bce
    batch: int
    steps: int  # a lap
    laps: int  # the first is not counted
    rate: float
    seed: int
    device: str
    threads: int
    clock: str = "wall"  # or cpu: seconds of the process, for a busy machine and one thread
    image: tuple[int, int, int] | None = None  # in place of the benchmark's own


class Gate:
    """Where a contestant waits for its turn and hands in its lap: seconds a step and mean loss an image."""

    def __init__(self, connection: Connection, steps: int, clock: str):
        self._connection, self._steps = connection, steps
        self._now = time.process_time if clock == "cpu" else time.perf_counter

    def start(self) -> None:
        self._connection.recv()
        self._begun = self._now()

    def stop(self) -> None:
        self._seconds = (self._now() - self._begun) / self._steps

    def hand_in(self, loss: float) -> None:
        self._connection.send((self._seconds, loss))


Contestant = Callable[[Race, str, np.ndarray, Gate], None]  # race, precision, pixels, gate


def run(contestant: Contestant, race: Race, precision: str, pixels: np.ndarray, connection: Connection) -> None:
    """The body of a contestant's process."""
    torch.set_num_threads(race.threads)
    torch.manual_seed(race.seed)
    gate = Gate(connection, PRODUCTS if contestant is matmul else race.steps, race.clock)
    with suppress(EOFError, ConnectionError):  # the race was called off
        contestant(race, precision, pixels, gate)


def built(race: Race) -> peer_nets.vae.Model:
    """Untrained."""
    return peer_nets.model(race.net, race.loss, race.rate, race.image or peer_nets.IMAGE).train()


def pythae(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """pythae's TrainingPipeline with its own trainer, loader and optimiser, as its users get them."""
    from pythae.models import VAE, VAEConfig
    from pythae.models.nn.benchmarks.mnist import Decoder_Conv_AE_MNIST, Encoder_Conv_VAE_MNIST
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    class Laps(TrainingCallback):
        def on_train_step_begin(self, training_config: Any, **more: Any) -> None:  # once an epoch
            self.steps = 0
            gate.start()

        def on_train_step_end(self, training_config: Any, **more: Any) -> None:  # once a batch
            self.steps += 1
            if self.steps == race.steps:
                gate.stop()

        def on_log(self, training_config: Any, logs: dict[str, float], **more: Any) -> None:
            gate.hand_in(logs["train_epoch_loss"])

    ours = built(race)  # first, so that it draws everybody's initial weights
    config = VAEConfig(input_dim=ours.image, latent_dim=peer_nets.LATENT, reconstruction_loss=race.loss)
    nets = (Encoder_Conv_VAE_MNIST(config), Decoder_Conv_AE_MNIST(config)) if race.net != "mlp" else ()
    model = VAE(config, *nets)
    for theirs, tensors in (
        (model.encoder, peer_nets.split_heads(ours.encoder)),
        (model.decoder, list(ours.decoder.state_dict().values())),
    ):
        theirs.load_state_dict(dict(zip(theirs.state_dict(), tensors, strict=True)))  # refuses another shape
    floats = (pixels.transpose(0, 3, 1, 2) / 255).astype(np.float32)
    nowhere = io.StringIO()  # its progress bar is drawn, and seen by nobody
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(nowhere), redirect_stderr(nowhere):
        plan = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=race.laps,
            per_device_train_batch_size=race.batch,
            learning_rate=race.rate,
            seed=race.seed,
            no_cuda=race.device == "cpu",
        )
        TrainingPipeline(model, plan)(floats, callbacks=[Laps()])


def bare(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """What a careful hand writes for this one model: resident uint8, channels-last, fused Adam, tuned malloc."""
    by_class(Bare, race, precision, pixels, gate)


class Bare:
    """The bare step of ``vae``."""

    def __init__(self, race: Race, precision: str, device: torch.device):
        self.model = built(race).to(device, memory_format=torch.channels_last)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=race.rate, fused=True)
        self.loss, self.precision, self.device = race.loss, precision, device

    def step(self, image: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            loss = bare_loss(self.model, image, self.loss)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.detach()


def by_class(
    bare: Callable[[Race, str, torch.device], Any], race: Race, precision: str, pixels: np.ndarray, gate: Gate
) -> None:
    """Laps of what a careful hand writes: resident uint8, tuned malloc, and a step of its own."""
    prepare_cpu()
    device = pick_device(race.device)
    hand = bare(race, precision, device)
    by_hand(race, torch.from_numpy(pixels).to(device), gate, lambda batch: hand.step(to_float(batch)))


def by_hand(race: Race, resident: Tensor, gate: Gate, step: Callable[[Tensor], Tensor]) -> None:
    """Laps of a hand-written ``step``, which takes rows of ``resident`` and returns its loss."""
    for _ in range(race.laps):
        gate.start()
        total = torch.zeros((), device=resident.device)
        for rows in torch.randperm(len(resident)).to(resident.device).split(race.batch):
            total += step(resident.index_select(0, rows))
        mean = total.item() / race.steps
        gate.stop()
        gate.hand_in(mean)


def bare_loss(model: peer_nets.vae.Model, image: Tensor, kind: str) -> Tensor:
    """The negative ELBO, mean over images, in as few operations as it takes."""
    mean, log_variance = model.encoder(image).float().chunk(2, dim=1)
    z = torch.addcmul(mean, (0.5 * log_variance).exp(), torch.randn_like(mean))
    output = model.decoder(z).float()
    if kind == "mse":
        distortion = 0.5 * functional.mse_loss(output.sigmoid(), image, reduction="sum")
    else:
        distortion = functional.binary_cross_entropy_with_logits(output, image, reduction="sum")
    rate = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum()
    loss: Tensor = (distortion + rate) / len(image)
    return loss


def latelier(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """latelier's loop on latelier's ``vae``."""
    by_latelier(built(race), race, precision, pixels, gate, lambda terms: terms["distortion"] + terms["rate"])


def by_latelier(
    model: Model,
    race: Race,
    precision: str,
    pixels: np.ndarray,
    gate: Gate,
    loss_of: Callable[[dict[str, float]], float],
) -> None:
    """Laps of ``latelier.engine.loop.train``, as ``latelier train`` calls it; its log, of which ``loss_of`` makes the
    loss, is its lap."""
    prepare_cpu()
    device = pick_device(race.device)
    model = model.to(device, memory_format=torch.channels_last)
    lap, n = race.steps * race.batch, len(pixels)
    images = Images(pixels, np.full(n, -1), np.zeros((n, 0), np.int8), [[]] * n, [str(row) for row in range(n)])
    batches = Batches(images, race.batch, seed=race.seed, device=device)
    total = race.laps * lap
    plan = Plan(total, race.batch, race.seed, precision=precision, log_every=lap, save_every=2 * total)

    def show(record: dict[str, Any]) -> None:
        if "terms" not in record:  # a remark, after the line that it is about
            return
        gate.stop()
        gate.hand_in(loss_of(record["terms"]))
        if record["seen"] < total:
            gate.start()

    with tempfile.TemporaryDirectory() as folder:
        gate.start()
        train(model, batches, plan, Path(folder), {}, show=show)


def matmul(race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
    """The machine's rate. Hands in seconds a product of square matrices, and its operations in place of a loss."""
    prepare_cpu()
    device = pick_device(race.device)
    width = 8192 if device.type == "cuda" else 2048
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(width, width, device=device).to(dtype) for _ in range(2))
    out = a @ b
    for _ in range(race.laps):
        gate.start()
        for _ in range(PRODUCTS):
            torch.mm(a, b, out=out)
        out[0, 0].item()
        gate.stop()
        gate.hand_in(2 * width**3)
