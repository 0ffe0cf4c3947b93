"""A run that cannot do what is asked of it is refused before anybody is asked where to write."""

from pathlib import Path
from typing import Any

import pytest
from commands import Captured, refused

import latelier

OPTIONS: dict[str, Any] = {"data": "digits", "images": 64, "steps": 1, "batch": 8, "quiet": True}
MODELS = {
    "dcgan": {"net": "dense", "net.widths": (8,), "latent": 2},  # encodes nothing
    "classifier": {"net": "mlp", "net.widths": (8,)},  # draws nothing
    "vae": {"net": "mlp", "net.widths": (8,), "latent": 2},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of each."""
    place = tmp_path_factory.mktemp("runs")
    for name, settings in MODELS.items():
        latelier.train(name, out=place / name, settings=settings, **OPTIONS)
    return place


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("parts vae", "which has no parts; models that have: patchvae, spritevae"),
        ("classify vae digits", "cannot classify: train it with labels"),
        ("caption vae digits", "cannot write: train it on images with captions"),
        (
            "inpaint dcgan digits",
            "takes a method that fills in what is missing, and dcgan does not; methods that do: aae, ",
        ),
        (
            "edit dcgan digits",
            "takes a method that knows codes of images, and dcgan does not; methods that do: aae, ",
        ),
        (
            "encode dcgan digits",
            "takes a method that knows codes of images, and dcgan does not; methods that do: aae, ",
        ),
        (
            "edit classifier digits",
            "takes a method that draws the image of a code, and classifier does not; methods that",
        ),
        ("reconstruct classifier digits", "takes a method that draws the image of a code, and classifier does not"),
        ("decode classifier {}", "takes a method that draws the image of a code, and classifier does not"),
        (
            "draw classifier samples",
            "sheet 'samples' takes a method that has a prior and draws the image of a code, and",
        ),
        (
            "score classifier --only likelihood",
            'score "likelihood" takes a method that has a joint density',
        ),
    ],
)
def test_what_a_run_cannot_do_is_said_first(command: str, says: str, runs: Path, capsys: Captured) -> None:
    verb, run, *rest = command.split()
    assert says in refused(capsys, [verb, str(runs / run), *rest])


@pytest.mark.parametrize(
    ("command", "lacks"),
    [
        ("classify classifier digits", "--out"),
        ("inpaint vae digits", "--mask"),
        ("inpaint vae digits --mask half", "--out"),
        ("edit vae digits", "--attribute"),
        ("edit vae digits --attribute 3", "--out"),
        ("encode vae digits", "--out"),
        ("suggest vae digits", "--out"),
        ("neighbours vae digits", "--query"),
        ("neighbours vae digits --query 3", "--out"),
        ("duplicates vae digits", "--out"),
        ("outliers vae digits", "--out"),
        ("reconstruct vae digits", "--out"),
        ("decode dcgan {}", "--out"),
    ],
)
def test_what_a_run_can_do_asks_for_what_was_left_out(command: str, lacks: str, runs: Path, capsys: Captured) -> None:
    verb, run, *rest = command.split()
    assert refused(capsys, [verb, str(runs / run), *rest]) == (
        f"latelier: {verb} lacks {lacks}; see latelier {verb} --help"
    )
