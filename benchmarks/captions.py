"""Speed of captions: decoding 64 together beside one at a time, and a training step beside a bare one over the same
nets; with --run RUN, what a run's captions score, instead. Both in float32 and in bfloat16.

    python benchmarks/captions.py
    python benchmarks/captions.py --run RUN

See README.md of this folder for what is measured. With --threads 1 seconds are the process's own, so that a busy
machine does not count. Laps of both sides alternate, and the median of their ratios is told.
"""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import torch
from laps import alternated, options, stepping
from torch import Generator, Tensor
from torch.nn import functional
from torch.optim import Adam

from latelier import build
from latelier.bench.stated import stated
from latelier.core import Batch, Captions, need
from latelier.data.batches import Batches
from latelier.data.captions import Sentences
from latelier.data.drawn.scenes import draw_scenes
from latelier.data.images import Images
from latelier.data.words import Vocabulary
from latelier.device import multiply_fast, pick_device
from latelier.heads.captioned import Captioned
from latelier.models.vae import Model as Vae
from latelier.nets.recurrent import Recurrent
from latelier.objectives import gaussian
from latelier.runs.run import open_run
from latelier.runs.where import Where
from latelier.scores.record import run_scores
from latelier.terminal.tables import number

WORDS, FEW_WORDS = 2_500, 40  # about Flickr8k's, and those of drawn scenes
LENGTH, TOGETHER = 12, 64  # words a caption, and captions
SCORED = 1_000  # images at most, with --run
STEPS, RATE = 3, 1e-3
PRECISIONS = {"float32": False, "bfloat16": True}  # and whether products of matrices are in bfloat16


@contextmanager
def writing_in(precision: str) -> Iterator[None]:
    """Within it captions are written in that precision, whatever the processor is best at."""
    with patch("latelier.heads.caption.computes_bf16", lambda device: PRECISIONS[precision]):
        yield


def drawn(batch: int, words: int = WORDS) -> tuple[Images, Vocabulary]:
    """Scenes with captions of this many drawn words."""
    rng = np.random.default_rng(0)
    texts = [(" ".join(f"w{i}" for i in rng.integers(0, words, LENGTH)),) for _ in range(STEPS * batch)]
    every_word = " ".join(f"w{i}" for i in range(words))
    return replace(draw_scenes(STEPS * batch), captions=texts), Vocabulary.of([every_word])


def built(vocabulary: Vocabulary) -> Captioned:
    """The residual VAE with a GRU of the default sizes, from one seed."""
    torch.manual_seed(0)
    settings = {"net": "resnet", "net.channels": (32, 64), "latent": 128, "likelihood": "bernoulli"}
    captions = {"caption": "gru", "caption.captioned": 1.0}
    model = build("vae", (3, 32, 32), words=vocabulary.words, **stated("vae", {**settings, **captions}))
    assert isinstance(model, Captioned)
    multiply_fast(model)
    return model.to(pick_device(), memory_format=torch.channels_last).train()


class Bare:
    """What a careful hand writes over the same nets: one loss, one way back, fused Adam."""

    def __init__(self, model: Captioned):
        assert isinstance(model.inner, Vae)
        self.model, self.vae, self.net = model, model.inner, model.writer.net
        self.optimiser = Adam(model.parameters(), RATE, fused=True)
        self.generator = Generator(pick_device())

    def step(self, batch: Batch) -> Tensor:
        caption, known = batch.caption, batch.caption > 0
        mean, log_variance = self.vae.encoder(batch.image).chunk(2, 1)
        z = mean + (0.5 * log_variance.clamp(-30, 20)).exp() * self._noise(mean.shape)
        output = self.vae.decoder(z)
        error = functional.binary_cross_entropy_with_logits(output, batch.image, reduction="none").sum((1, 2, 3))
        loss = error + gaussian.kl_to_standard(mean, log_variance).sum(1)
        h = self.net.start(z).tanh()
        later, _ = self.net.cell(self._dropped(self.net.embed(caption[:, :-1])), h[None])
        hidden = torch.cat([h[:, None], later], 1)[known]
        nats = functional.cross_entropy(self.net.out(self._dropped(hidden)), caption[known] - 1, reduction="none")
        per_token = torch.zeros(caption.shape, device=z.device).masked_scatter(known, nats).sum(1) / known.sum(1)
        whole = (loss + self.model.writer.weight * per_token).mean()
        self.optimiser.zero_grad()
        whole.backward()
        self.optimiser.step()
        return whole.detach()

    def _noise(self, shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=self.generator, device=self.generator.device)

    def _dropped(self, x: Tensor) -> Tensor:
        return x * (torch.rand(x.shape, generator=self.generator, device=x.device) >= 0.5) * 2


def training(batch: int) -> str:
    """A step of both, and their ratio."""
    images, vocabulary = drawn(batch)
    sentences = Sentences(images, vocabulary, 40)
    batches = Batches(images, batch, seed=0, device=pick_device(), captioned=1.0, sentences=sentences)
    ours, bare = built(vocabulary), Bare(built(vocabulary))
    by_latelier = stepping(ours, batches)

    def by_hand(position: int) -> None:
        bare.generator.manual_seed(position)
        float(bare.step(batches.at(position)))  # as latelier looks at every loss

    laps = alternated([by_latelier, by_hand], [i * batch for i in range(STEPS)])
    ratio = statistics.median(hand / own for own, hand in laps)
    own, hand = (1e3 * statistics.median(lap) / STEPS for lap in zip(*laps, strict=True))
    return f"a step of {batch}: latelier {own:.0f} ms, bare {hand:.0f} ms; {ratio:.3f} of the bare speed (aim .95)"


def decoding(width: int, words: int, precision: str) -> str:
    """Milliseconds a caption, together and one at a time, and their ratio, in that precision."""
    _, vocabulary = drawn(1, words)
    model = built(vocabulary).eval()
    torch.nn.init.constant_(model.writer.net.out.bias[:1], -1e3)  # no early end: every caption has LENGTH words
    code = {"z": torch.randn(TOGETHER, 128, generator=Generator().manual_seed(0)).to(pick_device())}
    writer = need(model, Captions)

    @torch.no_grad()
    def together(_: int) -> None:
        writer.describe([code], width, LENGTH)

    @torch.no_grad()
    def alone(_: int) -> None:
        for row in range(TOGETHER):
            writer.describe([{"z": code["z"][row : row + 1]}], width, LENGTH)

    @torch.no_grad()
    def products(_: int) -> None:
        with torch.autocast(pick_device().type, torch.bfloat16, enabled=PRECISIONS[precision]):
            floor(model.writer.net, width)

    with writing_in(precision):
        laps = alternated([together, alone, products], [0])
    ratio = statistics.median(one / many for many, one, _ in laps)
    share = statistics.median(least / many for many, _, least in laps)
    many, one = (1e3 * statistics.median(lap[side] for lap in laps) / TOGETHER for side in (0, 1))
    name = "greedy" if width == 1 else f"beam of {width}"
    figures = f"{many:.2f} ms a caption of {TOGETHER} together, {one:.2f} alone; {ratio:.1f}x (aim 20)"
    roof = f"its products alone take {100 * share:.0f} % of the time together"
    return f"{name}, {LENGTH} words of {words:,}, {precision}: {figures}; {roof}"


def scored(run: str) -> list[str]:
    """What the run's captions score on its own test images, a line a score and precision."""
    opened = open_run(run)
    splits = opened.splits(None, Where())
    names = ["captions", *(["scene_captions"] if "parts" in splits.test.truth else [])]
    lines = []
    for precision in PRECISIONS:
        with writing_in(precision):
            records = run_scores(opened.model, splits, names, limit=SCORED)
        for record in records:
            values = ", ".join(f"{name} {number(value)}" for name, value in record["values"].items())
            lines.append(f"{record['name']}, {precision}, {record['n']:,} images: {values}")
    return lines


def floor(net: Recurrent, width: int) -> None:
    """Nothing but the products of matrices that decoding cannot do without, in the sizes that it has them: of the cell
    for all beams, and of the vocabulary for all beams and once more at the end."""
    inside, own = net.cell.weight_ih_l0, net.cell.weight_hh_l0
    for step in range(LENGTH + 1):
        rows = TOGETHER * (width if step else 1)
        hidden = torch.ones(rows, own.shape[1], device=own.device)
        functional.linear(hidden, net.out.weight, net.out.bias)
        if step < LENGTH:
            functional.linear(hidden, own)
            functional.linear(torch.ones(rows, inside.shape[1], device=own.device), inside)


def main() -> None:
    asked = options(__doc__, run="")
    if asked.run:
        print("\n".join(scored(asked.run)))
        return
    for words in (WORDS, FEW_WORDS):
        for width in (1, 5):
            for precision in PRECISIONS:
                print(decoding(width, words, precision), flush=True)
    print(training(asked.batch))


if __name__ == "__main__":
    main()
