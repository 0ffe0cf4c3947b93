"""ResNet-18 as learned from ImageNet's labels (He et al. 2016, arXiv 1512.03385), by a file of the user's, in place of
what a model's trunk learned: the row that unsupervised trunks stand beside."""

import copy
from pathlib import Path

import torch
from torch import nn

from latelier.core import HasStages, Model, has, need
from latelier.errors import Refusal
from latelier.nets.pixel_range import Centred
from latelier.scores.given_weights import Standardised, fill, tensors

FIRST = {"1": "conv1", "2": "bn1"}  # our place in the first stage -> torchvision's name
NAMES = {"norm": "bn", "shortcut": "downsample"}  # ours -> torchvision's, in a residual block


def pretrained(model: Model, path: Path, score: str) -> Model:
    """A copy of the model whose trunk has the weights of torchvision's resnet18 in a safetensors file, of as many
    stages as it has, and sees pixels as those weights expect them. Raises Refusal, in the name of ``score``, for a
    file that is none or does not fit, a model with another trunk, and images that are not in colour."""
    changed = copy.deepcopy(model)
    stages = need(changed, HasStages).stages() if has(changed, HasStages) else {}
    trunk = {name: stage for name, stage in stages.items() if name.startswith("conv")}
    first = trunk.get("conv1", nn.Sequential())
    if "conv2-3" not in trunk or not isinstance(first, nn.Sequential) or not isinstance(first[0], Centred):
        raise Refusal(
            f"{score}: weights are those of a ResNet-18, and this model has another trunk; score a vae with "
            "net=resnet9, or a patchvae"
        )
    if model.image[0] != 3:
        raise Refusal(f"{score}: weights={path} see images in colour, and this model's are grey; leave weights out")
    given = tensors(path, score)
    names = {name: theirs(name) for name in nn.ModuleDict(trunk).state_dict()}
    counts = {name: torch.tensor(0) for name in names if name.endswith("num_batches_tracked")}
    used = {ours: given[other] for ours, other in names.items() if other in given}
    fill(nn.ModuleDict(trunk), counts | used, path, score, "resnet18")
    first[0] = Standardised().to(next(model.parameters()).device)
    return changed


def theirs(name: str) -> str:
    """torchvision's name of a tensor: "conv1.1.weight" of the first stage is "conv1.weight", "conv4-5.0.norm1.bias" is
    "layer2.0.bn1.bias"."""
    stage, _, rest = name.partition(".")
    if stage == "conv1":
        place, _, tensor = rest.partition(".")
        return f"{FIRST[place]}.{tensor}"
    for ours, other in NAMES.items():
        rest = rest.replace(ours, other)
    return f"layer{int(stage[4:].partition('-')[0]) // 2}.{rest}"
