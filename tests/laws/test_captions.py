"""Laws of captions (facts of Pu et al. 2016): probabilities add up, beams search, draws mix, weights and steps."""

import math
from itertools import product
from typing import Any, Literal

import pytest
import torch
from torch import Generator, Tensor, nn

from latelier.core import Batch, Decodes, Encodes, Progress, need
from latelier.errors import Refusal
from latelier.heads.captioned import Captioned
from latelier.heads.gru import Config, Writer
from latelier.nets.attention import Looking
from latelier.nets.recurrent import Recurrent
from latelier.objectives.decoding import beam_search
from latelier.objectives.langevin import Chain
from latelier.runs.building import build
from latelier.uses.imagining import imagine

WORDS = ("<padding>", "<end>", "<unknown>", "a", "dog")
CELLS = ((Recurrent, nn.GRU), (Recurrent, nn.LSTM), (Looking, nn.GRU), (Looking, nn.LSTM))
cells = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(part.__name__ for part in cell))


def net_of(cell: Any = CELLS[0], seed: int = 0, tokens: int = 5, scale: float = 2.0) -> Recurrent:
    """With weights so large that the words depend on each other; of a code of three numbers, or three cells of one."""
    kind, unit = cell
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net: Recurrent = kind(unit, 3 if kind is Recurrent else (1, 1, 3), tokens, 4, 8, 0.5).double()
        for weight in net.parameters():
            nn.init.normal_(weight, std=scale / math.sqrt(weight.shape[-1]))
    return net.eval().requires_grad_(False)


def sentences(tokens: int, longest: int) -> list[tuple[int, ...]]:
    """All of at most this many words, with their end."""
    words = range(2, tokens)
    return [(*said, 1) for length in range(longest + 1) for said in product(words, repeat=length)]


def log_p(net: Recurrent, code: Tensor, said: list[tuple[int, ...]]) -> Tensor:
    """[n] of each sentence under one code [k]."""
    table = torch.zeros(len(said), max(map(len, said)), dtype=torch.int64)
    for row, sentence in zip(table, said, strict=True):
        row[: len(sentence)] = torch.tensor(sentence)
    return net.log_likelihood(code.expand(len(said), -1), table)


def codes(b: int = 4, s: int = 1, seed: int = 0) -> Tensor:
    return torch.randn(b, s, 3, generator=Generator().manual_seed(seed), dtype=torch.float64)


@cells
def test_probabilities_of_all_sentences_add_up_to_one(cell: Any) -> None:
    net, code = net_of(cell), codes()[0, 0]
    ended = sentences(5, 4)
    cut = [said[:-1] for said in ended if len(said) == 5]
    extended = [(*said, token) for said in cut for token in range(2, 5)]  # all that go on after four words
    total = log_p(net, code, ended).exp().sum() + log_p(net, code, extended).exp().sum()
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-6)


@cells
def test_a_step_at_a_time_is_the_whole_sentence(cell: Any) -> None:
    net, code, said = net_of(cell), codes(1)[0], (3, 4, 2, 1)
    state, total = net.begin(code), torch.zeros(1, dtype=torch.float64)
    for token in said:
        total += net.log_next(state)[:, token]
        state = net.advance(state, torch.tensor([token]))
    torch.testing.assert_close(total.float(), log_p(net, code[0], [said]).float())
    assert net.log_next(net.begin(code))[0, 0] == -torch.inf  # padding is never said


def test_the_first_word_is_of_the_code_alone() -> None:
    net, code = net_of(), codes()[:, 0]
    first = (net.out.weight @ (net.start.weight @ code.T + net.start.bias[:, None]).tanh()).T + net.out.bias
    found = torch.stack([net.log_likelihood(code, torch.full((4, 1), token)) for token in range(1, 5)], 1)
    torch.testing.assert_close(found, first.log_softmax(1).to(found.dtype))


def greedy(net: Recurrent, code: Tensor, longest: int) -> list[int]:
    """By hand, one code [k]."""
    state, said = net.begin(code[None]), []
    for _ in range(longest):
        said.append(int(net.log_next(state)[0].argmax()))
        if said[-1] == 1:
            return said
        state = net.advance(state, torch.tensor(said[-1:]))
    return [*said, 1]


@cells
def test_a_beam_of_one_is_greedy(cell: Any) -> None:
    for seed in range(5):
        net, code = net_of(cell, seed), codes(8, seed=seed)
        written = beam_search(net, code, width=1, longest=5)
        for row, one in zip(written.token.tolist(), code[:, 0], strict=True):
            found = greedy(net, one, 5)
            assert row[: len(found)] == found
            assert not any(row[len(found) :])


@cells
@pytest.mark.parametrize(("longest", "width"), [(1, 4), (2, 13), (3, 40)])
def test_a_beam_wide_enough_finds_the_best_of_all(cell: Any, longest: int, width: int) -> None:
    """Which is one for every sentence, ended or not: for one word, one for every token."""
    for seed in range(6):
        net, code = net_of(cell, seed), codes(3, seed=seed)
        written, all_said = beam_search(net, code, width=width, longest=longest), sentences(5, longest)
        for row, score, one in zip(written.token.tolist(), written.log_probability, code[:, 0], strict=True):
            each = log_p(net, one, all_said)
            best = all_said[int(each.argmax())]
            assert tuple(row[: len(best)]) == best
            torch.testing.assert_close(score.float(), each.max().float())


def test_it_is_greedy_and_writes_thirty_words_unless_it_is_asked_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    net, code = net_of(), codes(16)
    greedy, wide = (beam_search(net, code, width=width).token for width in (1, 2))
    assert not torch.equal(greedy, wide)
    assert torch.equal(greedy, beam_search(net, code).token)
    never = torch.tensor([0.0, 1e3, 0, 0, 0])
    log_next = net.log_next
    monkeypatch.setattr(net, "log_next", lambda state: log_next(state) - never)
    assert beam_search(net, code).token.shape == (16, 31)  # with its end


def test_its_score_is_the_probability_of_what_it_wrote_and_grows_towards_all() -> None:
    net, code = net_of(tokens=7), codes(16)
    found = [beam_search(net, code, width=width, longest=4) for width in (1, 5, 2000)]
    for written in found:
        again = net.log_likelihood(code[:, 0], written.token)
        torch.testing.assert_close(written.log_probability.float(), again.float())
    assert (found[2].log_probability >= torch.maximum(*(one.log_probability for one in found[:2])) - 1e-9).all()
    assert (found[2].log_probability > found[0].log_probability + 1e-6).any()


def test_draws_are_mixed_exactly() -> None:
    net, code, all_said = net_of(), codes(5, 3), sentences(5, 2)
    written = beam_search(net, code, width=4, longest=2)
    for row, score, draws in zip(written.token.tolist(), written.log_probability, code, strict=True):
        each = torch.stack([log_p(net, one, all_said) for one in draws]).logsumexp(0) - math.log(3)
        best = all_said[int(each.argmax())]
        assert tuple(row[: len(best)]) == best
        torch.testing.assert_close(score.float(), each.max().float())


def test_equal_draws_are_one() -> None:
    net, code = net_of(), codes(6)
    one, many = (beam_search(net, code.expand(-1, s, -1), width=3, longest=4) for s in (1, 7))
    assert torch.equal(one.token, many.token)
    torch.testing.assert_close(one.log_probability, many.log_probability)


def test_a_batch_is_decoded_as_its_captions_by_themselves() -> None:
    net, code = net_of(tokens=9), codes(12, 2)
    together = beam_search(net, code, width=3, longest=6)
    for row, one in enumerate(code):
        alone = beam_search(net, one[None], width=3, longest=6)
        length = alone.token.shape[1]
        assert torch.equal(together.token[row, :length], alone.token[0])
        assert not together.token[row, length:].any()
        torch.testing.assert_close(together.log_probability[row], alone.log_probability[0])


def test_what_must_not_be_written_is_not() -> None:
    net = net_of()
    assert any((beam_search(net, codes(16, seed=s), width=1).token == 2).any() for s in range(3))
    assert not any((beam_search(net, codes(16, seed=s), width=3, never=(2,)).token == 2).any() for s in range(3))
    for shortest in (1, 3):
        found = [beam_search(net_of(seed=s), codes(8), width=3, shortest=shortest) for s in range(3)]
        assert all((one.token[:, :shortest] > 1).all() for one in found)
    with pytest.raises(Refusal, match="a beam of 0"):
        beam_search(net, codes(), width=0)


def test_the_perplexity_of_a_uniform_model_is_the_number_of_tokens() -> None:
    net = net_of()
    for weight in (net.out.weight, net.out.bias):
        weight.zero_()
    caption = torch.tensor([[3, 4, 2, 1], [3, 1, 0, 0]])
    total = -net.log_likelihood(codes(2)[:, 0], caption).sum()
    assert float((total / (caption > 0).sum()).exp()) == pytest.approx(len(WORDS) - 1)  # all but padding


def test_the_weight_is_pixels_over_tokens_and_share() -> None:
    with torch.random.fork_rng(devices=[]):
        writer = Writer(Config(hidden=6, embedding=4, captioned=0.25), 3, WORDS, (3, 32, 32)).eval()
    caption, code = torch.tensor([[3, 4, 1], [3, 1, 0], [0, 0, 0]]), {"z": torch.randn(3, 3)}
    xi = 1024 / (torch.tensor([3, 2, 1]) * 0.25)
    expected = -xi * writer.log_likelihood(code, caption)
    torch.testing.assert_close(writer.loss(code, caption, Generator()), expected)
    assert expected[2] == 0


@cells
def test_each_token_has_the_probability_that_the_net_gave_it_in_its_turn(cell: Any) -> None:
    net, code = net_of(cell), codes(8)[:, 0]
    token = beam_search(net, code[:, None], longest=5).token
    each = net.log_each(code, token)
    state = net.begin(code)
    for place, said in enumerate(token.T):
        told = net.log_next(state).gather(1, said[:, None])[:, 0]
        torch.testing.assert_close(each[:, place][said > 0].float(), told[said > 0].float())
        state = net.advance(state, said)
    torch.testing.assert_close(each.sum(1).float(), net.log_likelihood(code, token).float())
    assert (each[:, : token.shape[1]][token == 0] == 0).all()


def test_a_writer_that_looks_sees_each_cell() -> None:
    """Its words depend on which cell holds what, and on a cell that the first state does not know of."""
    net, code = net_of(CELLS[2]), codes(1)[0]
    turned = code[:, [1, 2, 0]]
    with torch.no_grad():
        net.start.weight.zero_()
    assert not torch.allclose(net.log_next(net.begin(code)), net.log_next(net.begin(turned)))


def test_captions_that_look_at_cells_need_a_map() -> None:
    look = {"caption": "gru", "caption.look": "cells", "caption.hidden": 8}
    found = build("vae", (1, 8, 8), net="maps", latent=3, words=WORDS, **look)
    assert need(found, Encodes).encode(torch.rand(2, 1, 8, 8)).mode()["z"].shape == (2, 3, 2, 2)
    with pytest.raises(Refusal, match="a code that is a map"):
        build("vae", (1, 8, 8), words=WORDS, **look)
    with pytest.raises(Refusal, match="a multiple of 4"):
        build("vae", (1, 8, 8), net="maps", words=WORDS, **{**look, "caption.hidden": 6})
    with pytest.raises(Refusal, match="sides must be multiples of 4, not 9x8"):
        build("vae", (1, 9, 8), net="maps")
    with pytest.raises(Refusal, match="one width or more"):
        build("vae", (1, 8, 8), net="maps", **{"net.channels": ()})


def test_of_an_image_without_a_caption_the_sure_beginning_is_taught() -> None:
    model = captioned(**{"caption.uncaptioned": "consistent", "caption.sure": 0.3}).train()
    code = {"z": torch.randn(5, 4, generator=Generator().manual_seed(0))}
    with torch.no_grad():
        model.writer.net.out.weight.mul_(100)
        guess, share = model.writer.guess(code, 6)
        token = beam_search(model.writer.net, code["z"][:, None], longest=6).token
        each = model.writer.net.log_each(code["z"], token)[:, : token.shape[1]]
    for row, said, log_p, part in zip(guess, token, each, share, strict=True):
        length = int((log_p.cumsum(0) > math.log(0.3))[said != 0].sum())
        assert torch.equal(row[:length], said[:length])
        assert not row[length:].any()
        assert float(part) == pytest.approx(length / int((said != 0).sum()))
    losses = model.moves()[0](batch_of(SILENT), Progress(0, 1, Generator().manual_seed(0)))
    assert set(losses.report) >= {"caption loss", "view loss", "pseudo kept"}
    assert 0 <= float(losses.report["pseudo kept"][0]) <= 1
    again = captioned(**{"caption.uncaptioned": "consistent", "caption.sure": 0.999}).train()
    losses = again.moves()[0](batch_of(SILENT), Progress(0, 1, Generator().manual_seed(0)))
    assert float(losses.report["pseudo kept"][0]) == 0  # a new writer is sure of nothing
    alone = again.inner.moves()[0](batch_of(SILENT), Progress(0, 1, Generator().manual_seed(0)))
    torch.testing.assert_close(losses.minimise["model"], alone.minimise["model"])
    judged = again.eval().moves()[0](batch_of(SAID), Progress(0, 1, Generator().manual_seed(0)))
    assert "view loss" not in judged.report
    with pytest.raises(Refusal, match="is frozen with twostep"):
        captioned(**{"caption.uncaptioned": "consistent", "caption.learning": "twostep"})
    with pytest.raises(Refusal, match="a probability between 0 and 1"):
        captioned(**{"caption.sure": 1.0})


def captioned(name: str = "vae", seed: int = 0, **settings: Any) -> Captioned:
    small = {"net": "mlp", "net.widths": (8,), "latent": 4} if name == "vae" else {}
    if name == "dgdn":
        small = {"maps": (6, 8), "kernels": (3, 2), "pools": (2,), "pooling": "drawn"}
        small |= {"estimator": "score", "estimator.hidden": 4}
    tiny = {"caption.hidden": 8, "caption.embedding": 4, "caption": "gru"}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(name, (1, 8, 8), classes=3, words=WORDS, **small, **tiny, **settings)
    assert isinstance(model, Captioned)
    return model


def batch_of(caption: list[list[int]]) -> Batch:
    n = len(caption)
    image = torch.rand(n, 1, 8, 8, generator=Generator().manual_seed(0))
    none = torch.zeros(n, 0, dtype=torch.int64)
    return Batch(image, torch.arange(n), torch.arange(n) % 3, none, torch.tensor(caption))


SAID, SILENT = [[3, 4, 1], [4, 1, 0]], [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(("caption", "settings"), [(SILENT, {}), (SAID, {"caption.weight": 0.0})])
def test_captions_that_are_unknown_or_weigh_nothing_teach_nothing(
    caption: list[list[int]], settings: dict[str, Any]
) -> None:
    model = captioned(**settings).train()
    losses = model.moves()[0](batch_of(caption), Progress(0, 1, Generator().manual_seed(0)))
    assert (losses.report["caption loss"] == 0).all()
    weights = list(model.writer.parameters())
    assert not any(g.any() for g in torch.autograd.grad(losses.minimise["writer"], weights, retain_graph=True))
    alone = model.inner.moves()[0](batch_of(caption), Progress(0, 1, Generator().manual_seed(0)))
    torch.testing.assert_close(losses.minimise["model"], alone.minimise["model"])


@pytest.mark.parametrize("head", ["none", "softmax"])
def test_drawn_positions_are_rewarded_for_captions_too(head: str) -> None:
    """The gradient that reaches the small nets of the pooling, which no caption's gradient passes."""

    def gradient(weight: float) -> Tensor:
        model = captioned("dgdn", head=head, **{"caption.weight": weight, "caption.dropout": 0.0}).train()
        losses = model.moves()[0](batch_of(SAID), Progress(0, 1, Generator().manual_seed(0)))
        expected = {"model", "baseline", "writer", *(["head"] if head != "none" else [])}
        assert losses.minimise.keys() == expected
        # One scalar, one way back: only the baseline wants something else.
        assert len({id(losses.minimise[name]) for name in expected - {"baseline"}}) == 1
        net = model.inner if head == "none" else model.inner.inner
        return torch.autograd.grad(losses.minimise["model"], net.encoder.positions[0].lower.weight)[0]

    assert not torch.allclose(gradient(0.0), gradient(1000.0), rtol=1e-3)


def test_in_two_steps_the_encoder_hears_nothing_of_captions() -> None:
    both = {"caption.learning": "twostep", "caption.learning.share": 0.5}
    model = captioned(**both).train()
    (move,) = model.moves()
    first = move(batch_of(SAID), Progress(49, 100, Generator().manual_seed(0)))
    alone = model.inner.moves()[0](batch_of(SAID), Progress(49, 100, Generator().manual_seed(0)))
    assert first.minimise.keys() == {"model"}
    assert torch.equal(first.minimise["model"], alone.minimise["model"])
    second = move(batch_of(SAID), Progress(50, 100, Generator().manual_seed(0)))
    assert second.minimise.keys() == {"writer"}
    assert model.inner.training
    assert all(value.grad_fn is None for value in (second.code or {}).values())
    judged = model.eval().moves()[0](batch_of(SAID), Progress(0, 100, Generator().manual_seed(0)))
    assert "caption loss" in judged.report
    with pytest.raises(Refusal, match="share of the run"):
        captioned(**{**both, "caption.learning.share": 1.0})


def test_a_joint_model_teaches_its_encoder() -> None:
    model = captioned(**{"caption.dropout": 0.0}).train()
    losses = model.moves()[0](batch_of(SAID), Progress(0, 1, Generator().manual_seed(0)))
    encoder = list(need(model, Encodes).encoder.parameters())
    alone = model.inner.moves()[0](batch_of(SAID), Progress(0, 1, Generator().manual_seed(0)))
    both = torch.autograd.grad(losses.minimise["model"], encoder)
    one = torch.autograd.grad(alone.minimise["model"], encoder)
    assert not all(torch.allclose(a, b) for a, b in zip(both, one, strict=True))


def test_a_joint_model_may_learn_from_images_alone_at_first() -> None:
    later = captioned(**{"caption.learning": "joint", "caption.learning.share": 0.5}).train()
    at_once = captioned().train()

    def minimised(model: Captioned, seen: int) -> dict[str, Tensor]:
        return model.moves()[0](batch_of(SAID), Progress(seen, 100, Generator().manual_seed(0))).minimise

    alone = later.inner.moves()[0](batch_of(SAID), Progress(49, 100, Generator().manual_seed(0)))
    assert minimised(later, 49).keys() == {"model"}
    assert torch.equal(minimised(later, 49)["model"], alone.minimise["model"])
    assert minimised(later, 50).keys() == {"model", "writer"}
    assert torch.equal(minimised(later, 50)["model"], minimised(at_once, 50)["model"])
    judged = later.eval().moves()[0](batch_of(SAID), Progress(0, 100, Generator().manual_seed(0)))
    assert "caption loss" in judged.report


@pytest.mark.parametrize("through", ["image", "code"])
def test_imagined_codes_are_drawn_given_the_caption(through: Literal["image", "code"]) -> None:
    """Their mean beside that of many draws of the prior, weighed by p(Y | s), s itself or read off its image."""
    model, caption = captioned().eval(), torch.tensor([[3, 4, 4, 1]])
    with torch.no_grad():
        for part in (model.writer.net, model.inner.encoder, model.inner.decoder):
            for weight in part.parameters():
                weight.normal_(std=2 / weight.shape[-1] ** 0.5, generator=Generator().manual_seed(len(weight)))
    found = imagine(model, caption, 2_000, Generator().manual_seed(0), Chain(step=1e-2, steps=30), through)
    z = torch.randn(100_000, 4, generator=Generator().manual_seed(1))
    with torch.no_grad():
        code = {"z": z}
        if through == "image":
            code = need(model, Encodes).encode(need(model, Decodes).decode(code)).mode()
        share = model.log_caption(code, caption.expand(len(z), -1)).softmax(0)
    mean = share @ z
    variance = share @ (z - mean).square()
    # Of the first draws this many carry the weight, whatever is drawn again of them; five errors: an alarm in 2e6.
    error = (variance / min(found.effective, 2_000)).sqrt()
    assert mean.norm() > 0.3  # the prior's is 0
    assert ((found.code["z"].mean(0) - mean).abs() < 5 * error).all()
    assert found.effective > 50
    torch.testing.assert_close(found.code["z"].var(0), variance, rtol=0.4, atol=0)
