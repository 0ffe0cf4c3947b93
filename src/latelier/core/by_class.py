"""What a model can do that knows classes as part of its code."""

from abc import abstractmethod

from torch import Generator, Tensor

from latelier.core.capabilities import Samples
from latelier.core.contract import Code


class DrawsClasses(Samples):
    """Draws codes of a class that is asked for."""

    classes: int  # how many there are

    @abstractmethod
    def sample_class(self, label: Tensor, generator: Generator) -> Code:
        """Codes of p(z | class), one for each label [b] int64, on its device."""
