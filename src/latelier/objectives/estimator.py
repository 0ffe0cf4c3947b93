"""How the choice of positions learns, though a choice has no gradient: exclusive ways."""

from dataclasses import dataclass

from latelier.core import Optimiser, Progress
from latelier.errors import Refusal
from latelier.nets.ascent import Choice, expected, hard, soft
from latelier.objectives.relaxed import Temperature
from latelier.objectives.score_function import Baseline


@dataclass(frozen=True)
class Score:
    """The score function with NVIL's baseline, a net of this many tanh units on the image beside a running mean and
    deviation; the decay is that of its authors' code."""

    hidden: int = 100
    decay: float = 0.8
    optimiser: Optimiser = Optimiser(rate=2e-4)  # the baseline's

    def __post_init__(self) -> None:
        if self.hidden < 1 or not 0 <= self.decay < 1:
            raise Refusal(
                f"estimator: hidden {self.hidden} must be 1 or more, and decay {self.decay:g} from 0 to below 1"
            )

    def bound(self, draws: int) -> str:
        """What training calls -(distortion + divergences), of this many poolings."""
        return "elbo"

    def choice(self, progress: Progress, training: bool) -> Choice:
        """How positions are drawn in ``training``, or in evaluation."""
        return hard(progress.generator)

    def baseline(self, image: tuple[int, int, int], draws: int) -> Baseline | None:
        """None where nothing is drawn."""
        return Baseline(image, self.hidden, draws, self.decay) if draws else None

    def optimisers(self) -> dict[str, Optimiser]:
        return {"baseline": self.optimiser}


@dataclass(frozen=True)
class Relaxed:
    """Relaxed in training, by Gumbel softmax at a temperature that falls: biased, but of small variance. An
    image drawn from values that stand between positions is none of the model's: what training logs bounds nothing."""

    temperature: Temperature = Temperature()

    def bound(self, draws: int) -> str:
        """It bounds nothing where something is drawn."""
        return "relaxed bound" if draws else "elbo"

    def choice(self, progress: Progress, training: bool) -> Choice:
        """Evaluation draws positions, so that its bound is one."""
        if not training:
            return hard(progress.generator)
        return soft(self.temperature.at(progress), progress.generator)

    def baseline(self, image: tuple[int, int, int], draws: int) -> Baseline | None:
        """It needs none."""
        return None

    def optimisers(self) -> dict[str, Optimiser]:
        return {}


@dataclass(frozen=True)
class Exact:
    """At the lowest pooling no draw, but the expectation over positions, which a Gaussian likelihood has in closed
    form; for positions above it, as said."""

    above: Relaxed | Score = Relaxed()

    def bound(self, draws: int) -> str:
        """With one pooling it is the bound itself."""
        return self.above.bound(max(0, draws - 1))

    def choice(self, progress: Progress, training: bool) -> Choice:
        """Evaluation too takes the expectation at the lowest."""
        return expected(self.above.choice(progress, training))

    def baseline(self, image: tuple[int, int, int], draws: int) -> Baseline | None:
        """Of the draws above the lowest."""
        return self.above.baseline(image, max(0, draws - 1))

    def optimisers(self) -> dict[str, Optimiser]:
        return self.above.optimisers()
