"""A recurrent net that writes from a code: h_1 = tanh(C s), p(y_t) = softmax(V h_t), h_t = cell(W_e y_(t-1), h_(t-1))
(Pu et al. 2016, section 3.2)."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from latelier.objectives.corruption import drop
from latelier.objectives.reduction import wide

State = tuple[Tensor, ...]  # each [n, hidden]; of a GRU h, of an LSTM h and c
SMALL = 0.01  # first weights that are not recurrent are uniform in +-SMALL (the source's supplement)


class Recurrent(nn.Module):
    """Writes any token but padding (number 0)."""

    def __init__(
        self, cell: type[nn.GRU] | type[nn.LSTM], code: int, tokens: int, embedding: int, hidden: int, dropout: float
    ):
        super().__init__()
        self.dropout = dropout
        self.embed = nn.Embedding(tokens, embedding)
        self.start = nn.Linear(code, hidden)
        self.own = 2 if cell is nn.LSTM else 1  # parts of a state that are the cell's
        self.cell = cell(embedding, hidden, batch_first=True)
        self.out = nn.Linear(hidden, tokens - 1)
        for name, weight in self.named_parameters():
            if "bias" in name:
                nn.init.zeros_(weight)
            elif "weight_hh" in name:
                for gate in weight.detach().split(hidden):
                    nn.init.orthogonal_(gate)
            else:
                nn.init.uniform_(weight, -SMALL, SMALL)

    def begin(self, code: Tensor) -> State:
        """The state of codes [n, k] before the first word, the cell's own first; an LSTM's memory is empty."""
        h = self.start(code).tanh()
        return (h, *(torch.zeros_like(h) for _ in range(self.own - 1)), *self.seen(code))

    def seen(self, code: Tensor) -> State:
        """What is seen of codes [n, k] at every word: nothing."""
        return ()

    def beside(self, hidden: Tensor, seen: State) -> Tensor:
        """The cell's states [n, t, hidden] and what they find in what is seen: what the next words are predicted
        from."""
        return hidden

    def log_next(self, state: State) -> Tensor:
        """[n, tokens] log p of the next token, that of padding -inf."""
        hidden = self.beside(state[0][:, None], state[self.own :])[:, 0]
        log_p = wide(self.out(hidden)).log_softmax(1)
        return functional.pad(log_p, (1, 0), value=-torch.inf)

    def advance(self, state: State, token: Tensor) -> State:
        """The state after tokens [n]."""
        _, after = self.cell(self.embed(token)[:, None], self._packed(state))
        return (*self._unpacked(after), *state[self.own :])

    def log_likelihood(self, code: Tensor, caption: Tensor, generator: Generator | None = None) -> Tensor:
        """[b] log p(caption [b, t] | code [b, k]) in nats, 0 for a row of padding; with a generator under dropout."""
        return self.log_each(code, caption, generator).sum(1)

    def log_each(self, code: Tensor, caption: Tensor, generator: Generator | None = None) -> Tensor:
        """The same of each token given those before it, [b, t] and at least two columns; 0 for padding."""
        caption = functional.pad(caption, (0, max(0, 2 - caption.shape[1])))
        state, words = self.begin(code), self._dropped(self.embed(caption[:, :-1]), generator)
        later, _ = self.cell(words, self._packed(state))
        hidden = torch.cat([state[0][:, None].to(later.dtype), later], 1)
        known, states = caption > 0, self.beside(hidden, state[self.own :])
        logits = self.out(self._dropped(states[known], generator))
        log_p = -functional.cross_entropy(wide(logits), caption[known] - 1, reduction="none")
        return log_p.new_zeros(caption.shape).masked_scatter(known, log_p)

    def _dropped(self, x: Tensor, generator: Generator | None) -> Tensor:
        return x if generator is None else drop(x, self.dropout, generator)

    def _packed(self, state: State) -> Tensor | State:
        """As torch's cells take it."""
        layers = tuple(part[None].contiguous() for part in state[: self.own])
        return layers if isinstance(self.cell, nn.LSTM) else layers[0]

    def _unpacked(self, layers: Tensor | State) -> State:
        return tuple(part[0] for part in layers) if isinstance(layers, tuple) else (layers[0],)
