"""The likeliest caption of a code, or of several draws of it together.

A caption has at most ``longest`` words and then its end, so that all scores are log-probabilities of whole captions.
For draws s_1 ... s_S of the code p(Y) = mean over s of p(Y | s), decoded exactly: p(y_t | y_<t) weighs each draw by
what it gave the words before.
"""

import math
from typing import Protocol

import torch
from torch import Tensor

from latelier.core import Refusal, Written

PADDING, END = 0, 1
State = tuple[Tensor, ...]  # each [n, ...]


class Speaker(Protocol):
    """Tells, word by word, what may come next. Token 0 is padding, which it never says, and 1 the end."""

    def begin(self, code: Tensor) -> State:
        """Of codes [n, k]."""

    def log_next(self, state: State) -> Tensor:
        """[n, tokens] log p of the next token."""

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
        beams, tokens = log_p.shape[1], log_p.shape[3]
        onwards = (given[..., None] + log_p).logsumexp(2) - math.log(s)
        closed = _closed(tokens, never, step < shortest, step == longest).to(code.device)
        onwards = onwards.masked_fill(closed, -torch.inf)
        onwards = torch.where(ended[..., None], _as_it_is(score, tokens), onwards)
        score, place = onwards.flatten(1).topk(min(width, beams * tokens))
        beam, word = place // tokens, place % tokens
        token = torch.cat([token[rows, beam], word[..., None]], 2)
        ended = ended[rows, beam] | (word == END)
        if bool(ended[:, 0].all()):  # what is longer is less likely
            break
        given = given[rows, beam] + log_p[rows, beam, :, word]
        kept = ((rows * beams + beam)[..., None] * s + draws).flatten()
        state = tuple(part.index_select(0, kept) for part in state)
        state = speaker.advance(state, word[..., None].expand(-1, -1, s).flatten())
    return Written(token[:, 0], score[:, 0])


def _closed(tokens: int, never: tuple[int, ...], early: bool, last: bool) -> Tensor:
    """bool [tokens]: what must not be written; early the end neither, at last all but the end."""
    closed = torch.full((tokens,), last)
    closed[[PADDING, *never]] = True
    closed[END] = early
    return closed


def _as_it_is(score: Tensor, tokens: int) -> Tensor:
    """[b, w, tokens]: an ended caption goes on with padding, at its score [b, w]."""
    alone = score.new_full((*score.shape, tokens), -torch.inf)
    alone[..., PADDING] = score
    return alone
