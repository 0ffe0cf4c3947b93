"""latelier export: the files alone, under onnxruntime, give what torch gives."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Generator, Tensor, nn

from latelier.core import Classifies, Decides, Decodes, Encodes, Latent, Model, Move, has, need
from latelier.data.sources.own import MARK
from latelier.engine import checkpoint
from latelier.errors import Refusal
from latelier.runs.building import assemble, load
from latelier.runs.onnx import Graph, graphs_of, measure, write
from latelier.verbs.export import export

MLP = {"net": "mlp", "net.widths": (16,)}
RESNET = {"net": "resnet", "net.channels": (8, 16)}


def saved(folder: Path, name: str, image: tuple[int, int, int], **settings: Any) -> Path:
    """A run folder with one checkpoint; no tensor is as it was built: a file of first weights would be noticed."""
    torch.manual_seed(0)
    if name != "dgdn":  # whose nets say how long its code is
        settings = {"latent": 4, **settings}
    model, card = assemble(name, image, ("cat", "dog", "owl"), settings)
    weights = {
        key: value + 0.01 * torch.randn_like(value).abs() if value.is_floating_point() else value
        for key, value in model.state_dict().items()
    }
    checkpoint.save(folder, 128, weights, card.json(), {}, {})
    return folder


def run(file: Path, *inputs: Tensor) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    feed = {given.name: value.numpy() for given, value in zip(session.get_inputs(), inputs, strict=True)}
    return dict(zip(names, session.run(names, feed), strict=True))


def assert_gives_what_torch_gives(folder: Path, out: Path, rows: int = 5) -> None:
    model, generator = load(folder), Generator().manual_seed(3)
    image = torch.rand(rows, *model.image, generator=generator)
    encoded = run(out / "encoder.onnx", image)
    code = need(model, Encodes).encode(image).mode()
    expected = {**code}
    if has(model, Classifies):
        tell = need(model, Decides).likeliest if has(model, Decides) else need(model, Classifies).classify
        expected["probabilities"] = tell(image)
    assert list(encoded) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(encoded[name], value.numpy(), rtol=0, atol=1e-4)
    if has(model, Decodes):
        decoded = run(out / "decoder.onnx", *code.values())["image"]
        np.testing.assert_allclose(decoded, need(model, Decodes).decode(code).numpy(), rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a model with every capability that a file can hold."""
    return saved(tmp_path_factory.mktemp("joint"), "vae", (1, 8, 8), head="softmax", **MLP)


@pytest.fixture(scope="module")
def exported(joint: Path) -> Path:
    return export(str(joint), out=joint / "onnx")


def test_files_alone_give_what_torch_gives(joint: Path, exported: Path) -> None:
    assert exported == joint / "onnx"
    assert sorted(path.name for path in exported.iterdir()) == [MARK, "card.json", "decoder.onnx", "encoder.onnx"]
    assert_gives_what_torch_gives(joint, exported)
    assert_gives_what_torch_gives(joint, exported, rows=1)


def test_files_are_valid_and_say_nothing_of_this_machine(exported: Path) -> None:
    for file in exported.glob("*.onnx"):
        proto = onnx.load(file)
        onnx.checker.check_model(proto, full_check=True)
        for value in (*proto.graph.input, *proto.graph.output):
            assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
        for trace in (b"latelier/", b"site-packages", b".py"):
            assert trace not in file.read_bytes()


def test_card_says_how_to_use_the_files(exported: Path) -> None:
    card = json.loads((exported / "card.json").read_text())
    assert card["model"] == "vae"
    assert card["image"]["shape"] == ["batch", 1, 8, 8]
    assert card["image"]["range"] == [0, 1]
    assert card["image"]["preprocessing"].startswith("grey (one channel); ")
    assert "8 x 8 pixels" in card["image"]["preprocessing"]
    assert card["latents"] == {"z": {"shape": ["batch", 4], "prior": "gaussian"}}
    assert card["classes"] == ["cat", "dog", "owl"]
    assert card["files"]["encoder.onnx"]["outputs"] == ["z", "probabilities"]
    for file in card["files"].values():
        assert set(file["greatest difference from torch"]) == set(file["outputs"])
        assert all(0 <= value <= 1e-4 for value in file["greatest difference from torch"].values())
    assert torch.__version__.startswith(card["versions"]["torch"])
    assert (exported.parent / card["weights"]).exists()


@pytest.mark.parametrize(
    ("head", "means"),
    [
        ({"head": "softmax", "head.unlabelled": "consistent", "head.views": 3}, "3 changed views (head.views=3)"),
        pytest.param({"head": "bayesian_svm"}, "50 samples of the code (head.draws=50)", marks=pytest.mark.slow),
        pytest.param({"head": "softmax"}, "", marks=pytest.mark.slow),
    ],
)
def test_card_tells_no_mean_that_the_files_do_not_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], head: dict[str, Any], means: str
) -> None:
    folder = saved(tmp_path / "run", "vae", (1, 8, 8), **head, **MLP)
    card = json.loads((export(str(folder), out=tmp_path / "onnx") / "card.json").read_text())
    assert_gives_what_torch_gives(folder, tmp_path / "onnx")
    assert (card["head"]["views"], card["head"].get("draws", 0)) == (0, 0)
    said = f"of the most likely code of the image as it is; the run's own are means over {means}"
    assert card.get("probabilities") == (said if means else None)
    assert (f"probabilities are {said}\n" in capsys.readouterr().out) == bool(means)


@pytest.mark.parametrize("wrong", [1e-3, float("nan")])
def test_files_that_differ_from_torch_are_refused(joint: Path, exported: Path, wrong: float) -> None:
    model = load(joint)
    encoder = graphs_of(model)[0]
    content = (exported / "encoder.onnx").read_bytes()
    assert measure(content, encoder)["z"] <= 1e-4
    model.inner.encoder.head.bias[0] += wrong
    with pytest.raises(Refusal, match=r"encoder\.onnx gives 'z' .* away from torch at 1 rows"):
        measure(content, encoder)


def test_refuses_before_anything_is_written(joint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    with pytest.raises(Refusal, match="not an empty folder; name another"):
        export(str(joint), out=tmp_path / "full")
    with pytest.raises(Refusal, match="not an empty folder; name another"):
        export(str(joint), out=tmp_path / "full" / "thesis.txt")
    with pytest.raises(Refusal, match="no run at"):
        export(str(tmp_path / "none"), out=tmp_path / "new")
    for name in ("onnxscript", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(Refusal, match=r'needs onnxscript and onnxruntime, .* pip install "latelier\[export\]"'):
        export(str(joint), out=tmp_path / "new")
    assert not (tmp_path / "new").exists()


class Bare(Model):
    """Neither encodes nor decodes."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.latents, self.players = (1, 4, 4), {"z": Latent((2,))}, {}

    def moves(self) -> tuple[Move, ...]:
        return ()


def test_refuses_a_model_of_which_nothing_can_be_exported() -> None:
    with pytest.raises(Refusal, match="nothing to export"):
        graphs_of(Bare())


class Two(Bare, Decodes):
    """Two latents, one of them a map; the size of the batch asked for by ``len``."""

    def __init__(self) -> None:
        super().__init__()
        self.latents = {"z": Latent((2,)), "map": Latent((3, 4, 4))}
        self.linear = nn.Linear(2, 16)

    def decode(self, code: dict[str, Tensor]) -> Tensor:
        ground = self.linear(code["z"]).view(len(code["z"]), 1, 4, 4)
        return (ground + code["map"].mean(1, keepdim=True)).sigmoid()


@pytest.mark.slow
def test_several_latents_and_a_batch_asked_for_by_len() -> None:
    (graph,) = graphs_of(Two().requires_grad_(False).eval())
    assert graph.inputs == ("z", "map")
    assert measure(write(graph), graph)["image"] <= 1e-4


class Fixed(nn.Module):
    """Knows one number of rows only."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (x.view(2, 3) + 1,)


@pytest.mark.slow
def test_a_model_that_cannot_be_traced_is_refused_in_one_line() -> None:
    def draw(n: int, generator: Generator) -> Iterator[tuple[Tensor, ...]]:
        yield (torch.rand(n, 3, generator=generator),)

    with pytest.raises(Refusal, match=r"cannot be written as encoder.onnx: ") as refusal:
        write(Graph("encoder.onnx", Fixed(), ("x",), ("y",), draw))
    assert "\n" not in str(refusal.value)


GREY, COLOUR = (1, 8, 8), (3, 16, 24)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "image", "settings"),
    [
        ("vae", COLOUR, {"head": "softmax"}),
        ("dgdn", GREY, {"head": "bayesian_svm"}),
        ("vae", GREY, RESNET | {"likelihood": "gaussian"}),
        ("autoencoder", COLOUR, MLP | {"net.widths": ()}),
        ("autoencoder", GREY, {"error": "cross-entropy", "code": "tanh", "dropout": 0.5, "corruption": "masking"}),
        ("pca", COLOUR, {"whiten": True}),
        ("classifier", GREY, {}),
    ],
)
def test_every_net_is_exported(
    tmp_path: Path, name: str, image: tuple[int, int, int], settings: dict[str, Any]
) -> None:
    folder = saved(tmp_path / "run", name, image, **settings)
    assert_gives_what_torch_gives(folder, export(str(folder), out=tmp_path / "onnx"))
