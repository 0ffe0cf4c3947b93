"""pythae 0.1.2's two VAEs for 28x28 images, written with latelier's parts: same layers, sizes and loss.

Its default is an MLP, 784-512-(10, 10) and 10-512-784; ``Encoder_Conv_VAE_MNIST`` and ``Decoder_Conv_AE_MNIST`` are the
convolutional pair. The one difference: the encoder's two heads, mean and log-variance, are one matrix of both.

``conv-top`` is the convolutional pair with the encoder's last convolution computed another way: what it puts out is one
pixel, so it is a matrix product, and oneDNN's convolution takes several times longer over it, backwards above all.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from latelier import build
from latelier.bench.stated import stated
from latelier.core import Optimiser
from latelier.models import vae
from latelier.nets.encoder import Grid
from latelier.nets.mlp import Mlp
from latelier.objectives.adversary import Off
from latelier.objectives.likelihood import Bernoulli, Likelihood
from latelier.objectives.penalty import Beta
from latelier.objectives.reduction import summed

IMAGE = (1, 28, 28)
LATENT = 10


class OnePixel(nn.Conv2d):
    """A 4x4 convolution of stride 2 and padding 1 from 3x3 pixels to one, as the matrix product that it is."""

    def forward(self, x: Tensor) -> Tensor:
        # Rows above and left are the only padding that the one window sees. In channels-last all of these are views.
        patch = functional.pad(x, (1, 0, 1, 0)).permute(0, 2, 3, 1).flatten(1)
        return functional.linear(patch, self.weight.permute(0, 2, 3, 1).flatten(1), self.bias)[..., None, None]


class PeerConv:
    """4x4 convolutions of stride 2 with batch norm: 1-128-256-512-1024 channels, 28-14-7-3-1 pixels; back from 4x4.
    ``top`` is the class of the encoder's last."""

    def __init__(self, top: type[nn.Conv2d]):
        self.top = top

    def encoder(self, image: tuple[int, int, int], outputs: int) -> nn.Module:
        layers: list[nn.Module] = []
        for below, above in pairwise((image[0], 128, 256, 512, 1024)):
            kind = self.top if above == 1024 else nn.Conv2d
            layers += [kind(below, above, 4, 2, padding=1), nn.BatchNorm2d(above), nn.ReLU()]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, outputs))

    def decoder(self, inputs: int, image: tuple[int, int, int]) -> nn.Module:
        layers: list[nn.Module] = [nn.Linear(inputs, 1024 * 4 * 4), Grid((1024, 4, 4))]
        for (below, above), odd in zip(pairwise((1024, 512, 256)), (0, 1), strict=True):
            layers += [nn.ConvTranspose2d(below, above, 3, 2, 1, output_padding=odd), nn.BatchNorm2d(above), nn.ReLU()]
        return nn.Sequential(*layers, nn.ConvTranspose2d(256, image[0], 3, 2, padding=1, output_padding=1))


class Squared:
    """pythae's default: half the squared error of a sigmoid output, summed over pixels."""

    def build(self) -> Likelihood:
        return SquaredPixels()


class SquaredPixels(Likelihood):
    def log_likelihood(self, image: Tensor, output: Tensor, *, keep: int = 1) -> Tensor:
        return -0.5 * summed(functional.mse_loss(output.float().sigmoid(), image, reduction="none"), keep=keep)

    def mean(self, output: Tensor) -> Tensor:
        return output.sigmoid()


def model(net: str, loss: str, rate: float, image: tuple[int, int, int] = IMAGE) -> vae.Model:
    """latelier's own ``vae`` over these nets. ``net``: mlp, conv, conv-top, or own-conv, latelier's convolutional net,
    which alone with mlp takes other images than 28x28; ``loss``: mse or bce, of own-conv bce."""
    if net == "own-conv":
        own = build("vae", image, **stated("vae", {"net": "conv", "optimiser.rate": rate}))
        assert isinstance(own, vae.Model)
        return own
    nets = Mlp((512,), "relu", "relu") if net == "mlp" else PeerConv(OnePixel if net == "conv-top" else nn.Conv2d)
    likelihood = Squared() if loss == "mse" else Bernoulli()
    return vae.Model(
        vae.Config(LATENT, nets, likelihood, penalty=Beta(1.0), critic=Off(), optimiser=Optimiser(rate=rate)), image
    )


def split_heads(encoder: nn.Module) -> list[Tensor]:
    """The encoder's tensors in pythae's order: the trunk, weight and bias of the mean, those of the log-variance."""
    *trunk, weight, bias = encoder.state_dict().values()
    return [*trunk, weight[:LATENT], bias[:LATENT], weight[LATENT:], bias[LATENT:]]
