"""ALI: encoder and decoder learned by an adversary who sees images with their codes (Dumoulin et al. 2017, arXiv
1606.00704).

q(z | x) is a Gaussian and p(x | z) draws without noise, as in the authors' code. ``hali`` is its hierarchy, ``bigan``
the same game with codes that are not drawn."""

from dataclasses import dataclass

from torch import Tensor

from latelier.core import Optimiser
from latelier.models.adversarial import OneLevel
from latelier.models.game_settings import FAST, Critic, JointNet, OneLevelConfig, possible
from latelier.models.vae import Diagonal
from latelier.nets.compact import Compact
from latelier.nets.init import init_sd_


@dataclass(frozen=True)
class Config(OneLevelConfig):
    """Defaults: what reconstructs within minutes, and holds the game steady. The authors have codes of 256 numbers,
    the nets ``net=valid``, dropout (``critic.dropout=1``) and 1e-4 for both rates, and no cycle, pairs or penalties."""

    latent: int = 64
    net: JointNet = Compact()
    cycle: tuple[float, ...] = (20.0,)
    paired: bool = True
    critic: Critic = Critic(dropout=0.0, r1=0.5, r2=0.5)
    optimiser: Optimiser = FAST
    first_sd: float = 0.15  # of codes given their image, before training

    def __post_init__(self) -> None:
        super().__post_init__()
        possible(self.first_sd)


class Model(OneLevel):
    """``Config`` says which nets, and what holds the critic back."""

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__(config, image, 2 * config.latent, "gaussian")
        init_sd_(self.encoder, config.first_sd)

    def encode(self, image: Tensor) -> Diagonal:
        mean, log_sd = self.encoder(image).float().chunk(2, dim=1)
        return Diagonal(mean, 2 * log_sd.clamp(-15, 10))
