from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from scores.fakes import noise
from torch import Generator

from latelier.core import Features, Model, need
from latelier.errors import Refusal
from latelier.runs.building import build
from latelier.scores import frozen_probe
from latelier.scores.common import Splits
from latelier.scores.given_weights import Standardised
from latelier.scores.pretrained import pretrained

COLOUR = (3, 64, 64)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state as torchvision writes it; nobody's weights."""
    from torchvision.models import resnet18

    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    torch.manual_seed(0)
    save_file(resnet18(weights=None).state_dict(), path)
    return path


def trunk(net: str = "resnet9", image: tuple[int, int, int] = COLOUR) -> Model:
    return build("vae", image, net=net, latent=4).eval()


@pytest.mark.parametrize(("net", "depth", "layers"), [("resnet9", "conv4-5", 2), ("resnet18", "conv8-9", 4)])
def test_the_trunk_is_torchvisions(net: str, depth: str, layers: int, weights: Path) -> None:
    from safetensors.torch import load_file
    from torchvision.models import resnet18

    theirs = resnet18(weights=None).eval()
    theirs.load_state_dict(load_file(weights))
    model = trunk(net)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    image = torch.rand(2, *COLOUR, generator=Generator().manual_seed(0))
    x = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(Standardised()(image)))))
    for number in range(1, layers + 1):
        x = getattr(theirs, f"layer{number}")(x)
    with torch.no_grad():
        found = need(pretrained(model, weights, "frozen_probe"), Features).features(image, depth)
    torch.testing.assert_close(found, x.flatten(1), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_probe_reads_it(weights: Path) -> None:
    data = Splits(noise(24, (3, 16, 16), label=torch.arange(24).numpy() % 2), noise(8, (3, 16, 16), seed=1))
    data = data._replace(test=noise(8, (3, 16, 16), seed=1, label=torch.arange(8).numpy() % 2))
    options = {"epochs": 1, "batch": 8, "held": 4, "weights": str(weights)}
    one, other = (
        frozen_probe.score(trunk(image=(3, 16, 16)), data, Generator().manual_seed(0), **options) for _ in range(2)
    )
    assert one == other  # whatever the trunk had learned


@pytest.mark.parametrize(
    ("method", "image", "settings", "said"),
    [
        ("vae", (3, 16, 16), {"latent": 4}, "this model has another trunk"),
        ("autoencoder", (3, 16, 16), {"net": "mlp"}, "this model has another trunk"),
        ("pca", (3, 16, 16), {}, "this model has another trunk"),
        ("vae", (1, 16, 16), {"net": "resnet9"}, "see images in colour"),
    ],
)
def test_models_without_such_a_trunk_are_refused(method, image, settings, said, weights: Path) -> None:
    with pytest.raises(Refusal, match=f"^frozen_probe: .*{said}"):
        pretrained(build(method, image, **settings), weights, "frozen_probe")


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.safetensors"
    with pytest.raises(Refusal, match=r"^frozen_probe: weights=\S*some.safetensors cannot be read"):
        pretrained(trunk(), file, "frozen_probe")
    file.write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(Refusal, match=r"cannot be read .*; give a safetensors file"):
        pretrained(trunk(), file, "frozen_probe")
    save_file({"weight": torch.zeros(2)}, file)
    with pytest.raises(Refusal, match=r"not of torchvision's resnet18: .* has no tensor 'conv1.1.weight'"):
        pretrained(trunk(), file, "frozen_probe")
