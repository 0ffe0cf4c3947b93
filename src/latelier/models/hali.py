"""HALI: a hierarchy of codes learned by an adversary alone (Hierarchical Adversarially Learned Inference, 2018).

Encoder q(z1 | x) q(z2 | z1) ... and decoder p(zL) ... p(z1 | z2) p(x | z1) are chains of Gaussian conditionals (eqs.
3 and 4; the image itself is drawn without noise, as the source's table has it), and one critic sees (x, z1, ...,
zL)."""

from dataclasses import dataclass
from functools import partial

from torch import Generator, Tensor, nn

from latelier.core import Code, HasLevels, Latent, Optimiser, Posterior, Refusal, Schedule
from latelier.models.adversarial import BRIGHTNESS, Adversarial
from latelier.models.game_settings import FAST, Critic, JointConfig, possible
from latelier.nets.compact import Compact
from latelier.nets.hali import Table
from latelier.nets.init import init_sd_, init_variance_
from latelier.objectives import gaussian
from latelier.objectives.impute import begun, refilled
from latelier.objectives.prior import drawn

FIRST, THEN = 2, 8  # rounds of inpainting by the top level, then by the lowest
WIDEST = 12.0  # log sd, beyond which exp overflows before the game could pull it back


@dataclass(frozen=True)
class Config(JointConfig):
    """Defaults: what reconstructs within minutes, and holds the game steady. The source has levels of 64 maps and 256
    numbers, the nets of its table 4 (``net=table``), no cycles, pairs or penalties, dropout (``critic.dropout=1``),
    weight norm and noise of .2, and ALI, from which it takes the rest, 1e-4 for both rates."""

    levels: tuple[int, ...] = (8, 32)  # channels of the codes from the image upwards: maps, and a vector on top
    net: Compact | Table = Compact()
    cycle: tuple[float, ...] = (20.0, 5.0)
    paired: bool = True
    critic: Critic = Critic(dropout=0.0, r1=0.5, r2=0.5)
    optimiser: Optimiser = FAST
    first_sd: float = 0.15  # of codes given what they are inferred or drawn from, before training

    def __post_init__(self) -> None:
        super().__post_init__()
        possible(self.first_sd)
        if not self.levels or min(self.levels) < 1:
            raise Refusal(f"hali: levels are numbers of channels, one or more a level, not {self.levels}")
        if self.critic.norm == "batch":
            raise Refusal("hali: critic.norm cannot be batch; take weight, spectral or none")


class Gaussian:
    """N(mean, sd^2) given by mean and log sd side by side along axis 1."""

    def __init__(self, both: Tensor):
        self.mean, log_sd = both.float().chunk(2, dim=1)
        self.log_variance = 2 * log_sd.clamp(-WIDEST, WIDEST)

    def sample(self, generator: Generator | None, same: bool = False) -> Tensor:
        """A draw, with ``same`` by one noise for all; the mean without a generator."""
        return self.mean if generator is None else gaussian.sample(self.mean, self.log_variance, generator, same=same)


class Chain(Posterior):
    """q(z1 | x) q(z2 | z1) ...: each level is inferred from what was drawn of the one below."""

    def __init__(self, lowest: Gaussian, names: tuple[str, ...], upwards: nn.ModuleList):
        self._lowest, self._names, self._upwards = lowest, names, upwards

    def mode(self) -> Code:
        return self._climb(None)

    def sample(self, generator: Generator) -> Code:
        return self._climb(generator)

    def alike(self, generator: Generator) -> Code:
        return self._climb(generator, same=True)

    def _climb(self, generator: Generator | None, same: bool = False) -> Code:
        z = self._lowest.sample(generator, same)
        code = {self._names[0]: z}
        for name, net in zip(self._names[1:], self._upwards, strict=True):
            z = code[name] = Gaussian(net(z)).sample(generator, same)
        return code


class Model(Adversarial, HasLevels):
    """``Config`` says how many levels, how wide, and what holds the critic back."""

    schedule = Schedule(steps=1000)

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        plan = config.net.plan(image, config.levels)
        top = len(config.levels)
        self.latents = {
            f"z{number}": Latent(shape, "gaussian" if number == top else "point")
            for number, shape in enumerate(plan.shapes, 1)
        }
        self.encoder, self.decoder = plan.encoder(), plan.decoder()
        self.upwards, self.downwards = nn.ModuleList(plan.upwards()), nn.ModuleList(plan.downwards())
        coder = [self.encoder, self.upwards, self.downwards, self.decoder]
        self.seat(coder, lambda: plan.critic(config.critic.norm, config.critic.dropout))
        init_variance_(self.decoder, BRIGHTNESS)
        for conditional in (self.encoder, *self.upwards, *self.downwards):
            init_sd_(conditional, config.first_sd)

    def encode(self, image: Tensor) -> Chain:
        return Chain(Gaussian(self.encoder(image)), self.levels(), self.upwards)

    def decode(self, code: Code) -> Tensor:
        lowest = self.levels()[0]
        z = code[lowest] if lowest in code else self.fill(code)[lowest]
        out: Tensor = self.decoder(z)
        return out

    def fill(self, code: Code, generator: Generator | None = None) -> Code:
        names = self.levels()
        given = [number for number, name in enumerate(names) if name in code]
        if not given:
            raise Refusal(f"this code has none of the levels {', '.join(names)}")
        filled = dict(code)
        for number in reversed(range(given[0])):
            filled[names[number]] = Gaussian(self.downwards[number](filled[names[number + 1]])).sample(generator)
        return {name: filled[name] for name in names if name in filled}

    def sample_prior(self, n: int, generator: Generator) -> Code:
        top = self.levels()[-1]
        z = drawn({top: self.latents[top]}, n, generator, next(self.parameters()).device)
        return self.fill(z, generator)

    def redrawn(self, code: Code, level: str, generator: Generator) -> Tensor:
        return self.decode(self.fill({level: code[level]}, generator))

    def impute(self, image: Tensor, known: Tensor, generator: Generator) -> Tensor:
        """As in section 6.1: what is missing comes from the top level first, then from ever closer reconstructions by
        the lowest."""
        top, lowest = self.levels()[-1], self.levels()[0]
        for level, rounds in ((top, FIRST), (lowest, THEN)):
            start = begun(image, known) if level == top else image
            image = refilled(start, known, partial(self.again, level=level), rounds)
        return image

    def again(self, image: Tensor, level: str) -> Tensor:
        """The reconstruction from the most likely codes of ``level``."""
        return self.decode({level: self.encode(image).mode()[level]})
