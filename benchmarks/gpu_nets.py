"""The parts of gpu.py that need latelier: steps, epochs, encoders and host reads of the nets of this folder's races."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import contestants
import dgdn
import hali
import introvac
import laps
import numpy as np
import patchvae_steps
import peer_nets
import torch
from contestants import Race
from gpu_session import AIMS, PRECISIONS, Clock, Facts, Session, judged, ratios, timed
from gpu_turns import Laps, alternate
from torch.profiler import ProfilerActivity, profile
from training import images_of, operations

from latelier.core import Encodes, need
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.device import products
from latelier.nets.eval_mode import evaluating

UNTIL = {"step": 0.55, "epoch": 0.7, "encoder": 0.85, "host reads": 0.95}  # of the time, so that each gets some
SCALARS = {"aten::_local_scalar_dense": "scalars"}  # profiler's name -> ours. Of any tensor, also of one on the host
READS = {  # a GPU's
    "cudaStreamSynchronize": "waits for a stream",
    "cudaEventSynchronize": "waits for an event",
    "Memcpy DtoH": "copies to the host",
    "Memcpy HtoD": "copies to the device",
}


@dataclass(frozen=True)
class Case:
    name: str
    module: ModuleType  # with built, Bare, bare and latelier
    net: str  # as its Race takes it
    loss: str
    image: tuple[int, int, int]
    batch: int

    @property
    def peer(self) -> bool:
        """Whether pythae has the same nets."""
        return self.module is contestants and self.net in ("mlp", "conv") and find_spec("pythae") is not None

    def facts(self) -> Facts:
        return {"net": self.name, "image": list(self.image), "batch": self.batch}


@dataclass(frozen=True)
class Lengths:
    """How much of everything is done."""

    lap: float  # seconds that a lap of the bare loop should take
    steps: int  # at most, in a lap
    laps: int  # the first is not counted
    epoch: int  # images
    epoch_batches: tuple[int, ...]
    encoded: int  # images of a batch
    batch: int | None  # of steps, in place of the cases' own


FULL = Lengths(0.2, 500, 6, 60_000, (100, 1000), 1000, None)
SHORT = Lengths(0.01, 2, 2, 8, (4,), 4, 4)


def cases(short: bool, batch: int | None) -> list[Case]:
    """All nets at all sizes; ``short``: at 28 and 32 pixels without pythae's 17 million weights, of hali and introvac
    narrow ones. ``batch``: in place of each one's own."""
    width = "0.125" if short else "1"
    found = [
        Case("vae mlp", contestants, "mlp", "mse", (1, 28, 28), 100),
        Case("vae conv", contestants, "conv", "mse", (1, 28, 28), 100),
        Case("dgdn", dgdn, "mnist", "elbo", (1, 28, 28), 64),
    ]
    for side in (32,) if short else (32, 64):
        image = (3, side, side)
        found += [
            Case("vae mlp", contestants, "mlp", "mse", image, 100),
            Case("vae conv", contestants, "own-conv", "bce", image, 100),
            Case("patchvae", patchvae_steps, "plain", "squared", image, 128),
            Case("hali", hali, f"hali {width}", "game", image, 64),
            Case("dgdn", dgdn, "cifar", "elbo", image, 64),
            Case("introvac", introvac, f"introvac {width}", "L1", image, 64),
        ]
    return [replace(case, batch=batch or case.batch) for case in found if not (short and case.net == "conv")]


def precisions(device: torch.device) -> tuple[str, ...]:
    """TF32 is a GPU's."""
    return PRECISIONS if device.type == "cuda" else ("fp32", "bf16")


def race_of(case: Case, steps: int, laps: int, device: torch.device) -> Race:
    threads = torch.get_num_threads()
    return Race(case.net, case.loss, case.batch, steps, laps, 1e-4, 0, device.type, threads, image=case.image)


def noise(n: int, image: tuple[int, int, int]) -> np.ndarray:
    """uint8 [n, h, w, c]."""
    c, h, w = image
    return np.random.default_rng(0).integers(0, 256, (n, h, w, c), np.uint8)


def raced(case: Case, precision: str, race: Race, pixels: np.ndarray, clock: Clock, peer: bool) -> Laps:
    """Laps of the bare loop and of latelier, and of pythae's trainer where it is installed, has these nets and is asked
    for; the first laps are gone."""
    sides = {"bare": case.module.bare, "latelier": case.module.latelier}
    if case.peer and peer:
        sides["pythae"] = contestants.pythae
    with products(precision, clock.device):
        done = alternate(sides, race, precision, pixels, clock)
    if clock.device.type == "cuda":
        torch.cuda.empty_cache()
    return {name: own[1:] for name, own in done.items()}


def rows(found: Laps, steps: int) -> Iterable[Facts]:
    """Facts of each side; ratios of speeds are taken within each lap, then the median of all."""
    for who, own in found.items():
        seconds = [lap[0] for lap in own]
        facts: Facts = {"who": who, "steps": steps, "ms_a_step": round(1e3 * statistics.median(seconds), 4)}
        for rival in [name for name in ("bare", "pythae") if name in found and name != who]:
            ratios = [theirs[0] / mine for theirs, mine in zip(found[rival], seconds, strict=True)]
            facts[f"times_{rival}"] = round(statistics.median(ratios), 3)
        yield facts | {"last_loss": own[-1][1], "laps_ms": [round(1e3 * one, 4) for one in seconds]}


@cache
def work(case: Case, device: torch.device) -> int:
    """Floating-point operations of a step of the bare loop."""
    return operations(
        case.module.Bare(race_of(case, 1, 1, device), "fp32", device).step, case.batch, case.image, device
    )


def step(case: Case, precision: str, lengths: Lengths, clock: Clock, rates: dict[str, float]) -> Iterable[Facts]:
    """Images a second of each side, and the share of the rate of products in the same precision."""
    count, pilot = work(case, clock.device), race_of(case, min(3, lengths.steps), 2, clock.device)
    few = noise(pilot.steps * case.batch, case.image)
    usual = raced(case, precision, pilot, few, clock, peer=False)["bare"][0][0]
    race = replace(pilot, steps=int(min(lengths.steps, max(2, lengths.lap / usual))), laps=lengths.laps)
    found = raced(case, precision, race, noise(race.steps * case.batch, case.image), clock, peer=True)
    for facts in rows(found, race.steps):
        seconds = facts["ms_a_step"] / 1e3
        # pythae knows float32 alone, which is multiplied in TF32 beside bf16
        rate = rates.get("tf32" if facts["who"] == "pythae" and precision == "bf16" else precision)
        share = round(count / seconds / rate, 4) if rate else None
        facts["images_per_second"] = round(case.batch / seconds)
        yield judged(facts | {"operations_a_step": count, "share_of_matmul": share}, clock.device, ratios(facts))


@cache
def spots(images: int) -> np.ndarray:
    """Drawn in blocks, which take less memory."""
    return np.concatenate([images_of(min(5000, images - at), None, at) for at in range(0, images, 5000)])


def epoch(case: Case, precision: str, images: int, clock: Clock, peer: bool) -> Iterable[Facts]:
    """Seconds of an epoch of drawn images, which lie on the device (pythae has them in the host's memory)."""
    steps = images // case.batch
    race = race_of(case, steps, 3, clock.device)
    for facts in rows(raced(case, precision, race, spots(images)[: steps * case.batch], clock, peer), steps):
        seconds = facts["ms_a_step"] / 1e3 * steps
        facts |= {"images": steps * case.batch, "seconds": round(seconds, 4)}
        aims = {f"seconds {AIMS['epoch_seconds']:g}": facts["who"] == "latelier" and seconds < AIMS["epoch_seconds"]}
        yield judged(facts, clock.device, (aims if facts["who"] == "latelier" else {}) | ratios(facts))


def encoder(case: Case, precision: str, images: int, clock: Clock) -> Iterable[Facts]:
    """Milliseconds an image of the encoder alone, up to the most likely code, on float images that lie on the
    device."""
    device = clock.device
    model = case.module.built(race_of(case, 1, 1, device)).to(device, memory_format=torch.channels_last)
    image = torch.rand(images, *case.image, device=device).contiguous(memory_format=torch.channels_last)
    cast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
    times = 10 if device.type == "cuda" else 1
    with products(precision, device), torch.inference_mode(), evaluating(model), cast:
        seconds, own = timed(lambda: need(model, Encodes).encode(image).mode(), times, 6, clock)
    each = 1e3 * seconds / images
    aims = {f"ms_an_image {AIMS['dgdn_encoder_ms']:g}": each < AIMS["dgdn_encoder_ms"]} if case.name == "dgdn" else {}
    facts = {"ms_an_image": round(each, 6), "laps_ms": [round(1e3 * one / images, 6) for one in own]}
    yield judged(facts, device, aims)


def reads(case: Case, clock: Clock, steps: int = 5) -> Iterable[Facts]:
    """What a step of latelier's loop (all its moves, without the log) reads from the device, by torch's profiler."""
    device = clock.device
    pixels, n = noise(2 * case.batch, case.image), 2 * case.batch
    images = Images(pixels, np.full(n, -1), np.zeros((n, 0), np.int8), [[]] * n, [str(row) for row in range(n)])
    model = case.module.built(race_of(case, 1, 1, device)).to(device, memory_format=torch.channels_last)
    one = laps.stepping(model, Batches(images, case.batch, seed=0, device=device))
    for number in range(3):
        one(number * case.batch)
    clock.settle()
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    with profile(activities=activities) as profiler:
        for number in range(steps):
            one((3 + number) * case.batch)
    names = SCALARS | (READS if device.type == "cuda" else {})
    counts = dict.fromkeys(names.values(), 0)
    for event in profiler.key_averages():
        for name, ours in names.items():
            counts[ours] += event.count if event.key.startswith(name) else 0
    yield {"steps": steps} | {ours: round(count / steps, 2) for ours, count in counts.items()}


def measure(session: Session, clock: Clock, rates: dict[str, float], lengths: Lengths) -> None:
    """All parts, in the order of the README; a part that fails is written so, and the others go on."""
    kinds = precisions(clock.device)

    def attempt(what: str, part: Any, case: Case, **which: Any) -> None:
        session.attempt(what, part, UNTIL[what], **(case.facts() | which))

    all_cases = cases(session.rehearsal, lengths.batch)
    for case in all_cases:
        for kind in kinds:
            attempt("step", partial(step, case, kind, lengths, clock, rates), case, precision=kind)
    for case in [case for case in all_cases if case.loss == "mse" and case.image == peer_nets.IMAGE]:
        for number, size in enumerate(lengths.epoch_batches):  # pythae's own batch is 100, the first
            own = replace(case, batch=size)
            for kind in kinds:
                part = partial(epoch, own, kind, lengths.epoch, clock, peer=number == 0)
                attempt("epoch", part, own, precision=kind)
    for case in [replace(case, batch=lengths.encoded) for case in all_cases]:
        for kind in kinds:
            attempt("encoder", partial(encoder, case, kind, lengths.encoded, clock), case, precision=kind)
    for case in all_cases:
        attempt("host reads", partial(reads, case, clock), case)
