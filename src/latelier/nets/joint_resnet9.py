"""PatchVAE's trunk in a game: the BiGAN that its Table 1 compares with (Gupta et al. 2020)."""

from dataclasses import dataclass

from torch import nn

from latelier.nets import resnet9
from latelier.nets.encoder import Encoder
from latelier.nets.joint import Image, JointCritic, Strided
from latelier.nets.pixel_range import FromGrey
from latelier.nets.regularised import Norm


@dataclass(frozen=True)
class Resnet9:
    """The source's beta-VAE with one head in place of two, so that only what is minimised differs. The source does not
    give its joint critic: it is that of ``net=strided``, from 64 maps."""

    def encoder(self, image: Image, outputs: int) -> Encoder:
        return resnet9.whole_encoder(image, outputs, "resnet9")

    def decoder(self, inputs: int, image: Image) -> nn.Module:
        return nn.Sequential(resnet9.whole_decoder(inputs, image, "resnet9"), FromGrey())

    def critic(self, image: Image, latent: int, norm: Norm, dropout: float) -> JointCritic:
        return Strided(channels=64).critic(image, latent, norm, dropout)
