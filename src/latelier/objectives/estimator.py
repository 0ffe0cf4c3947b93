"""How the choice of positions learns, though a choice has no gradient: exclusive ways."""

from dataclasses import dataclass

from latelier.core import Optimiser, Progress, Refusal
from latelier.nets.ascent import Choice, hard, soft
from latelier.objectives.relaxed import Temperature
from latelier.objectives.score_function import Baseline


@dataclass(frozen=True)
class Score:
    """The score function with NVIL's baseline, a net of so many tanh units on the image beside a running mean and
    deviation; the decay is that of its authors' code."""

    hidden: int = 100
    decay: float = 0.8
    optimiser: Optimiser = Optimiser(rate=2e-4)  # the baseline's

    def __post_init__(self) -> None:
        if self.hidden < 1 or not 0 <= self.decay < 1:
            raise Refusal(
                f"estimator: hidden {self.hidden} must be 1 or more, and decay {self.decay:g} from 0 to below 1"
            )

    def choice(self, progress: Progress) -> Choice:
        return hard(progress.generator)

    def baseline(self, image: tuple[int, int, int], draws: int) -> Baseline | None:
        """None where nothing is drawn."""
        return Baseline(image, self.hidden, draws, self.decay) if draws else None

    def optimisers(self) -> dict[str, Optimiser]:
        return {"baseline": self.optimiser}


@dataclass(frozen=True)
class Relaxed:
    """Relaxed in training, by Gumbel softmax at a temperature that falls: biased, but of small variance."""

    temperature: Temperature = Temperature()

    def choice(self, progress: Progress) -> Choice:
        return soft(self.temperature.at(progress), progress.generator)

    def baseline(self, image: tuple[int, int, int], draws: int) -> Baseline | None:
        """It needs none."""
        return None

    def optimisers(self) -> dict[str, Optimiser]:
        return {}
