"""Capabilities that many models have in one way, given a trunk called ``encoder``; a model that has one in another way
says so in its own file."""

from abc import ABC

from torch import Generator, Tensor, nn

from latelier.core import Code, Decodes, Encodes, Features, HasFilters, HasStages, Imputes, Model, Samples
from latelier.nets.encoder import Encoder
from latelier.objectives.impute import begun, refilled
from latelier.objectives.prior import drawn


class EncoderFeatures(Features, ABC):
    """Features are the encoder's activations after its stages."""

    encoder: Encoder

    def depths(self) -> tuple[str, ...]:
        return self.encoder.depths()

    def features(self, image: Tensor, depth: str) -> Tensor:
        return self.encoder.features(image, depth)


class EncoderStages(EncoderFeatures, HasStages, ABC):
    """And these stages can be trained again by themselves."""

    def stages(self) -> dict[str, nn.Module]:
        return dict(self.encoder.stages.items())


class EncoderFilters(HasFilters, ABC):
    """The encoder's first weights are the filters."""

    encoder: Encoder

    def filters(self) -> Tensor:
        return self.encoder.filters()


class DeclaredPrior(Model, Samples, ABC):
    """Latents are independent, each of the prior of its kind."""

    def sample_prior(self, n: int, generator: Generator) -> Code:
        return drawn(self.latents, n, generator, next(self.parameters()).device)


class Refills(Encodes, Decodes, Imputes, ABC):
    """What is missing is filled in by reconstructing again and again, from most likely codes."""

    def impute(self, image: Tensor, known: Tensor, generator: Generator) -> Tensor:
        return refilled(begun(image, known), known, lambda x: self.decode(self.encode(x).mode()))
