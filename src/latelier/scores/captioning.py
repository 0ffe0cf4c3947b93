"""What scores of captions share: references, captions written for many images, and how likely the references are."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from latelier.codes.rows import computes_in, device_of, up_to
from latelier.core import Captions, Code, Encodes, Model, need
from latelier.data.captions import FEWEST, Sentences, has_caption
from latelier.data.images import Images
from latelier.data.words import Vocabulary, words_of
from latelier.nets.eval_mode import evaluating

BLOCK = 64  # captions written at once
LONGEST = 30  # words of a caption that is written
LEARNED = 40  # words up to which a reference counts


def captioned(images: Images) -> Images:
    """Those with a caption."""
    known = has_caption(images)
    return images if known.all() else images.take(np.flatnonzero(known))


def references_of(images: Images) -> list[list[list[str]]]:
    """The words of all captions of each image."""
    return [[words for text in texts if (words := words_of(text))] for texts in images.captions]


def usual_draws(model: Model) -> int:
    """Draws of the code under which captions are written unless said otherwise: none but the most likely one, unless
    that is not typical."""
    return need(model, Encodes).averaged


def codes_of(model: Model, image: Tensor, draws: int | None, generator: Generator) -> list[Code]:
    """This many draws of the codes of a block, the most likely one for 0, the usual number for None."""
    q = need(model, Encodes).encode(image)
    draws = usual_draws(model) if draws is None else draws
    return [q.sample(generator) for _ in range(draws)] if draws else [q.mode()]


def log_mixture(writer: Captions, codes: Sequence[Code], caption: Tensor) -> Tensor:
    """[b] log of the mean over draws of the code of p(caption [b, t] | code), in double precision."""
    each = torch.stack([writer.log_caption(code, caption) for code in codes])
    return each.double().logsumexp(0) - math.log(len(codes))


def written(
    model: Model, images: Images, beam: int, draws: int | None, generator: Generator, longest: int = LONGEST
) -> tuple[list[str], np.ndarray]:
    """A caption of each image, in the model's words, and its log-probability [n] in nats."""
    texts: list[str] = []
    scores: list[float] = []
    for block, likely in writing(model, images, beam, draws, generator, longest):
        texts += block
        scores += likely
    return texts, np.array(scores)


def writing(
    model: Model,
    images: Images,
    beam: int,
    draws: int | None,
    generator: Generator,
    longest: int,
    start: int = 0,
    stop: int | None = None,
    precision: str = "fp32",
) -> Iterator[tuple[list[str], list[float]]]:
    """What ``written`` gives, a block at a time, from image ``start`` on, up to that of the block that reaches
    ``stop``, computed in fp32 or bf16."""
    computing = computes_in(model, precision)
    writer, vocabulary, device = need(model, Captions), Vocabulary(need(model, Captions).words()), device_of(model)
    for block in up_to(images, BLOCK, start, stop):
        with evaluating(model), computing():
            codes = codes_of(model, block.to(device), draws, generator)
            found = writer.describe(codes, beam, longest)
        yield [vocabulary.text(row) for row in found.token.tolist()], found.log_probability.tolist()


def likelihoods(model: Model, images: Images, draws: int, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
    """log mean over draws of p(Y | s) of every reference of every image, [m] in nats, and its number of tokens."""
    writer, device = need(model, Captions), device_of(model)
    sentences = Sentences(images, Vocabulary(writer.words()), LEARNED)
    nats: list[Tensor] = []
    counts: list[Tensor] = []
    for start in range(0, len(images), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(images)))
        owner = torch.from_numpy(np.repeat(rows - start, sentences.count[rows]))
        caption = pad_sequence([one for row in rows.tolist() for one in sentences.all(row)], batch_first=True)
        caption = caption[:, : max(FEWEST, int((caption > 0).sum(1).max()))].to(device)
        with evaluating(model):
            codes = codes_of(model, images.floats(rows).to(device), draws, generator)
            nats.append(log_mixture(writer, [_of(code, owner.to(device)) for code in codes], caption))
        counts.append((caption > 0).sum(1))
    return torch.cat(nats).cpu().numpy(), torch.cat(counts).cpu().numpy()


def _of(code: Code, rows: Tensor) -> Code:
    return {name: value[rows] for name, value in code.items()}


def unknown_share(model: Model, references: Sequence[Sequence[Sequence[str]]]) -> float:
    """Of the references' words, those that the model does not know, in percent."""
    known = set(need(model, Captions).words())
    words = [word for beside in references for text in beside for word in text]
    return 100 * sum(word not in known for word in words) / max(1, len(words))
