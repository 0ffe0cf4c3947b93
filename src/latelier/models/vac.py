"""VAC: a VAE with a linear classifier of attributes on its code, along whose weights images can be edited.

The variational classifier of IntroVAC (Maggipinto et al. 2020), section 3, without introspection: the last logit, which
would tell drawn images, learns nothing but that images are real; it is there so that IntroVAC without its
adversarial weights is this model step for step."""

from dataclasses import dataclass

from latelier.core import Batch, Directions, Losses, Move, Progress
from latelier.models.attributed import Attributed
from latelier.models.attributed import Config as Base


@dataclass(frozen=True)
class Config(Base):
    """Of the source's weights; it trains 600 epochs in batches of 64 without decay."""


class Model(Attributed):
    """Both players learn from one pass."""

    remedy = "train longer, raise beta_cl, or take introvac, whose edits go farther"

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__(config, image)

    def directions(self) -> Directions:
        return self.directions_of(self.config.attributes)

    def moves(self) -> tuple[Move, ...]:
        return (self.learn,)

    def learn(self, batch: Batch, progress: Progress) -> Losses:
        q = self.encode(batch.image)
        code = q.sample(progress.generator)
        loss, report = self.bound(batch, q, code["z"], self.draw(code["z"]))
        whole = loss.mean()
        return Losses({"coder": whole, "decoder": whole}, report, code)
