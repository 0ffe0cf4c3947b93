"""From the range of images, [0, 1], to the one that nets count in, [-1, 1], and back."""

from torch import Tensor, nn


class Centred(nn.Module):
    """[0, 1] -> [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x - 1


class Uncentred(nn.Module):
    """[-1, 1] -> [0, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.float() + 1) / 2


class FromGrey(nn.Module):
    """[-1/2, 1/2], counted from mid-grey -> [0, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return x.float() + 0.5
