"""What a model can do whose code is made of a codebook's entries."""

from abc import abstractmethod

from torch import Tensor

from latelier.core.capabilities import Capability
from latelier.core.contract import Code


class Quantises(Capability):
    """Has codes of a codebook: at every cell of a map, one of a finite number of entries."""

    @abstractmethod
    def entries(self) -> int:
        """How many there are."""

    @abstractmethod
    def symbols(self, code: Code) -> Tensor:
        """[b, cells] int64: the number of each cell's entry, row by row."""

    @abstractmethod
    def of_symbols(self, symbols: Tensor) -> Code:
        """The code of such numbers [b, cells]."""
