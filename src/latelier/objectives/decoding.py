"""The likeliest caption of a code, or of several draws of it together.

A caption has at most ``longest`` words and then its end, so that all scores are log-probabilities of whole captions.
For draws s_1 ... s_S of the code p(Y) = mean over s of p(Y | s), decoded exactly: p(y_t | y_<t) weighs each draw by
what it gave the words before.
"""

import math
from typing import Protocol

import torch
from torch import Tensor

from latelier.core import END, PADDING, Written
from latelier.errors import Refusal

State = tuple[Tensor, ...]  # each [n, ...]


class Speaker(Protocol):
    """Tells, word by word, what may come next. PADDING it never says."""

    def begin(self, code: Tensor) -> State:
        """Of codes [n, k]."""

    def log_next(self, state: State) -> Tensor:
        """[n, tokens] log p of the next token, a tensor of the caller's own."""

    def advance(self, state: State, token: Tensor) -> State:
        """After tokens [n]."""


def beam_search(
    speaker: Speaker, code: Tensor, *, width: int = 1, longest: int = 30, shortest: int = 0, never: tuple[int, ...] = ()
) -> Written:
    """The best caption that a beam search finds for codes [b, s, k], s draws of each. Ended captions keep their place
    in the beam. Width 1 is greedy. No caption has fewer than ``shortest`` words, nor tokens ``never``. Raises Refusal
    for a width or length below 1."""
    if width < 1 or longest < 1:
        raise Refusal(f"a beam of {width} and captions of at most {longest} words were asked for; give at least 1")
    b, s, _ = code.shape
    rows, draws = torch.arange(b, device=code.device)[:, None], torch.arange(s, device=code.device)
    state = speaker.begin(code.flatten(0, 1))
    given = code.new_zeros(b, 1, s)  # log p of each beam's words under each draw
    score = code.new_zeros(b, 1)
    token = torch.zeros(b, 1, 0, dtype=torch.int64, device=code.device)
    ended = torch.zeros(b, 1, dtype=torch.bool, device=code.device)
    for step in range(longest + 1):
        log_p = speaker.log_next(state).unflatten(0, (b, -1, s))
        beams = log_p.shape[1]
        onwards = (given[..., None] + log_p).logsumexp(2) - math.log(s) if s > 1 else log_p[:, :, 0]
        # The best of each beam first: what follows looks at few words, and not at the whole vocabulary.
        onwards[..., _closed(never, step < shortest)] = -torch.inf
        onwards, words = _best(onwards, width, step == longest)
        if s == 1:
            onwards = onwards + given
        onwards = torch.where(ended[..., None], _as_it_is(score, onwards.shape[2]), onwards)
        words = words.masked_fill(ended[..., None], PADDING)
        score, place = onwards.flatten(1).topk(min(width, onwards[0].numel()))
        beam, word = place // onwards.shape[2], words.flatten(1).gather(1, place)
        token = torch.cat([token[rows, beam], word[..., None]], 2)
        ended = ended[rows, beam] | (word == END)
        if bool(ended[:, 0].all()):  # what is longer is less likely
            break
        given = given[rows, beam] + log_p[rows, beam, :, word]
        if width > 1:  # of one beam the state is where it was
            kept = ((rows * beams + beam)[..., None] * s + draws).flatten()
            state = tuple(part.index_select(0, kept) for part in state)
        state = speaker.advance(state, word.repeat_interleave(s))
    return Written(token[:, 0], score[:, 0])


def _best(onwards: Tensor, width: int, last: bool) -> tuple[Tensor, Tensor]:
    """The best words of each beam and their scores, [b, w, ways] of [b, w, tokens]; at last the end alone."""
    if last:
        score = onwards[..., END : END + 1]
        return score, torch.full_like(score, END, dtype=torch.int64)
    if width == 1:
        return onwards.max(2, keepdim=True)  # much faster than topk
    return onwards.topk(min(width, onwards.shape[2]), sorted=False)


def _closed(never: tuple[int, ...], early: bool) -> list[int]:
    """Tokens that must not be written; early the end neither."""
    return [PADDING, *never, *([END] if early else [])]


def _as_it_is(score: Tensor, ways: int) -> Tensor:
    """[b, w, ways]: an ended caption goes on in one way, at its score [b, w]."""
    alone = score.new_full((*score.shape, ways), -torch.inf)
    alone[..., 0] = score
    return alone
