"""Codes that explain a caption: draws of p(s | Y), by importance and then Langevin Monte Carlo.

p(Y | s) is what the model writes either of the image that s draws, encoded again, or of s itself. A code may hold
words apart from what its image is drawn from; then the second says nothing of the image."""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import torch
from torch import Generator, Tensor

from latelier.codes.fitted import as_trained
from latelier.config.lookup import nearest
from latelier.core import Captions, Code, Decodes, HasLevels, Model, Samples, has, need
from latelier.data.words import SPECIAL, Vocabulary
from latelier.errors import Refusal
from latelier.heads.reading import typical
from latelier.nets.eval_mode import evaluating
from latelier.objectives.importance import effective_samples
from latelier.objectives.langevin import Chain
from latelier.slices import Slices, done

TRIED, BLOCK = 4_096, 16  # draws of the prior, and how many are weighed at once: a slice
BEAM = 5  # of what is read back
WEIGHED = 0.6  # of the work, about: the rest is chains
HEARD = 5  # samples of the code of an image whose most likely code is not typical, at each step of a chain
Through = Literal["image", "code"]


class Imagined(NamedTuple):
    """Codes, and what they were chosen from."""

    code: Code  # [n, ...]
    effective: float  # draws of the prior that carry the weight p(Y | s), of TRIED


def tokens_of(text: str, words: tuple[str, ...]) -> Tensor:
    """[1, t] token numbers. Raises Refusal for a text without words and for a word that the model does not know."""
    vocabulary = Vocabulary(words)
    said = vocabulary.words_in(text)
    if not said:
        raise Refusal(f"the caption '{text}' has no words; say what the images shall show: --caption \"...\"")
    if unknown := [word for word in said if word not in vocabulary.number]:
        close = nearest(unknown[0], sorted(words[len(SPECIAL) :]))
        raise Refusal(f'no caption that this run learned from has the word "{unknown[0]}"; {close[:300]}')
    return torch.tensor([vocabulary.tokens(text, len(said))])


def imagine(
    model: Model, caption: Tensor, n: int, generator: Generator, chain: Chain, through: Through = "image"
) -> Imagined:
    """n draws of p(s | caption [1, t]): of ``TRIED`` draws of the prior n are drawn again, each as likely as the
    caption makes it, and each goes on as a Langevin chain, which parts those that are alike. Raises Refusal for a code
    without a Gaussian prior, and for an unknown ``through``."""
    return done(imagining(model, caption, n, generator, chain, through))


def imagining(
    model: Model, caption: Tensor, n: int, generator: Generator, chain: Chain, through: Through = "image"
) -> Slices[Imagined]:
    """``imagine`` in slices."""
    if through not in get_args(Through):
        raise Refusal(f"a caption is looked for through the image or the code, not '{through}'; give image or code")
    prior, log_p = need(as_trained(model), Samples), _heard(model, caption, through)
    drawn, weights, read = list[Code](), list[Tensor](), list[str]()
    for tried in range(0, TRIED, BLOCK):
        with evaluating(model):
            code = prior.sample_prior(BLOCK, generator)
            read = read or _read(model, code, caption)
            if has(model, HasLevels):  # what is below is drawn anew from the level that is moved
                code = {name: code[name] for name in read}
            drawn.append(code)
            weights.append(log_p(code))
        yield WEIGHED * tried / TRIED
    weight = torch.cat(weights)
    rows = torch.multinomial(weight.softmax(0), n, replacement=True, generator=generator)
    code = {name: torch.cat([part[name] for part in drawn])[rows] for name in drawn[0]}
    end = start = torch.cat([code[name].flatten(1) for name in read], 1)
    slope = _slope(log_p, code, read)

    def evaluated(z: Tensor) -> Tensor:
        with evaluating(model):
            return slope(z)

    for step, end in enumerate(chain.walk(start, evaluated, generator)):  # noqa: B007, the last is where they end
        yield WEIGHED + (1 - WEIGHED) * step / chain.steps
    return Imagined({**code, **_parted(end, code, read)}, float(effective_samples(weight[:, None])))


def read_back(model: Model, image: Tensor, caption: Tensor) -> tuple[list[str], list[bool]]:
    """What the model, looking at each image [n, c, h, w] alone, writes of it, and whether that is the very caption
    [1, t]."""
    writer, codes = need(model, Captions), typical(model, image)
    vocabulary = Vocabulary(writer.words())
    said = [vocabulary.text(row) for row in writer.describe(codes, BEAM, 2 * caption.shape[1]).token.tolist()]
    wanted = vocabulary.text(caption[0].tolist())
    return said, [words == wanted for words in said]


def _read(model: Model, code: Code, caption: Tensor) -> list[str]:
    """Names of the latents that captions depend on. Raises Refusal where one has no Gaussian prior."""
    some = {name: value[:1].clone().requires_grad_() for name, value in code.items()}
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        log_p = need(model, Captions).log_caption(some, caption).sum()
        slopes = torch.autograd.grad(log_p, list(some.values()), allow_unused=True)
    names = [name for name, slope in zip(some, slopes, strict=True) if slope is not None]
    if other := [name for name in names if model.latents[name].kind != "gaussian"]:
        raise Refusal(f"imagine needs a Gaussian prior, but that of {other[0]} is {model.latents[other[0]].kind}")
    return names


def _heard(model: Model, caption: Tensor, through: Through) -> Callable[[Code], Tensor]:
    """Codes of n images -> [n] log p(caption [1, t] | code)."""
    writer = need(model, Captions)

    def log_p(code: Code) -> Tensor:
        codes = typical(model, need(model, Decodes).decode(code), HEARD) if through == "image" else [code]
        each = [writer.log_caption(one, caption.expand(len(next(iter(one.values()))), -1)) for one in codes]
        return torch.stack(each).logsumexp(0) - math.log(len(each))

    return log_p


def _slope(log_p: Callable[[Code], Tensor], code: Code, names: list[str]) -> Callable[[Tensor], Tensor]:
    """Of -log p(Y | s) + |s|^2 / 2, [n, d] -> [n, d]."""

    def slope(s: Tensor) -> Tensor:
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):  # cudnn has no way back in eval mode
            s = s.detach().requires_grad_()
            (found,) = torch.autograd.grad(log_p({**code, **_parted(s, code, names)}).sum(), s)
        return s.detach() - found

    return slope


def _parted(flat: Tensor, code: Code, names: list[str]) -> Code:
    sizes = [code[name][0].numel() for name in names]
    parts = zip(names, flat.split(sizes, 1), strict=True)
    return {name: part.view_as(code[name]) for name, part in parts}
