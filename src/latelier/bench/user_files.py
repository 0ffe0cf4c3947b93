"""Files of the user's that recipes take where an environment variable names one: their command has no option of it."""

import os

METEOR = "LATELIER_METEOR"  # the jar of METEOR 1.5, for captions
INCEPTION = "LATELIER_INCEPTION"  # a safetensors file of torchvision's inception_v3, for FID
VGG16 = "LATELIER_VGG16"  # and one of its vgg16, whose maps a judge of attributes reads
RESNET18 = "LATELIER_RESNET18"  # and one of its resnet18, a trunk that knows ImageNet's labels


def named(variable: str, option: str) -> dict[str, str]:
    """The option of a score that takes the file, if there is one."""
    path = os.environ.get(variable)
    return {option: path} if path else {}
